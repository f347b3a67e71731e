// Package packed packs what stands in a file many times alike (zstd), a text at once.
package packed

import (
	"bytes"

	"github.com/klauspost/compress/zstd"
)

// begins is how a text that is packed begins; no JSON does.
var begins = []byte{0x28, 0xb5, 0x2f, 0xfd}

// Pack packs a text; nil stays nil.
func Pack(text []byte) ([]byte, error) {
	if text == nil {
		return nil, nil
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(text, nil), z.Close()
}

// Unpack is what was packed; what was not stays as it is.
func Unpack(stored []byte) ([]byte, error) {
	if !bytes.HasPrefix(stored, begins) {
		return stored, nil
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(stored, nil)
}
