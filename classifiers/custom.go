package classifiers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// custom is a declared detector, compiled.
type custom struct {
	detector Detector
	pattern  *regexp.Regexp
	literal  string // a value without it cannot match
	headers  []string
	words    map[string]bool
}

func compileCustom(decl Custom, lex *lexicon) (custom, error) {
	c := custom{detector: Detector{ID: decl.ID, Name: decl.ID, Category: decl.Category, Class: decl.Category.Class(),
		DPV: decl.Category.DPV(), Source: "configuration", Chance: 1e-3}}
	if decl.ID == "" {
		return c, errors.New("id is empty; name the detector")
	}
	if !decl.Category.known() {
		return c, fmt.Errorf("category %q is not one of %s", decl.Category, joinCategories())
	}
	if decl.Pattern == "" && len(decl.Header) == 0 && len(decl.Words) == 0 {
		return c, errors.New("has neither pattern, header nor words; give at least one")
	}
	if decl.Pattern != "" {
		re, err := regexp.Compile("^(?:" + decl.Pattern + ")$")
		if err != nil {
			return c, fmt.Errorf("pattern: %w", err)
		}
		if re.MatchString("") {
			return c, errors.New("pattern matches the empty value; make it ask for something")
		}
		c.pattern = re
		bare, err := regexp.Compile(decl.Pattern)
		if err != nil {
			return c, fmt.Errorf("pattern: %w", err)
		}
		c.literal, _ = bare.LiteralPrefix()
	}
	for _, h := range decl.Header {
		tokens := lex.tokens(h)
		if len(tokens) == 0 {
			return c, fmt.Errorf("header %q has no word", h)
		}
		c.headers = append(c.headers, strings.Join(tokens, " "))
	}
	if len(decl.Words) > 0 {
		c.words = map[string]bool{}
		for _, w := range decl.Words {
			c.words[foldWord(strings.TrimSpace(w))] = true
		}
	}
	return c, nil
}

func joinCategories() string {
	var names []string
	for _, c := range Categories() {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

// matchValue reports whether a value passes the pattern or stands in the word list.
func (c *custom) matchValue(v []byte) bool {
	if c.pattern != nil && (c.literal == "" || strings.HasPrefix(string(v[:min(len(v), len(c.literal))]), c.literal)) &&
		c.pattern.Match(v) {
		return true
	}
	return c.words != nil && len(v) < 256 && c.words[foldWord(string(v))]
}

// matchHeader reports whether the tokens hold one of the declared phrases.
func (c *custom) matchHeader(tokens []string) bool {
	text := " " + strings.Join(tokens, " ") + " "
	for _, h := range c.headers {
		if strings.Contains(text, " "+h+" ") {
			return true
		}
	}
	return false
}

// digest hashes everything that a verdict depends on, but for the code, which changes engineVersion when it
// changes verdicts.
func digest(detectors []Detector, customs []Custom) string {
	h := sha256.New()
	fmt.Fprintln(h, engineVersion)
	enc := json.NewEncoder(h)
	for _, part := range []any{detectors, customs, lexiconTSV, sensesTSV, weightsTSV} {
		if err := enc.Encode(part); err != nil { // strings and numbers only
			panic(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// digestOf is the digest of some texts, in the form of a catalogue's.
func digestOf(texts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x1e")))
	return hex.EncodeToString(sum[:16])
}

// engineVersion is raised whenever the same detectors and lexicon can reach another verdict than before.
const engineVersion = 5
