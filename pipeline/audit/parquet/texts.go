package parquet

import (
	"context"
	"fmt"

	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/reader"
)

// Texts reads columns, row by row, as texts: "" for NULL, and of a column that the file has not. Of columns that are no
// text it gives numbers, and days and instants as numbers too; of lists nothing. The slice is the reader's, and holds
// until the next row.
func Texts(ctx context.Context, path string, columns []string, row func([]string)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a sound Parquet file: %v", r)
		}
	}()
	if err := plausible(path); err != nil {
		return err
	}
	f, err := local.NewLocalFileReader(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := reader.NewParquetColumnReader(f, 1)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	defer r.ReadStop()
	index := make([]int, len(columns))
	for i, want := range columns {
		index[i] = -1
		for at := range r.SchemaHandler.ValueColumns {
			if columnName(r, int64(at)) == want {
				index[i] = at
			}
		}
	}
	rows := r.GetNumRows()
	texts := make([]string, len(columns))
	for done := int64(0); done < rows; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(readRows, rows-done)
		read := make([][]any, len(columns))
		for i, at := range index {
			if at < 0 {
				continue
			}
			if read[i], _, _, err = r.ReadColumnByIndex(int64(at), n); err != nil {
				return fmt.Errorf("column %s: %w", columns[i], err)
			}
			if int64(len(read[i])) != n {
				return fmt.Errorf("column %s ends after %d of %d rows", columns[i], done+int64(len(read[i])), rows)
			}
		}
		for at := range n {
			for i := range columns {
				if texts[i] = ""; read[i] != nil && read[i][at] != nil {
					texts[i] = fmt.Sprint(read[i][at])
				}
			}
			row(texts)
		}
		done += n
	}
	return nil
}

// SiloName is a silo's name as it stands in the names of its files.
func SiloName(silo string) string { return siloName(silo) }
