package identifier

import (
	"slices"
	"strings"
	"sync"

	"lethe/classifiers/ident"
	"lethe/pipeline/registry/identifier/signs"
)

// nationalSchemes are the numbers of persons by country, each with its check digits.
var nationalSchemes = sync.OnceValue(func() map[string][]ident.Scheme {
	schemes := map[string][]ident.Scheme{}
	for _, s := range ident.All() {
		if !s.Company && (slices.Contains(s.Labels, "national_id") || slices.Contains(s.Labels, "tax_id")) {
			schemes[s.Country] = append(schemes[s.Country], s)
		}
	}
	return schemes
})

// national refuses a number of which a check digit is wrong, where the country's scheme is known.
func national(kind string, value, dst []byte) ([]byte, error) {
	if !ascii(value) {
		text, _, err := clean(value, true)
		if err != nil {
			return dst, err
		}
		value = []byte(text)
	}
	value, fault := signs.Whole(signs.Exported(value))
	if fault != "" {
		return dst, doubt(fault)
	}
	start, err := len(dst), error(nil)
	if dst, err = compact(value, dst); err != nil {
		return dst, err
	}
	_, country, _ := strings.Cut(kind, ":")
	schemes := nationalSchemes()[country]
	if country == "" || len(schemes) == 0 {
		return dst, nil
	}
	number := ident.Number{Raw: value, Compact: dst[start:]}
	for i := range schemes {
		if ident.Match(&schemes[i], number) {
			return dst, nil
		}
	}
	return dst[:start], ErrInvalid
}

// compact appends the letters, upper-case, and the digits of a number.
func compact(value, dst []byte) ([]byte, error) {
	start := len(dst)
	for _, c := range value {
		switch {
		case '0' <= c && c <= '9' || upper(c):
			dst = append(dst, c)
		case 'a' <= c && c <= 'z':
			dst = append(dst, c-('a'-'A'))
		// the Swedish '+' of those over a hundred separates too
		case c == ' ' || c == '-' || c == '.' || c == '/' || c == '+':
		default:
			return dst[:start], ErrInvalid
		}
	}
	if n := len(dst) - start; n < 4 || n > 32 {
		return dst[:start], ErrInvalid
	}
	return dst, nil
}
