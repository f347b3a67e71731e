package jobs

import (
	"context"
	"io"
	"os"
)

// input reads a file, or the standard input for "-", until the context ends: a pipe into which nobody writes waits for
// ever, already when it is opened.
func input(ctx context.Context, path string) (io.ReadCloser, error) {
	file := os.Stdin
	if path != "-" {
		opened := make(chan error, 1)
		go func() {
			f, err := os.Open(path)
			file = f
			opened <- err
		}()
		select {
		case err := <-opened:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	reader, writer := io.Pipe()
	go func() {
		_, err := io.Copy(writer, file)
		_ = writer.CloseWithError(err) // never fails
		if file != os.Stdin {
			_ = file.Close() // it was only read
		}
	}()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	return reader, nil
}
