package textfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

func TestOpen(t *testing.T) {
	text := bytes.Repeat([]byte("line of text\n"), 200_000)
	half := len(text) / 2
	skippable := append(binary.LittleEndian.AppendUint32([]byte{0x53, 0x2a, 0x4d, 0x18}, 3), "abc"...)
	for name, content := range map[string][]byte{
		"plain.txt": text,
		"one.gz":    connectortest.Pack(t, ".gz", text),
		"members.gz": append(connectortest.Pack(t, ".gz", text[:half]),
			connectortest.Pack(t, ".gz", text[half:])...),
		"other-name.txt": connectortest.Pack(t, ".gz", text),
		"one.zst":        connectortest.Pack(t, ".zst", text),
		"frames.zst": append(connectortest.Pack(t, ".zst", text[:half]),
			connectortest.Pack(t, ".zst", text[half:])...),
		"skippable.zst":   append(skippable, connectortest.Pack(t, ".zst", text)...),
		"upper-case.GZ":   connectortest.Pack(t, ".gz", text),
		"zst-as-text.sql": connectortest.Pack(t, ".zst", text),
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, name, content)
			f, err := Open(path)
			require.NoError(t, err)
			got, err := io.ReadAll(f)
			require.NoError(t, err)
			f.Close()
			require.True(t, bytes.Equal(text, got))

			head, err := Head(path, 20)
			require.NoError(t, err)
			require.Equal(t, text[:20], head)
		})
	}
	head, err := Head(connectortest.WriteFile(t, "short", []byte("abc")), 20)
	require.NoError(t, err)
	require.Equal(t, "abc", string(head))
}

func TestOpenRefuses(t *testing.T) {
	gz, zst := connectortest.Pack(t, ".gz", []byte(strings.Repeat("some text ", 100))),
		connectortest.Pack(t, ".zst", []byte(strings.Repeat("some text ", 100)))
	wrong := bytes.Clone(gz)
	wrong[len(wrong)-6] ^= 1
	for _, tc := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"plain.gz", []byte("text"), "not gzip"},
		{"plain.zst", []byte("text"), "not zstd"},
		{"x.bz2", []byte("text"), "not bzip2"},
		{"x.lz4", []byte("\x02\x21\x4c\x18"), "lz4"},
		{"archive.dump", []byte("PGDMP\x01"), "connector pgdump"},
		{"x.csv", []byte("PK\x03\x04"), "zip"},
		{"x.csv", []byte("\xff\xfea\x00"), "UTF-16"},
		{"cut.gz", gz[:len(gz)-3], "ends too early"},
		{"cut.zst", zst[:len(zst)-3], "ends too early"},
		{"wrong.gz", wrong, "cannot be read"},
		{"x.sql.gz", connectortest.Pack(t, ".gz", []byte("PGDMP\x01")), "connector pgdump"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Head(connectortest.WriteFile(t, tc.name, tc.content), 4096)
			require.ErrorIs(t, err, connectors.ErrDamaged)
			require.ErrorContains(t, err, tc.want)
		})
	}
	text := connectortest.WriteFile(t, "plain.gz", []byte("text"))
	var raw bytes.Buffer
	f, err := OpenWith(text, Options{Name: "plain", Tee: &raw})
	require.NoError(t, err, "the name that it stands for counts")
	got, err := io.ReadAll(f)
	require.NoError(t, err)
	f.Close()
	require.Equal(t, "text", string(got))
	require.Equal(t, "text", raw.String())
	_, err = OpenWith(text, Options{Name: "plain", Foreign: []Foreign{{"tex", "it is foreign"}}})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "it is foreign")
	_, err = Open(filepath.Join(t.TempDir(), "nothing"))
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	_, err = StampOf(t.TempDir())
	require.ErrorIs(t, err, connectors.ErrConfig)
}

func TestStampChangesWithTheFile(t *testing.T) {
	path := connectortest.WriteFile(t, "x", []byte("a"))
	before, err := StampOf(path)
	require.NoError(t, err)
	same, err := StampOf(path)
	require.NoError(t, err)
	require.Equal(t, before, same)
	require.NoError(t, os.Rename(connectortest.WriteFile(t, "y", []byte("b")), path))
	after, err := StampOf(path)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}

func TestWindow(t *testing.T) {
	text := "one\ntwo\nthree\nfour and a long line\n\nsix"
	for size := range 12 {
		w := NewWindow(t.Context(), strings.NewReader(text), size)
		var got []string
		for line := int64(1); ; line++ {
			i := bytes.IndexByte(w.Rest(), '\n')
			for i < 0 && w.More() == nil {
				i = bytes.IndexByte(w.Rest(), '\n')
			}
			require.Equal(t, line, w.Line(0))
			if i < 0 {
				require.True(t, w.EOF())
				got = append(got, string(w.Rest()))
				break
			}
			require.Equal(t, line, w.Line(i))
			got = append(got, string(w.Rest()[:i]))
			w.Drop(i + 1)
		}
		require.Equal(t, strings.Split(text, "\n"), got, "size %d", size)
		require.Equal(t, io.EOF, w.More())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, NewWindow(ctx, strings.NewReader("x"), 1).More(), context.Canceled)
}

// A reader that is left early does not keep its goroutine.
func TestCloseEarly(t *testing.T) {
	path := connectortest.WriteFile(t, "x.gz", connectortest.Pack(t, ".gz", make([]byte, 64<<20)))
	for range 20 {
		f, err := Open(path)
		require.NoError(t, err)
		_, err = f.Read(make([]byte, 10))
		require.NoError(t, err)
		ahead := f.ahead
		f.Close()
		f.Close() // again
		select {
		case <-ahead.done:
		default:
			t.Fatal("the goroutine still runs")
		}
	}
}
