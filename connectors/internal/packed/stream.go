package packed

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"lethe/connectors"
)

// maxWindow is the largest window that a zstd frame may ask for: the limit of the zstd command itself.
const maxWindow = 128 << 20

// maxDictionary is the largest dictionary that is read of xz: that of `xz -9`.
const maxDictionary = 64 << 20

// stream opens what is within a layer that is no archive.
func (l *Layer) stream(in io.Reader, keys *Keys, unzstd Unzstd) (r io.Reader, closes func(), err error) {
	switch l.Kind {
	case Gzip:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, Damaged(err)
		}
		l.Header = z.Header
		return z, nil, nil
	case Zstd:
		if unzstd != nil {
			return opened(unzstd(in))
		}
		z, err := NewZstd(in)
		if err != nil {
			return nil, nil, Damaged(err)
		}
		return z, z.Close, nil
	case Bzip2:
		return bzip2.NewReader(in), nil, nil
	case LZ4:
		return newLZ4(in), nil, nil
	case XZ:
		if l.Window > maxDictionary {
			return nil, nil, fmt.Errorf("%w: %w", errDict, errors.ErrUnsupported)
		}
		z, err := xz.NewReader(bufio.NewReaderSize(in, headBytes)) // it reads byte by byte
		if err != nil {
			return nil, nil, Damaged(err)
		}
		return z, nil, nil
	}
	l.keys = keys
	r, err = l.decrypt(in)
	return r, nil, err
}

// NewZstd makes a reader of zstd.
func NewZstd(in io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderLowmem(true))
}

func opened(z *zstd.Decoder, closes func(), err error) (io.Reader, func(), error) {
	if err != nil {
		return nil, nil, Damaged(err)
	}
	return z, closes, nil
}

// zstdLayer is what the first frame tells.
func zstdLayer(head []byte) Layer {
	l := Layer{Kind: Zstd, Checksum: true}
	var h zstd.Header
	if err := h.Decode(head); err == nil && !h.Skippable {
		l.Checksum = h.HasCheckSum
		if !h.SingleSegment {
			l.Window = int(h.WindowSize)
		}
	}
	return l
}

// xzDictionary is the dictionary of the first block of a stream of xz (the .xz file format 1.2.1, 3.1 and 5.3.1); 0: it
// does not say.
func xzDictionary(block []byte) int {
	if len(block) < 2 || block[0] == 0 {
		return 0
	}
	flags, rest := block[1], block[2:min(len(block), (int(block[0])+1)*4)]
	for range int(flags>>6&1) + int(flags>>7&1) { // sizes, where they are there
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0
		}
		rest = rest[n:]
	}
	for range int(flags&3) + 1 {
		id, n := binary.Uvarint(rest)
		if n <= 0 || len(rest) < n+2 {
			return 0
		}
		size := int(rest[n])
		if id == 0x21 && size == 1 { // LZMA2
			dict, err := lzma.DecodeDictCap(rest[n+1])
			if err != nil {
				return 0
			}
			return int(dict)
		}
		if len(rest) < n+1+size {
			return 0
		}
		rest = rest[n+1+size:]
	}
	return 0
}

// How a file begins that is encrypted with age.
const (
	ageIntro = "age-encryption.org/v1\n"
	ageArmor = "-----BEGIN AGE ENCRYPTED FILE-----"
)

// Keys are those by which files are opened, and for whom new ones are encrypted.
type Keys struct {
	Identities []age.Identity
	Recipients []age.Recipient // none: those of the identities
}

// decrypt opens what is encrypted with age.
func (l *Layer) decrypt(in io.Reader) (io.Reader, error) {
	if l.Armor {
		in = armor.NewReader(in)
	}
	if l.keys == nil || len(l.keys.Identities) == 0 {
		return nil, fmt.Errorf("%w: %w", errNoKey, connectors.ErrDamaged)
	}
	var header bytes.Buffer
	r, err := age.Decrypt(io.TeeReader(in, &counting{&header}), l.keys.Identities...)
	for line := range strings.Lines(header.String()) {
		if kind, is := strings.CutPrefix(line, "-> "); is && !strings.Contains(strings.Fields(kind + " x")[0], "grease") {
			l.For++
			if strings.HasPrefix(kind, "scrypt") {
				return nil, fmt.Errorf("%w: %w", errPhrase, connectors.ErrDenied)
			}
		}
		if strings.HasPrefix(line, "---") {
			break
		}
	}
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, fmt.Errorf("%w: %w", errKey, connectors.ErrDenied)
	}
	if err != nil {
		return nil, Damaged(err)
	}
	header.Reset()
	return r, nil
}

// counting keeps the beginning of what is written to it, so much as a header may have.
type counting struct{ b *bytes.Buffer }

func (c *counting) Write(p []byte) (int, error) {
	if room := 64<<10 - c.b.Len(); room > 0 {
		c.b.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

// recipients are those for whom a new file is encrypted: as many as the old one has.
func (l *Layer) recipients() ([]age.Recipient, error) {
	list := l.keys.Recipients
	if len(list) == 0 {
		for _, id := range l.keys.Identities {
			if known, ok := id.(*age.X25519Identity); ok {
				list = append(list, known.Recipient())
			} else if known, ok := id.(*age.HybridIdentity); ok {
				list = append(list, known.Recipient())
			}
		}
	}
	if len(list) != l.For {
		return nil, fmt.Errorf("%w: it is for %d, and there are %d: %w", errFor, l.For, len(list), connectors.ErrConfig)
	}
	return list, nil
}
