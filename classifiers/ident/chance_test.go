package ident_test

import (
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers/ident"
)

// draws is the number of random values per shape; a tenth of it where a tenth shows a rate well enough.
const draws = 200_000

// printed are the shapes to draw from where the layouts do not tell: the separators belong to the scheme, or
// it has no layouts. Beside the classes of a layout, 'b' is a base58 character, 'h' a hexadecimal digit of
// either case, '*' a character of a machine-readable zone.
var printed = map[string][]string{
	"us.ssn":             {"999-99-9999"},
	"x.isbn_printed":     {"9-9999-9999-9", "978-9-999-99999-9"},
	"x.issn":             {"9999-9999"},
	"x.cas":              {"9999-99-9"},
	"x.ec_number":        {"999-999-9"},
	"mx.rfc_signo":       {"A&A999999???"},
	"ro.onrc":            {"A99/9999/9999", "A9999999999999"},
	"cz.cislo_uctu":      {"999999-9999999999/9999"},
	"hk.hkid":            {"A9999999", "AA9999999"},
	"x.mrz_passport":     {"********************************************"},
	"x.mrz_td2":          {"************************************"},
	"x.mrz_td1":          {strings.Repeat("*", 90)},
	"x.iban":             {"DE99999999999999999999", "GB99AAAA99999999999999", "LU99999?????????????"},
	"de.plate":           {"AA AA 9999"},
	"se.plate_personal":  {"AAAAA"},
	"x.bitcoin":          {"1bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
	"x.ethereum":         {"0xhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"},
	"de.handelsregister": {"AAA 999999", "??????????"},
}

// gaps finds where plates are printed with one: between letters and digits.
var gaps = regexp.MustCompile(`([A-Z])(9)`)

const (
	digits   = "0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var classes = map[byte]string{
	'9': digits, 'A': capitals, '?': digits + capitals, '*': digits + capitals + "<", 'h': digits + "abcdefABCDEF",
	'b': "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
}

// passRate is the share of random values of the scheme's most admitting shape that pass its check.
func passRate(s *ident.Scheme) float64 {
	seed := fnv.New64a()
	seed.Write([]byte(s.ID))
	random := rand.New(rand.NewPCG(seed.Sum64(), 1))
	shapes := slices.Clone(printed[s.ID])
	if shapes == nil {
		shapes = slices.Clone(s.Layouts)
	}
	if strings.HasSuffix(s.ID, ".plate") {
		for _, l := range s.Layouts {
			shapes = append(shapes, gaps.ReplaceAllString(l, "$1 $2"))
		}
	}
	draws := draws
	if s.HeaderOnly || s.Chance > 0.01 {
		draws /= 10
	}
	most := 0
	for _, shape := range shapes {
		passed := 0
		raw, compact := []byte(shape), make([]byte, 0, len(shape))
		free := make([]string, len(shape))
		for i := range shape {
			free[i] = classes[shape[i]]
		}
		for range draws {
			for i, class := range free {
				if class != "" {
					raw[i] = class[random.IntN(len(class))]
				}
			}
			n := ident.Number{Raw: raw}
			if c, ok := ident.Compact(compact[:0], raw); ok {
				n.Compact = c
			}
			if ident.Match(s, n) {
				passed++
			}
		}
		most = max(most, passed)
	}
	return float64(most) / float64(draws)
}

func TestChance(t *testing.T) {
	for _, s := range ident.All() {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, append(s.Layouts, printed[s.ID]...), "no shape to draw from")
			rate := passRate(&s)
			if rate < 1e-4 && s.Chance < 1e-4 {
				return
			}
			require.InEpsilon(t, s.Chance, rate, 1, "declared %v, measured %v", s.Chance, rate)
			require.InEpsilon(t, rate, s.Chance, 1, "declared %v, measured %v", s.Chance, rate)
		})
	}
}
