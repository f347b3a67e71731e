package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"lethe/classifiers/gazetteer/internal/fold"
)

// example is one word with the share of the lists that call it a name.
type example struct {
	word   string
	grams  []uint32
	name   float64
	weight float64
}

// The model is a logistic regression over hashed character n-grams, fitted with
// Adagrad (Duchi et al., 2011) and the two classes weighted equal, so that its
// output is the log of the likelihood ratio of name against word.
const (
	epochs    = 5
	rate      = 0.08
	townShare = 0.3 // of a town as an example of a word: towns and surnames are built alike
	// of a word of little weight: most are from interface texts, of which some languages have more than
	// names
	rareShare = 0.4
	heldShare = 5 // one word in five is never shown to the model
)

// train fits the model on four fifths of the single Latin words and returns it
// with a sample of the fifth held out, for the tests.
func train(l *lexicon) (model, heldOut []byte) {
	var fit, held []example
	for _, word := range slices.Sorted(maps.Keys(l.entries)) {
		if len(word) < 3 || strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
			continue
		}
		names, words := l.entries[word].evidence()
		if names+words < 0.4 {
			continue
		}
		x := example{word: word, name: names / (names + words), weight: 1}
		if names == 0 && isPlaceOnly(l.entries[word]) {
			x.weight = townShare
		} else if names == 0 && words < 0.65 {
			x.weight = rareShare
		}
		fold.Grams([]byte(word), func(i uint32) { x.grams = append(x.grams, i) })
		if fold.Hash([]byte(word))%heldShare == 0 {
			held = append(held, x)
		} else {
			fit = append(fit, x)
		}
	}
	var positive, negative float64
	for _, x := range fit {
		positive += x.name * x.weight
		negative += (1 - x.name) * x.weight
	}
	weights := make([]float64, 1<<fold.GramBits)
	squares := make([]float64, 1<<fold.GramBits)
	var bias float64
	total := positive + negative
	order := rand.New(rand.NewPCG(1, 2))
	for range epochs {
		order.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
		for _, x := range fit {
			z := score(weights, bias, x.grams)
			p := 1 / (1 + math.Exp(-z))
			g := x.weight * (-x.name*(1-p)*total/(2*positive) + (1-x.name)*p*total/(2*negative))
			for _, i := range x.grams {
				squares[i] += g * g
				weights[i] -= rate * g / (0.1 + math.Sqrt(squares[i]))
			}
			bias -= 0.001 * g
		}
	}
	report("fitted", weights, bias, fit)
	report("held out", weights, bias, held)

	largest := 0.0
	for _, w := range weights {
		largest = max(largest, math.Abs(w))
	}
	var out bytes.Buffer
	out.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(largest/127))))
	out.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(bias))))
	for _, w := range weights {
		out.WriteByte(byte(int8(math.Round(w / largest * 127))))
	}
	return out.Bytes(), sample(held)
}

func isPlaceOnly(e *entry) bool {
	for list := range e.words {
		if list != "city" && list != "region" && list != "country" {
			return false
		}
	}
	return true
}

func score(weights []float64, bias float64, grams []uint32) float64 {
	z := bias
	for _, i := range grams {
		z += weights[i]
	}
	return z
}

// report prints how many names and words the model puts on the right side.
func report(title string, weights []float64, bias float64, examples []example) {
	var right, count [3]float64
	for _, x := range examples {
		z := score(weights, bias, x.grams)
		switch {
		case x.name > 0.9:
			count[0]++
			if z > 0 {
				right[0]++
			}
		case x.name < 0.1:
			class := 1
			if x.weight == townShare {
				class = 2
			}
			count[class]++
			if z < 0 {
				right[class]++
			}
		}
	}
	for i, what := range []string{"names above", "words below", "towns below"} {
		log.Printf("%s: %.1f %% of %.0f %s 0", title, 100*right[i]/count[i], count[i], what)
	}
}

// sample writes at most 1500 clear names and 1500 clear words of the held-out
// part, as lines 'name X' and 'word X'.
func sample(held []example) []byte {
	var out bytes.Buffer
	for _, class := range []struct {
		label string
		has   func(example) bool
	}{
		{"name", func(x example) bool { return x.name > 0.9 }},
		{"word", func(x example) bool { return x.name < 0.1 && x.weight != townShare }},
	} {
		var some []string
		for _, x := range held {
			if class.has(x) {
				some = append(some, x.word)
			}
		}
		step := max(1, len(some)/1500)
		for i := 0; i < len(some); i += step {
			fmt.Fprintf(&out, "%s %s\n", class.label, some[i])
		}
	}
	return out.Bytes()
}
