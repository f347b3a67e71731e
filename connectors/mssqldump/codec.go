package mssqldump

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"lethe/connectors"
)

// codec is in which bytes a script is written: UTF-8, UTF-16 of either order, or one byte a character. Decoding and
// encoding again gives the same bytes, or is refused.
type codec struct {
	order  binary.ByteOrder // of UTF-16; nil: another
	single *charmap.Charmap // of one byte a character; nil: another
}

// charsets are what the option encoding takes.
var charsets = map[string]*charmap.Charmap{
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252,
	"windows-1253": charmap.Windows1253, "windows-1254": charmap.Windows1254, "windows-1257": charmap.Windows1257,
	"iso-8859-1": charmap.ISO8859_1, "iso-8859-15": charmap.ISO8859_15,
}

// codecOf tells from the first bytes of a text, and from what the option says.
func codecOf(head []byte, option string) codec {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return codec{order: binary.LittleEndian}
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return codec{order: binary.BigEndian}
	}
	return codec{single: charsets[option]}
}

var errEncoding = fmt.Errorf("it is neither UTF-8 nor UTF-16: %w", connectors.ErrDamaged)

// reader decodes what r reads to UTF-8.
func (c codec) reader(r io.Reader) io.Reader {
	switch {
	case c.order != nil:
		return &decoder{r: r, order: c.order}
	case c.single != nil:
		return c.single.NewDecoder().Reader(r)
	}
	return r
}

// decoder reads UTF-16 as UTF-8.
type decoder struct {
	r     io.Reader
	order binary.ByteOrder
	raw   [64 << 10]byte
	left  int    // bytes of raw that are not decoded yet
	out   []byte // decoded and not handed out yet
	err   error
}

func (d *decoder) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.r.Read(d.raw[d.left:])
		d.decode(d.left+n, err)
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// decode decodes n bytes of raw; behind the last a pair may be begun.
func (d *decoder) decode(n int, err error) {
	d.out = d.out[:0]
	i := 0
	for ; i+2 <= n; i += 2 {
		r := rune(d.order.Uint16(d.raw[i:]))
		if utf16.IsSurrogate(r) {
			if i+4 > n && err == nil {
				break
			}
			if i+4 > n {
				err = errEncoding
				break
			}
			if r = utf16.DecodeRune(r, rune(d.order.Uint16(d.raw[i+2:]))); r == utf8.RuneError {
				err = errEncoding // half of a pair, which no UTF-8 has
				break
			}
			i += 2
		}
		d.out = utf8.AppendRune(d.out, r)
	}
	d.left = copy(d.raw[:], d.raw[i:n])
	if err == io.EOF && d.left > 0 {
		err = fmt.Errorf("it ends within a character of UTF-16: %w", connectors.ErrDamaged)
	}
	d.err = err
}

// writer encodes what is put as the script is written. What is put ends with whole characters.
func (c codec) writer(put func([]byte) error) func([]byte) error {
	if c.order == nil && c.single == nil {
		return put
	}
	var buf []byte
	return func(b []byte) error {
		var err error
		if buf, err = c.encode(buf[:0], b); err != nil {
			return err
		}
		return put(buf)
	}
}

// encode appends a text as the script is written.
func (c codec) encode(dst, text []byte) ([]byte, error) {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n < 2 {
			return nil, errEncoding
		}
		text = text[n:]
		switch {
		case c.order == nil:
			b, ok := c.single.EncodeRune(r)
			if !ok {
				return nil, fmt.Errorf("a character is not of the encoding of the script: %w", connectors.ErrRefused)
			}
			dst = append(dst, b)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = c.append(c.append(dst, uint16(high)), uint16(low))
		default:
			dst = c.append(dst, uint16(r))
		}
	}
	return dst, nil
}

func (c codec) append(dst []byte, unit uint16) []byte {
	var b [2]byte
	c.order.PutUint16(b[:], unit)
	return append(dst, b[:]...)
}
