package gazetteer

import (
	_ "embed"
	"math"

	"lethe/classifiers/gazetteer/internal/fold"
)

// model.bin holds two little-endian float32 (the value of one unit, the bias)
// and 2^fold.GramBits signed bytes, one weight for each hashed n-gram.
//
//go:embed model.bin
var model string

// NameScore returns the log-likelihood ratio, by its character n-grams alone,
// that a word is a person's name rather than an ordinary word: above 0 for
// names, about 0 when undecided, -8 to 8. It answers for names that stand in no
// list. Words that do not fold to Latin letters score 0. It does not tell names
// from towns, which are built alike.
func NameScore(token []byte) float64 {
	var buf [MaxPhrase + 1]byte
	return nameScore(fold.Append(buf[:0], token))
}

func nameScore(folded []byte) float64 {
	if len(folded) < 2 || len(folded) > 32 {
		return 0
	}
	for _, c := range folded {
		if c < 'a' || c > 'z' {
			return 0
		}
	}
	sum := 0
	fold.Grams(folded, func(i uint32) { sum += int(int8(model[8+i])) })
	return max(-8, min(8, float64(sum)*header(0)+header(4)))
}

// header reads one of the two numbers before the weights.
func header(at int) float64 {
	bits := uint32(model[at]) | uint32(model[at+1])<<8 | uint32(model[at+2])<<16 | uint32(model[at+3])<<24
	return float64(math.Float32frombits(bits))
}
