package audit

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
)

// readRows are decoded at once from one column.
const readRows = 1 << 16

// parquetFacts is what reading a whole file found out.
type parquetFacts struct {
	rows    int64
	columns []string
}

// readBack decodes every value of a Parquet file with a reader that is not the writer's, column by column, and counts. That reader panics on
// some damage and on other damage returns fewer values, or none, without an error; both are errors here.
func readBack(ctx context.Context, path string) (facts parquetFacts, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a sound Parquet file: %v", r)
		}
	}()
	if err := plausible(path); err != nil {
		return facts, err
	}
	f, err := local.NewLocalFileReader(path)
	if err != nil {
		return facts, err
	}
	defer f.Close()
	r, err := reader.NewParquetColumnReader(f, 1)
	if err != nil {
		return facts, fmt.Errorf("footer: %w", err)
	}
	defer r.ReadStop()
	facts.rows = r.GetNumRows()
	sum := int64(0)
	for _, g := range r.Footer.RowGroups {
		sum += g.NumRows
		for _, c := range g.Columns {
			if c.MetaData.NumValues != g.NumRows {
				return facts, fmt.Errorf("a column of %d values in a group of %d rows", c.MetaData.NumValues, g.NumRows)
			}
		}
	}
	if sum != facts.rows {
		return facts, fmt.Errorf("%d rows in its row groups, %d in its footer", sum, facts.rows)
	}
	for i := range r.SchemaHandler.ValueColumns {
		if err := ctx.Err(); err != nil {
			return facts, err
		}
		name, err := readColumn(r, int64(i), facts.rows)
		if err != nil {
			return facts, err
		}
		facts.columns = append(facts.columns, name)
	}
	return facts, nil
}

func readColumn(r *reader.ParquetReader, index, rows int64) (string, error) {
	path := r.SchemaHandler.ValueColumns[index]
	element := r.SchemaHandler.MapIndex[path]
	name := r.SchemaHandler.Infos[element].ExName
	required := r.SchemaHandler.SchemaElements[element].GetRepetitionType() == parquet.FieldRepetitionType_REQUIRED
	for done := int64(0); done < rows; {
		values, _, levels, err := r.ReadColumnByIndex(index, min(readRows, rows-done))
		if err != nil {
			return name, fmt.Errorf("column %s: %w", name, err)
		}
		if len(values) == 0 || len(values) != len(levels) {
			return name, fmt.Errorf("column %s ends after %d of %d rows", name, done, rows)
		}
		for i, v := range values {
			if v == nil && (required || levels[i] != 0) {
				return name, fmt.Errorf("column %s has no value in row %d", name, done+int64(i))
			}
		}
		done += int64(len(values))
	}
	if cb := r.ColumnBuffers[path]; cb != nil {
		cb.PFile.Close()
		delete(r.ColumnBuffers, path)
	}
	return name, nil
}

// plausible keeps the reader from a footer that reaches out of the file.
func plausible(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var head [4]byte
	var tail [8]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return errors.New("not a Parquet file: too short")
	}
	if _, err := f.ReadAt(tail[:], max(0, info.Size()-8)); err != nil {
		return errors.New("not a Parquet file: too short")
	}
	footer := int64(tail[0]) | int64(tail[1])<<8 | int64(tail[2])<<16 | int64(tail[3])<<24
	if string(head[:]) != "PAR1" || string(tail[4:]) != "PAR1" || footer+12 > info.Size() {
		return errors.New("not a Parquet file: wrong first or last bytes")
	}
	return nil
}
