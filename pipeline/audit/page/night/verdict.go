package night

import (
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/matters"
	"lethe/pipeline/audit/page/tonight"
)

// verdict is the first block of the page.
type verdict struct {
	Level, Label, Sentence, Held string
	Queries                      []string
}

// longestVerdict is how many characters the sentence may have.
const longestVerdict = 110

// clauses, the worst first.
var clauses = []string{"clause.altered", "clause.hint", "clause.noregistry", "clause.lapsed", "clause.error",
	"clause.late",
	"clause.use", "clause.lag", "clause.notread", "clause.killed", "clause.window", "clause.objection", "clause.waits",
	"clause.due",
	"clause.refused", "clause.hold", "clause.attest", "clause.question"}

// level is red where somebody has to act today, amber where a person is needed and nothing is late, else green.
func (n night) level() string {
	switch {
	case slices.ContainsFunc(n.matters, matters.Matter.Red):
		return "red"
	case len(n.matters) > 0:
		return "amber"
	}
	if nights, ever := n.uncosigned(); ever && nights >= audit.LateNights {
		return "amber"
	}
	return "green"
}

func (n night) verdict() verdict {
	v := verdict{Level: n.level()}
	v.Label = n.Say("verdict." + v.Level)
	said, queries := n.worst()
	v.Queries = queries
	switch {
	case len(said) > 0:
		v.Sentence = upper(n.And(said)) + "."
	case v.Level == "amber":
		nights, _ := n.uncosigned()
		v.Sentence = upper(n.Say("clause.cosigned", nights)) + "."
	default:
		v.Sentence = n.allWell()
	}
	v.Held = n.held()
	for _, q := range []string{"q24", "q7"} {
		if !slices.Contains(v.Queries, q) {
			v.Queries = append(v.Queries, q)
		}
	}
	return v
}

// worst are the clauses of the three worst kinds of matters, with the queries behind them. Where they have no room
// together the last ones are said in fewer words: none is left out.
func (n night) worst() (said, queries []string) {
	var brief []string
	for _, clause := range clauses {
		count, first := int64(0), matters.Matter{}
		for _, m := range n.matters {
			if m.Clause == clause {
				if count++; count == 1 {
					first = m
				}
			}
		}
		if count == 0 || len(said) == 3 {
			continue
		}
		said, brief = append(said, n.clause(clause, count, first)), append(brief, n.brief(clause, count))
		for _, q := range first.Queries {
			if !slices.Contains(queries, q) {
				queries = append(queries, q)
			}
		}
	}
	for i := len(said) - 1; i >= 0 && utf8.RuneCountInString(n.And(said))+1 > longestVerdict; i-- {
		said[i] = brief[i]
	}
	return said, queries
}

// clause says matters of one kind.
func (n night) clause(key string, count int64, first matters.Matter) string {
	switch key {
	case "clause.late":
		if count == 1 && !first.By.IsZero() {
			return n.Say("clause.late.one", int64(-n.Within(first.By)))
		}
	case "clause.notread":
		if count == 1 {
			return n.Say("clause.notread.one", lang.Short(first.Source, 40))
		}
	}
	return n.Say(key, count)
}

// brief says them in fewer words, where there are any.
func (n night) brief(key string, count int64) string {
	if n.Has(key + ".brief") {
		key += ".brief"
	}
	return n.Say(key, count)
}

// allWell is the sentence of a night that needs nobody.
func (n night) allWell() string {
	switch {
	case n.Run.Phases == "apply" && len(n.Totals) > 0:
		return n.Say("well.applied", n.endedNow(), n.Clock(n.Run.EndedAt))
	case n.Run.Phases == "apply":
		return n.Say("well.applied.none")
	case n.Run.Phases == "sync":
		return n.Say("well.sync")
	case n.Run.Phases == "discover":
		return n.Say("well.discover")
	case len(n.Silos) == 0:
		return n.Say("well.nothing")
	case n.Done.Ended() > 0:
		return n.Say("well.ended", int64(len(n.Silos)), n.Done.Ended())
	}
	return n.Say("well", int64(len(n.Silos)))
}

// endedNow counts the live rows that the run ended itself, without those that went along.
func (n night) endedNow() (rows int64) {
	for at, c := range n.Totals {
		if at.Done() && at.Ends() && !at.Along && !n.Copies[at.Source] {
			rows += c.Rows
		}
	}
	return rows
}

// held says what held.
func (n night) held() string {
	var said []string
	read := int64(0)
	for _, s := range n.Silos {
		if s.Day == "" {
			read++
		}
	}
	switch {
	case n.Broken:
		return n.Say("held.broken")
	case n.Part() && len(n.Silos) > 0:
		said = append(said, n.Say("held.again", n.Weekday(n.Civil(n.Run.EndedAt)), n.Clock(n.Run.EndedAt),
			n.Weekday(n.decidedOn())))
	case n.Part():
		said = append(said, n.Say("held.part"))
	case len(n.Silos) > 0 && read == int64(len(n.Silos)):
		said = append(said, n.Say("held.all", read))
	case len(n.Silos) > 0:
		said = append(said, n.Say("held.some", read, int64(len(n.Silos))))
	default:
		said = append(said, n.Say("held.none"))
	}
	if ended := n.Done.Ended(); ended > 0 && ended == n.Done.Again {
		said = append(said, n.Say("held.ended", ended))
	} else if ended > 0 {
		said = append(said, n.Say("held.ended.some", ended, n.Done.Again))
	}
	if n.NoRegistry() {
		said = append(said, n.Say("held.answers"))
	} else {
		said = append(said, n.Say("held.evidence"))
	}
	text := ""
	for i, s := range said {
		if i > 0 {
			text += " "
		}
		text += s
	}
	return text
}

// decidedOn is the day of the night that decided.
func (n night) decidedOn() (last time.Time) {
	for _, s := range n.Silos {
		at := tonight.Day(s.Day)
		if s.Day == "" {
			at = n.Today
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// upper makes the first letter large.
func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}
