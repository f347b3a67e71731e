package packed

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"

	"lethe/connectors"
)

// Of a frame of lz4 (doc/lz4_Frame_format.md of lz4 1.10): what it begins with, and the bits of the byte behind that.
const (
	lz4Magic      = "\x04\x22\x4d\x18"
	lz4BlockSums  = 1 << 4
	lz4Size       = 1 << 3
	lz4Sum        = 1 << 2
	lz4Dictionary = 1 << 0
)

// errLZ4Dict: a dictionary is another file.
var errLZ4Dict = errors.New("it is compressed by lz4 with a dictionary of its own")

// lz4Layer tells of a frame how its like is written: the size of blocks, and which checksums there are.
func lz4Layer(head []byte) Layer {
	l := Layer{Kind: LZ4, Window: int(lz4.Block4Mb)}
	if len(head) > 5 {
		l.Checksum, l.BlockSums = head[4]&lz4Sum != 0, head[4]&lz4BlockSums != 0
		if size := int(head[5]>>4) & 7; size >= 4 {
			l.Window = 1 << (8 + 2*size)
		}
	}
	return l
}

// lz4Like are the options of a writer of frames like those of a file. What level they were made with, no frame tells.
func (l *Layer) lz4Like() []lz4.Option {
	return []lz4.Option{lz4.BlockSizeOption(lz4.BlockSize(l.Window)), lz4.ChecksumOption(l.Checksum),
		lz4.BlockChecksumOption(l.BlockSums), lz4.ConcurrencyOption(1)}
}

// lz4Reader unpacks one frame behind the other. The library takes a file that ends between two blocks for whole, so that
// the frames are walked here.
type lz4Reader struct {
	in    *bufio.Reader
	frame *lz4Frame
	z     *lz4.Reader
}

func newLZ4(in io.Reader) *lz4Reader { return &lz4Reader{in: bufio.NewReaderSize(in, headBytes)} }

// Read reads the text. It ends with the last frame, where the file does.
func (r *lz4Reader) Read(p []byte) (int, error) {
	for {
		if r.frame == nil {
			if _, err := r.in.Peek(1); err != nil {
				return 0, err
			}
			r.frame = &lz4Frame{in: r.in, state: lz4Head}
			if r.z == nil {
				r.z = lz4.NewReader(r.frame)
			} else {
				r.z.Reset(r.frame)
			}
		}
		n, err := r.z.Read(p)
		if err != io.EOF {
			return n, err
		}
		r.frame = nil
		if n > 0 {
			return n, nil
		}
	}
}

// The parts of a frame, one behind the other.
const (
	lz4Head = iota
	lz4Length
	lz4End
	lz4Ended
)

// lz4Frame gives the bytes of one frame of a file, and no more; its end is the frame's.
type lz4Frame struct {
	in    *bufio.Reader
	state int
	part  []byte // of the part at hand, what is left to give
	left  int    // and how many bytes of the block behind it
	sum   int    // bytes of checksum behind each block
	end   int    // and behind the last
}

func (f *lz4Frame) Read(p []byte) (int, error) {
	for len(f.part) == 0 && f.left == 0 {
		if f.state == lz4Ended {
			return 0, io.EOF
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.part) > 0 {
		n := copy(p, f.part)
		f.part = f.part[n:]
		return n, nil
	}
	n, err := f.in.Read(p[:min(len(p), f.left)])
	if f.left -= n; err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next begins the next part.
func (f *lz4Frame) next() error {
	switch f.state {
	case lz4Head:
		return f.head()
	case lz4Length:
		if err := f.take(4); err != nil {
			return err
		}
		if f.left = int(binary.LittleEndian.Uint32(f.part) &^ (1 << 31)); f.left == 0 { // the highest bit: as it is
			if f.state = lz4End; f.end == 0 {
				f.state = lz4Ended
			}
			return nil
		}
		f.left += f.sum
	case lz4End:
		f.state = lz4Ended
		return f.take(f.end)
	}
	return nil
}

// take reads so many bytes, to be given.
func (f *lz4Frame) take(n int) error {
	f.part = make([]byte, n)
	_, err := io.ReadFull(f.in, f.part)
	if err == io.EOF && n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (f *lz4Frame) head() error {
	if err := f.take(7); err != nil {
		return err
	}
	start, flags := f.part, f.part[4]
	if string(start[:4]) != lz4Magic || flags>>6 != 1 {
		return fmt.Errorf("something else stands behind a frame of lz4: %w", connectors.ErrDamaged)
	}
	if flags&lz4Dictionary != 0 {
		return fmt.Errorf("%w: %w", errLZ4Dict, errors.ErrUnsupported)
	}
	if flags&lz4Size != 0 {
		if err := f.take(8); err != nil {
			return err
		}
		f.part = append(start, f.part...)
	}
	if flags&lz4BlockSums != 0 {
		f.sum = 4
	}
	if flags&lz4Sum != 0 {
		f.end = 4
	}
	f.state = lz4Length
	return nil
}
