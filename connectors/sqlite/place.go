package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
)

// Place is the file itself, by device and number where the system counts files so, else by its path without links.
func (s *source) Place(ctx context.Context) (string, error) {
	place, err := placeOf(filePath(s.dsn))
	if err != nil {
		return "", s.fail(ctx, "open", "", err)
	}
	return place, nil
}

func placeOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil {
		if number := fileNumber(info); number != "" {
			return "file " + number, nil
		}
		if path, err = filepath.EvalSymlinks(path); err == nil {
			path, err = filepath.Abs(path)
		}
	}
	return "file " + path, err
}

// fileNumber is the device and the number of a file, "" where the system has none.
func fileNumber(info os.FileInfo) string {
	v := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if v.Kind() != reflect.Struct {
		return ""
	}
	device, number := v.FieldByName("Dev"), v.FieldByName("Ino")
	if !device.IsValid() || !number.IsValid() {
		return ""
	}
	return fmt.Sprintf("%v:%v", device.Interface(), number.Interface())
}
