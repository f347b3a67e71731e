package packed

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A zstd file that can be sought in ends with a frame that is skipped by who does not know it: a table of the sizes of
// all others (contrib/seekable_format of zstd).
const (
	seekMagic  = 0x8f92eab1
	seekFrame  = 0x184d2a5e
	seekFooter = 9
	maxFrame   = 64 << 20
)

// seekable is how much text each frame of a file has that can be sought in; 0: it cannot.
func seekable(f io.ReaderAt, size int64) int {
	var foot [seekFooter]byte
	if size < seekFooter+8+8 {
		return 0
	}
	if _, err := f.ReadAt(foot[:], size-seekFooter); err != nil || binary.LittleEndian.Uint32(foot[5:]) != seekMagic {
		return 0
	}
	frames, entry := int64(binary.LittleEndian.Uint32(foot[:])), int64(8)
	if foot[4]&0x80 != 0 { // each entry has a checksum
		entry = 12
	}
	at := size - seekFooter - frames*entry
	var first [8]byte
	if frames == 0 || at < 8 {
		return 0
	}
	if _, err := f.ReadAt(first[:], at); err != nil {
		return 0
	}
	text := int(binary.LittleEndian.Uint32(first[4:]))
	if text < 1<<10 || text > maxFrame {
		return 0
	}
	return text
}

// seekWriter writes frames of so much text each, and the table of them.
type seekWriter struct {
	to    counter
	z     *zstd.Encoder
	frame int
	left  int   // of the frame at hand
	began int64 // where it began
	table []byte
}

// counter counts what is written to something.
type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}

func newSeekable(w io.Writer, l *Layer) (*seekWriter, error) {
	s := &seekWriter{to: counter{Writer: w}, frame: l.Frame, left: l.Frame}
	var err error
	s.z, err = zstd.NewWriter(&s.to, l.ZstdLike()...)
	return s, err
}

func (s *seekWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), s.left)]
		m, err := s.z.Write(part)
		n, s.left, p = n+m, s.left-m, p[m:]
		if err == nil && s.left == 0 {
			err = s.end()
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// end ends the frame at hand.
func (s *seekWriter) end() error {
	if err := s.z.Close(); err != nil {
		return err
	}
	s.table = binary.LittleEndian.AppendUint32(s.table, uint32(s.to.n-s.began))
	s.table = binary.LittleEndian.AppendUint32(s.table, uint32(s.frame-s.left))
	s.began, s.left = s.to.n, s.frame
	s.z.Reset(&s.to)
	return nil
}

// Close ends the last frame and writes the table.
func (s *seekWriter) Close() error {
	if s.left < s.frame || len(s.table) == 0 {
		if err := s.end(); err != nil {
			return err
		}
	}
	frames := uint32(len(s.table) / 8)
	b := binary.LittleEndian.AppendUint32(nil, seekFrame)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.table)+seekFooter))
	b = append(b, s.table...)
	b = binary.LittleEndian.AppendUint32(b, frames)
	b = append(b, 0) // no checksums
	b = binary.LittleEndian.AppendUint32(b, seekMagic)
	_, err := s.to.Write(b)
	return err
}
