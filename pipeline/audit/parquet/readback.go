package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/common"
	"github.com/xitongsys/parquet-go/compress"
	"github.com/xitongsys/parquet-go/layout"
	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"
)

// readRows are decoded at once from one column.
const readRows = 1 << 16

// Content is what reading a whole file found out.
type Content struct {
	Rows    int64
	Columns []string
}

// ReadBack reads a Parquet file with a reader that is not the writer's, column by column, and counts: up
// to decode rows every value, in a larger file every page, decompressed but not decoded. That reader
// panics on some damage and on other damage returns fewer values, or none, without an error; both are
// errors here.
func ReadBack(ctx context.Context, path string, decode int64) (found Content, err error) {
	return readBack(ctx, path, decode, nil)
}

// readBack is ReadBack that has the first rows of each column looked at.
func readBack(ctx context.Context, path string, decode int64, look sampler) (found Content, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a sound Parquet file: %v", r)
		}
	}()
	if err := plausible(path); err != nil {
		return found, err
	}
	f, err := local.NewLocalFileReader(path)
	if err != nil {
		return found, err
	}
	defer f.Close()
	r, err := reader.NewParquetColumnReader(f, 1)
	if err != nil {
		return found, fmt.Errorf("footer: %w", err)
	}
	defer r.ReadStop()
	found.Rows = r.GetNumRows()
	sum := int64(0)
	for _, g := range r.Footer.RowGroups {
		sum += g.NumRows
		for _, c := range g.Columns {
			if lists := len(c.MetaData.PathInSchema) > 1; !lists && c.MetaData.NumValues != g.NumRows ||
				c.MetaData.NumValues < g.NumRows {
				return found, fmt.Errorf("a column of %d values in a group of %d rows", c.MetaData.NumValues,
					g.NumRows)
			}
		}
	}
	if sum != found.Rows {
		return found, fmt.Errorf("%d rows in its row groups, %d in its footer", sum, found.Rows)
	}
	for i := range r.SchemaHandler.ValueColumns {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		var name string
		if found.Rows > decode {
			name, err = readPages(r, int64(i), found.Rows)
			if err == nil && look != nil {
				_, err = readColumn(r, int64(i), min(sampleRows, found.Rows), look)
			}
		} else {
			name, err = readColumn(r, int64(i), found.Rows, look)
		}
		if err != nil {
			return found, err
		}
		found.Columns = append(found.Columns, name)
	}
	return found, nil
}

// readPages decompresses the pages of a column and counts the values that their headers promise.
func readPages(r *reader.ParquetReader, index, rows int64) (string, error) {
	name := columnName(r, index)
	sum, want := int64(0), int64(0)
	for _, g := range r.Footer.RowGroups {
		meta := g.Columns[index].MetaData
		offset := meta.DataPageOffset
		if meta.DictionaryPageOffset != nil {
			offset = *meta.DictionaryPageOffset
		}
		want += meta.NumValues
		pages := source.ConvertToThriftReader(r.PFile, offset, meta.TotalCompressedSize)
		for values := int64(0); values < meta.NumValues; {
			header, err := layout.ReadPageHeader(pages)
			if err != nil {
				return name, fmt.Errorf("column %s: %w", name, err)
			}
			if header.CompressedPageSize < 0 || int64(header.CompressedPageSize) > meta.TotalCompressedSize {
				return name, fmt.Errorf("column %s: %w", name, errPage)
			}
			page := make([]byte, header.CompressedPageSize)
			if _, err := io.ReadFull(pages, page); err != nil {
				return name, fmt.Errorf("column %s: %w", name, err)
			}
			page, err = compress.Uncompress(page, meta.Codec)
			if want := header.UncompressedPageSize; err != nil || len(page) != int(want) {
				return name, fmt.Errorf("column %s has a page of %d bytes, want %d: %w",
					name, len(page), want, errors.Join(err, errPage))
			}
			if header.DataPageHeader != nil {
				values += int64(header.DataPageHeader.NumValues)
				sum += int64(header.DataPageHeader.NumValues)
			}
		}
	}
	if sum != want || want < rows {
		return name, fmt.Errorf("column %s has %d values in its pages, want %d", name, sum, want)
	}
	return name, nil
}

var errPage = errors.New("damaged page")

func columnName(r *reader.ParquetReader, index int64) string {
	path := r.SchemaHandler.InPathToExPath[r.SchemaHandler.ValueColumns[index]]
	return strings.Split(path, common.PAR_GO_PATH_DELIMITER)[1] // below the root: a list has its values deeper
}

// readColumn decodes the values of so many rows of a column, and has the first looked at.
func readColumn(r *reader.ParquetReader, index, rows int64, look sampler) (string, error) {
	path := r.SchemaHandler.ValueColumns[index]
	element := r.SchemaHandler.MapIndex[path]
	name := columnName(r, index)
	list := strings.Count(path, common.PAR_GO_PATH_DELIMITER) > 1 // an empty one has no value
	repetition := r.SchemaHandler.SchemaElements[element].GetRepetitionType()
	required := !list && repetition == parquet.FieldRepetitionType_REQUIRED
	for done := int64(0); done < rows; {
		values, repeats, levels, err := r.ReadColumnByIndex(index, min(readRows, rows-done))
		if err != nil {
			return name, fmt.Errorf("column %s: %w", name, err)
		}
		if len(values) == 0 || len(values) != len(levels) || len(values) != len(repeats) || repeats[0] != 0 {
			return name, fmt.Errorf("column %s ends after %d of %d rows", name, done, rows)
		}
		if look != nil {
			if err := look(int(index), values, repeats); err != nil {
				return name, err
			}
			look = nil
		}
		for i, v := range values {
			if v == nil && (required || levels[i] != 0) {
				return name, fmt.Errorf("column %s has no value in row %d", name, done+int64(i))
			}
			if repeats[i] == 0 {
				done++
			}
		}
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
