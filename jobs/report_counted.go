package jobs

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/queries"
)

// countedOnly says, in comments of SQL, which rows of a night are in no answer to a query: those of which there are but
// counts, since their term is over, or which are encrypted for the readers of their silo. "" there are none.
func countedOnly(ctx context.Context, a asked, night string, q queries.Query) (string, error) {
	var said strings.Builder
	for _, place := range []struct{ glob, why string }{
		{filepath.Join(expiry.Folder, "run=*", "table="+audit.RowRollupTable, "*", "*", "*.parquet"),
			"stand as counts alone, since the term of evidence.row_level is over"},
		{filepath.Join("table="+audit.RowRollupTable, "date="+night, "*", "*.parquet"),
			"are encrypted for the readers of their silo (--identity opens them)"},
	} {
		if a.identity != "" && !strings.HasPrefix(place.glob, expiry.Folder) {
			continue
		}
		glob := filepath.Join(a.reports, place.glob)
		rows, err := counted(ctx, glob, night, q.Tables())
		if err != nil {
			return "", err
		}
		for _, table := range slices.Sorted(maps.Keys(rows)) {
			fmt.Fprintf(&said, "-- Not in the answer: %d rows of table %s of %s, which %s. Their counts:\n"+
				"--   SELECT silo, source, object, action, change, reason, status, sum(rows) AS rows FROM read_parquet(%s)\n"+
				"--   WHERE of_table = '%s' AND of_date = DATE '%s' GROUP BY ALL ORDER BY ALL;\n", rows[table], table, night,
				place.why, "'"+strings.ReplaceAll(filepath.ToSlash(glob), "'", "''")+"'", table, night)
		}
	}
	return said.String(), nil
}

// counted sums what files of counts say of tables of a night.
func counted(ctx context.Context, glob, night string, tables []string) (map[string]int64, error) {
	files, err := filepath.Glob(glob)
	if err != nil {
		return nil, fmt.Errorf("look for counts: %w", err)
	}
	day, err := audit.DayNumber(night)
	if err != nil {
		return nil, err
	}
	rows, of := map[string]int64{}, strconv.Itoa(int(day))
	for _, file := range files {
		err := parquet.Texts(ctx, file, []string{"of_table", "of_date", "rows"}, func(v []string) {
			if n, err := strconv.ParseInt(v[2], 10, 64); err == nil && v[1] == of && slices.Contains(tables, v[0]) {
				rows[v[0]] += n
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	return rows, nil
}
