package words

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// Spell writes a period in words: 24 months, 1 year and 6 months.
func Spell(p calendar.Period) string {
	var parts []string
	for _, u := range []struct {
		n    int
		name string
	}{{p.Years, "year"}, {p.Months, "month"}, {p.Weeks, "week"}, {p.Days, "day"}} {
		switch {
		case u.n == 1:
			parts = append(parts, "1 "+u.name)
		case u.n > 1:
			parts = append(parts, strconv.Itoa(u.n)+" "+u.name+"s")
		}
	}
	if parts == nil {
		return "0 days"
	}
	return list(parts, "and")
}

// list joins words: a, b and c.
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// NoticeLine is a line of the retention table that a privacy notice needs (Art. 13(2)(a)).
type NoticeLine struct {
	Silo    string `json:"silo"`
	Purpose string `json:"purpose"`
	Basis   string `json:"basis"`
	Data    string `json:"data"` // fields, or all
	Kept    string `json:"kept"`
	Then    string `json:"then"`

	Term     string `json:"-"` // Kept, where it is not the person who is spoken to
	Owner    string `json:"-"`
	ReviewBy string `json:"-"` // civil day
}

// Notice returns the retention table for the privacy notice, a line for each rule in force, in words that
// need no knowledge of the tables but the fields' names.
func Notice(c *policy.Compiled, asOf time.Time) []NoticeLine {
	today := calendar.DateOf(asOf, c.Zone())
	var lines []NoticeLine
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		if !ru.InForce(today) {
			continue
		}
		l := NoticeLine{Silo: c.Silo.Name, Purpose: ru.Purpose, Basis: basisWords[ru.Basis],
			Data: cmp.Or(strings.Join(ru.Fields, ", "), "all"), Kept: termWords(c, ru), Then: "deleted",
			Owner: ru.Owner, ReviewBy: ru.ReviewBy}
		l.Term = l.Kept
		if ru.Basis == policy.Consent {
			l.Kept = "until you withdraw consent, at most " + Spell(ru.MaxAge)
			l.Term = "until consent is withdrawn, at most " + Spell(ru.MaxAge)
		}
		if ru.End == policy.Anonymize {
			l.Then = "anonymized"
		}
		if b := c.Jurisdiction.Blocking; ru.End == policy.Delete && b.Longest() > ru.Grace.Longest() {
			l.Then = "blocked for " + Spell(b) + ", then deleted"
		} else if !ru.Grace.IsZero() {
			l.Then += " within " + Spell(ru.Grace)
		}
		lines = append(lines, l)
	}
	return lines
}

func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Class is the deletion class in words: relation ended + 10 years.
func Class(ru *policy.CompiledRule) string {
	return Spaced(cmp.Or(string(ru.Start), "consent given")) + " + " + Spell(ru.Term())
}

// Spaced makes words of a name: legitimate_interest, national_id.
func Spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }
