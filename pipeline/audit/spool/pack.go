package spool

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// packWindow is how far back a packed stream refers: what a batch of rows says twice is written once.
const packWindow = 1 << 20

// Packer writes a stream of rows packed (zstd): names, words and references that rows repeat cost nothing.
type Packer struct{ z *zstd.Encoder }

// NewPacker packs what is written into w.
func NewPacker(w io.Writer) (Packer, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(packWindow))
	return Packer{z}, err
}

func (p Packer) Write(b []byte) (int, error) { return p.z.Write(b) }

// Flush makes sure that all that was written until now can be read, whatever comes after it.
func (p Packer) Flush() error { return p.z.Flush() }

// Close ends the stream, and leaves open what it was written into. A stream that is not ended is known as one.
func (p Packer) Close() error { return p.z.Close() }

// packedMark is how every packed stream begins; none of Arrow does.
var packedMark = []byte{0x28, 0xb5, 0x2f, 0xfd}

// unpacked is a stream as it was written, packed or, by an earlier build, not. It remembers how it ended.
type unpacked struct {
	r     io.Reader
	close func()
	tail  []byte
}

// Unpack reads a stream that a [Packer] wrote, or one of before there were any. It is to be closed.
func Unpack(r io.Reader) (io.ReadCloser, error) { return unpack(r) }

func unpack(r io.Reader) (*unpacked, error) {
	buffered := bufio.NewReader(r)
	begins, err := buffered.Peek(len(packedMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(begins, packedMark) {
		return &unpacked{r: buffered, close: func() {}}, nil
	}
	z, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &unpacked{r: z, close: z.Close}, nil
}

func (u *unpacked) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	u.tail = append(u.tail, b[max(0, n-len(arrowEnd)):n]...)
	u.tail = u.tail[max(0, len(u.tail)-len(arrowEnd)):]
	return n, err
}

func (u *unpacked) Close() error {
	u.close()
	return nil
}

// arrowEnd is how a closed Arrow stream ends. The reader itself takes a stream cut between two batches for a whole one.
var arrowEnd = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}

// ended reads what is left and checks that the stream ends as a closed one does.
func (u *unpacked) ended() error {
	if _, err := io.Copy(io.Discard, u); err != nil {
		return err
	}
	if !bytes.Equal(u.tail, arrowEnd) {
		return io.ErrUnexpectedEOF
	}
	return nil
}
