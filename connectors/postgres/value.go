package postgres

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"lethe/connectors"
)

// Canonical gives a value as the server writes it the form of its kind: v, a part of it, or scratch, whose grown form
// is returned.
func (c *column) Canonical(v, scratch []byte) (value, grown []byte, err error) {
	switch c.field.Kind {
	case connectors.Binary:
		digits, ok := bytes.CutPrefix(v, []byte(`\x`))
		if !ok {
			return nil, scratch, errors.New("the session does not write binary values as hexadecimal digits")
		}
		if scratch, err = hex.AppendDecode(scratch[:0], digits); err != nil {
			return nil, scratch, errors.New("a binary value is no hexadecimal digits") // that of hex holds a byte
		}
		return scratch, scratch, nil
	case connectors.Timestamp:
		// as package pgdump: years of five digits, those before Christ and infinity stay as they are
		const second = len("2006-01-02 15:04:05")
		if at := len(v) - len("+00"); at >= second && v[4] == '-' && v[10] == ' ' && string(v[at:]) == "+00" {
			return v[:at], scratch, nil
		}
	}
	return v, scratch, nil
}

// input is how a canonical value is handed to the server, as text that is cast to the column's type.
func (c *column) input(v []byte) []byte {
	if c.field.Kind != connectors.Binary {
		return v
	}
	return hex.AppendEncode([]byte(`\x`), v)
}

// check refuses a value that the type cannot hold, as far as that is simple to see: the server's own error would name
// no field. Integers beyond every type's are told apart, as no row holds them.
func (c *column) check(v []byte) (beyond bool, err error) {
	switch c.field.Kind {
	case connectors.Integer:
		digits := bytes.TrimPrefix(v, []byte("-"))
		if len(digits) == 0 || bytes.ContainsFunc(digits, notDigit) {
			return false, fmt.Errorf("not an integer: %w", connectors.ErrConfig)
		}
		_, err := strconv.ParseInt(string(v), 10, 64)
		return err != nil, nil
	case connectors.Decimal:
		whole, fraction, _ := bytes.Cut(bytes.TrimPrefix(v, []byte("-")), []byte("."))
		special := string(v) == "NaN" || string(v) == "Infinity" || string(v) == "-Infinity"
		if !special && (len(whole)+len(fraction) == 0 || bytes.ContainsFunc(whole, notDigit) || bytes.ContainsFunc(fraction, notDigit)) {
			return false, fmt.Errorf("not a decimal: %w", connectors.ErrConfig)
		}
	case connectors.Float:
		if _, err := strconv.ParseFloat(string(v), 64); err != nil {
			return false, fmt.Errorf("not a float: %w", connectors.ErrConfig)
		}
	case connectors.Bit:
		if bytes.ContainsFunc(v, func(r rune) bool { return r != '0' && r != '1' }) {
			return false, fmt.Errorf("not a string of 0 and 1: %w", connectors.ErrConfig)
		}
	case connectors.Text, connectors.JSON:
		return bytes.IndexByte(v, 0) >= 0, nil // no text of this engine holds NUL
	}
	return false, nil
}

// Check refuses a value that no row holds.
func (c *column) Check(v []byte) error {
	beyond, err := c.check(v)
	if beyond {
		err = errors.New("a value beyond those of the type")
	}
	return err
}

// Field is the name of the field.
func (c *column) Field() string { return c.field.Name }

func notDigit(r rune) bool { return r < '0' || r > '9' }
