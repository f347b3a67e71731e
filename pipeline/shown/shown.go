// Package shown says how names are shown: of files and folders, tables, fields, databases and accounts. A name may
// hold what no page, table, log or error may: an address, a card's number, a character that moves the cursor of a
// terminal. Names are its one noun: it gives each name its shown form, and finds names that it knows in texts.
package shown

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"lethe/classifiers"
	"lethe/connectors"
)

// gated are the kinds of value that can never be shown. Words of a catalog and of the configuration may look like
// names, cities or numbers.
var gated = []classifiers.Category{classifiers.Email, classifiers.IBAN, classifiers.CreditCard, classifiers.Secret}

// Gated returns the places of a text that hold what can never be shown.
func Gated(c *classifiers.Catalogue, text string) []classifiers.Span {
	return slices.DeleteFunc(c.Spans(nil, []byte(text)),
		func(s classifiers.Span) bool { return !slices.Contains(gated, s.Category) })
}

// Names gives names their shown form, always the same under one key, and remembers those that it changed. The nil
// Names only escapes. It may be used by several goroutines.
type Names struct {
	catalogue *classifiers.Catalogue
	key       func(message []byte) []byte
	mu        sync.Mutex
	of        map[string]string // all names asked for
	changed   []string          // those that are shown otherwise, the longest first
}

// New makes Names. key is a secret function of a message, so that nobody can try out which address a shown name
// stands for; nil: such names are numbered in the order in which they are met.
func New(catalogue *classifiers.Catalogue, key func(message []byte) []byte) *Names {
	return &Names{catalogue: catalogue, key: key, of: map[string]string{}}
}

// Of is the shown form of a name: what can never be shown as KIND~DIGEST, what is not printed as \x1b or \u200b.
// The parts of a path stand for themselves.
func (n *Names) Of(name string) string {
	if n == nil {
		return escape(name, strconv.IsPrint)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if shown, ok := n.of[name]; ok {
		return shown
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if _, known := n.of[part]; !known {
			n.remember(part, n.part(part))
		}
		parts[i] = n.of[part]
	}
	shown := strings.Join(parts, "/")
	if len(parts) > 1 {
		n.remember(name, shown)
	}
	return shown
}

func (n *Names) remember(name, shown string) {
	n.of[name] = shown
	if shown == name || strings.TrimSpace(name) == "" { // which stands in every text
		return
	}
	n.changed = append(n.changed, name)
	slices.SortFunc(n.changed, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
}

// Learn knows the names of a catalog from now on.
func (n *Names) Learn(tables []connectors.Table) {
	if n == nil {
		return
	}
	for _, t := range tables {
		n.Of(t.Database)
		n.Of(t.Name)
		for _, f := range t.Fields {
			n.Of(f.Name)
		}
		for _, g := range t.Triggers {
			for _, name := range slices.Concat([]string{g.Name}, g.Tables(), g.Calls) {
				n.Of(name)
			}
		}
	}
}

func (n *Names) part(name string) string {
	printed := strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(name, ""))
	escaped := escape(name, strconv.IsPrint)
	spans := Gated(n.catalogue, printed)
	switch {
	case len(spans) > 0 && printed != name: // hidden behind what is not seen: no part of it can be told apart
		return n.token(string(spans[0].Category), name)
	case len(spans) > 0:
		escaped = n.replace(name, spans)
	}
	if spans = Gated(n.catalogue, escaped); len(spans) > 0 {
		return n.token(string(spans[0].Category), name)
	}
	if address.MatchString(escaped) {
		return n.token(string(classifiers.Email), name)
	}
	return escaped
}

// address is what reads as an address, whether it can be one or not.
var address = regexp.MustCompile(`[^\s@]@[^\s@]+\.[^\s@]`)

func (n *Names) replace(text string, spans []classifiers.Span) string {
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.Start])
		b.WriteString(n.token(string(s.Category), text[s.Start:s.End]))
		at = s.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// Sentence is a text with names in it that nobody can tell apart, such as those of accounts: what can never be
// shown is replaced as in names.
func (n *Names) Sentence(text string) string {
	if n == nil {
		return text
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.replace(text, Gated(n.catalogue, text))
}

// digits are so few that no digest looks like a secret or a number.
const digits = 8

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func (n *Names) token(kind, text string) string {
	if n.key == nil {
		return kind + "~" + strconv.Itoa(len(n.changed)+1)
	}
	sum := sha256.Sum256(n.key([]byte(text)))
	return kind + "~" + encoding.EncodeToString(sum[:])[:digits]
}

// Text shows a text: names that are known are replaced, also where they are quoted, and controls escaped. A text
// that is JSON as a whole still is.
func (n *Names) Text(text string) string {
	if n != nil {
		n.mu.Lock()
		text = n.replacer(json.Valid([]byte(text))).Replace(text)
		n.mu.Unlock()
	}
	return escape(text, harmless)
}

// replacer replaces the names that are known, the longest first.
func (n *Names) replacer(isJSON bool) *strings.Replacer {
	var pairs []string
	for _, name := range n.changed {
		if isJSON {
			pairs = append(pairs, inJSON(name), inJSON(n.of[name]))
			continue
		}
		for _, written := range []string{name, inJSON(name), inGo(name)} {
			pairs = append(pairs, written, n.of[name])
		}
	}
	return strings.NewReplacer(pairs...)
}

func inJSON(name string) string {
	quoted, err := json.Marshal(name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(quoted), `"`), `"`)
}

func inGo(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strconv.Quote(name), `"`), `"`)
}

// harmless reports whether a character of a text neither moves a cursor nor turns the direction of what follows
// (embeddings, overrides and isolates of UAX #9; the marks of languages written from the right do neither).
func harmless(r rune) bool {
	turns := r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	return r == '\n' || r == '\t' || !unicode.IsControl(r) && !turns
}

// escape writes what is not kept, and bytes that are no UTF-8, as Go does.
func escape(text string, keep func(rune) bool) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1 || r < utf8.RuneSelf && !keep(r):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case keep(r):
			b.WriteString(text[i : i+size])
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// Writer shows all texts that are written, each as a whole, by the Names that there are by then.
type Writer struct {
	To    io.Writer
	Names func() *Names
}

func (w Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.To, w.Names().Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
