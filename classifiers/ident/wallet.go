package ident

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strings"
)

// bitcoin checks an address in base58check (versions 0 and 5) or in bech32 and bech32m with the human-readable part bc.
func bitcoin(b []byte) bool {
	if len(b) < 14 || len(b) > 90 { // BIP 173: a human-readable part, a version, two to forty bytes, six characters
		return false
	}
	switch b[0] {
	case '1', '3':
		return len(b) >= 26 && len(b) <= 35 && base58check(b)
	case 'b', 'B':
		return bech32(b)
	}
	return false
}

// base58check decodes to 25 bytes, of which the last four are those of the double SHA-256 of the others.
func base58check(b []byte) bool {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	var n [25]byte
	for _, c := range b {
		carry := strings.IndexByte(alphabet, c)
		if carry < 0 {
			return false
		}
		for i := len(n) - 1; i >= 0; i-- {
			carry += 58 * int(n[i])
			n[i] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	if n[0] != 0 && n[0] != 5 {
		return false
	}
	sum := sha256.Sum256(n[:21])
	sum = sha256.Sum256(sum[:])
	return string(sum[:4]) == string(n[21:])
}

// bech32 checks the polynomial of BIP 173 (witness version 0) or BIP 350 (later versions); upper and lower
// case are not mixed.
func bech32(b []byte) bool {
	const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	upper, lower := false, false
	sum := uint32(1)
	add := func(v int) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for _, v := range [...]int{'b' >> 5, 'c' >> 5, 0, 'b' & 31, 'c' & 31} {
		add(v)
	}
	for i, c := range b {
		upper = upper || isUpper(c)
		lower = lower || isLetter(c) && !isUpper(c)
		if isUpper(c) {
			c |= 0x20
		}
		switch {
		case i < 3:
			if c != "bc1"[i] {
				return false
			}
		default:
			v := strings.IndexByte(alphabet, c)
			if v < 0 {
				return false
			}
			add(v)
		}
	}
	want := uint32(0x2bc830a3)
	if b[3]|0x20 == 'q' {
		want = 1
	}
	return sum == want && !(upper && lower)
}

// ethereum checks 0x and forty hexadecimal digits; letters of both cases must follow ERC-55.
func ethereum(b []byte) bool {
	if len(b) != 42 || b[0] != '0' || b[1] != 'x' {
		return false
	}
	var lower [40]byte
	hasUpper, hasLower := false, false
	for i, c := range b[2:] {
		switch {
		case isDigit(c):
		case 'A' <= c && c <= 'F':
			hasUpper = true
			c |= 0x20
		case 'a' <= c && c <= 'f':
			hasLower = true
		default:
			return false
		}
		lower[i] = c
	}
	if !hasUpper || !hasLower {
		return hasUpper || hasLower
	}
	hash := keccak256(lower[:])
	for i, c := range b[2:] {
		if nibble := hash[i/2] >> (4 - i%2*4) & 15; isLetter(c) && isUpper(c) != (nibble >= 8) {
			return false
		}
	}
	return true
}

// keccak256 is the original Keccak (not SHA-3) of at most 135 bytes, without the allocation of a hash.Hash.
func keccak256(b []byte) [32]byte {
	var block [200]byte
	copy(block[:], b)
	block[len(b)] ^= 0x01
	block[135] ^= 0x80
	var a [25]uint64
	for i := range a {
		a[i] = binary.LittleEndian.Uint64(block[8*i:])
	}
	keccakF(&a)
	var out [32]byte
	for i := range 4 {
		binary.LittleEndian.PutUint64(out[8*i:], a[i])
	}
	return out
}

// keccakF is the permutation Keccak-f[1600] as FIPS 202, section 3, gives it; the round constants come from
// its shift register.
func keccakF(a *[25]uint64) {
	register := byte(1)
	for range 24 {
		var c [5]uint64
		for x := range c {
			c[x] = a[x] ^ a[x+5] ^ a[x+10] ^ a[x+15] ^ a[x+20]
		}
		for i := range a {
			a[i] ^= c[(i+4)%5] ^ bits.RotateLeft64(c[(i+1)%5], 1)
		}
		x, y, lane := 1, 0, a[1]
		for t := range 24 {
			x, y = y, (2*x+3*y)%5
			lane, a[x+5*y] = a[x+5*y], bits.RotateLeft64(lane, (t+1)*(t+2)/2%64)
		}
		for y := 0; y < 25; y += 5 {
			row := [5]uint64(a[y : y+5])
			for x := range row {
				a[y+x] = row[x] ^ ^row[(x+1)%5]&row[(x+2)%5]
			}
		}
		for j := range 7 {
			if register&1 == 1 {
				a[0] ^= 1 << (1<<j - 1)
			}
			high := register >> 7
			register = register<<1 ^ high*0x71
		}
	}
}
