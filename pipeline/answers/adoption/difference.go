package adoption

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/policy/calendar"
)

// Kinds of a difference.
const (
	Relaxing   = "keeps more"       // one person may adopt it
	OfPeople   = "people"           // two
	Tightening = "may destroy more" // an owner of each silo concerned and a custodian; also what is new, or not known
)

// Difference is what one policy has otherwise than another.
type Difference struct {
	Lines []string // PATH: OLD -> NEW
	Silos []string // concerned, of those that both have or the old one had; sorted
	kinds map[string]bool

	Changes []Change // the same as the lines
}

// Kind says who has to adopt it. What is not known to keep more is taken for what destroys more.
func (d Difference) Kind() string {
	for _, kind := range []string{Tightening, OfPeople} {
		if d.kinds[kind] {
			return kind
		}
	}
	return Relaxing
}

// Between compares the texts of two policies.
func Between(before, after *Policy) Difference {
	d := Difference{kinds: map[string]bool{}}
	d.walk(nil, tree(before.Text), tree(after.Text))
	d.Silos = slices.DeleteFunc(d.Silos, func(s string) bool { return !slices.Contains(before.silos, s) })
	slices.Sort(d.Silos)
	d.Silos = slices.Compact(d.Silos)
	return d
}

func tree(text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil
	}
	return v
}

// walk goes down both trees where they have the same form; what is not there has that of the other.
func (d *Difference) walk(path []string, a, b any) {
	a, b = like(a, b), like(b, a)
	switch before := a.(type) {
	case map[string]any:
		if after, ok := b.(map[string]any); ok {
			keys := maps.Clone(before)
			maps.Copy(keys, after)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				d.walk(append(slices.Clip(path), key), before[key], after[key])
			}
			return
		}
	case []any:
		if after, ok := b.([]any); ok {
			for i := range max(len(before), len(after)) {
				d.walk(append(slices.Clip(path), strconv.Itoa(i)), at(before, i), at(after, i))
			}
			return
		}
	}
	if say(a) != say(b) {
		d.note(path, a, b)
	}
}

// like is a value, or for none an empty one in the form of another.
func like(v, other any) any {
	if v != nil || len(say(other)) <= 2 { // also an empty list or mapping is nothing
		return v
	}
	switch other.(type) {
	case map[string]any:
		return map[string]any{}
	case []any:
		return []any{}
	}
	return v
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// say is a value in one line.
func say(v any) string {
	if v == nil {
		return "nothing"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}

func (d *Difference) note(path []string, a, b any) {
	d.Lines = append(d.Lines, fmt.Sprintf("%s: %s -> %s", strings.Join(path, "."), say(a), say(b)))
	if path[0] == "Silos" && len(path) > 1 {
		d.Silos = append(d.Silos, path[1])
	}
	kind := kindOf(path, a, b)
	d.kinds[kind] = true
	c := Change{Path: strings.Join(path, "."), Before: say(a), After: say(b), Kind: kind}
	if path[0] == "Silos" && len(path) > 1 {
		c.Silo = path[1]
	}
	d.Changes = append(d.Changes, c)
}

// Change is one thing that differs.
type Change struct {
	Path          string // keys of the policy's text, joined by dots
	Silo          string // whose it is; "" nobody's, or all's
	Before, After string // JSON; nothing
	Kind          string
}

// keepNothing are the parts of a policy that one person may change and that keep no row: what a field holds decides
// none, and orders, of an earlier build, are signed by themselves.
var keepNothing = []string{"Reviews", "Detectors", "Orders"}

// Keeps reports whether it is one by which rows stay longer, or more of them.
func (c Change) Keeps() bool {
	part, _, _ := strings.Cut(c.Path, ".")
	return c.Kind == Relaxing && !slices.Contains(keepNothing, part)
}

func kindOf(path []string, a, b any) string {
	switch {
	case path[0] == "People" || path[0] == "Approvals":
		return OfPeople
	case keepsMore(path, a, b), slices.Contains(keepNothing, path[0]):
		return Relaxing
	}
	return Tightening
}

// keepsMore reports whether a change is one of those few of which it is known that they keep more: a longer term of a
// rule, a narrower limit of the breakers, or that what is known has to be younger.
func keepsMore(path []string, a, b any) bool {
	last := path[len(path)-1]
	terms := []string{"Period", "MaxAge", "Grace"}
	if path[0] == "Silos" && len(path) == 5 && path[2] == "Rules" && slices.Contains(terms, last) {
		return longer(a, b)
	}
	if path[0] == "RegistryMaxAge" || path[0] == "Sources" && len(path) == 3 && last == "MaxBackupAge" {
		return a == nil && b != nil || longer(b, a)
	}
	limits := []string{"MaxRows", "MaxPercent", "NoMatchPercent", "UnparseablePercent", "EmptyPercent", "Spike",
		"PauseDays"}
	if path[0] == "Breakers" && slices.Contains(limits, last) {
		x, errX := strconv.ParseFloat(say(a), 64)
		y, errY := strconv.ParseFloat(say(b), 64)
		return errX == nil && errY == nil && y > 0 && y < x
	}
	return false
}

// longer reports whether a period is longer than another, on whichever day both begin.
func longer(a, b any) bool {
	before, okA := a.(string)
	after, okB := b.(string)
	x, errX := calendar.ParsePeriod(before)
	y, errY := calendar.ParsePeriod(after)
	if !okA || !okB || errX != nil || errY != nil || x.IsZero() || y.IsZero() {
		return false
	}
	first, err := calendar.ParseDate("2026-01-01")
	for day := first; err == nil && day < first+4*366; day++ {
		if calendar.EndOf(day, y) < calendar.EndOf(day, x) {
			return false
		}
	}
	return err == nil
}
