package night

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/matters"
	"lethe/pipeline/audit/page/tonight"
)

// alone are clauses of which a night has one at most: how it ended.
var alone = map[string]bool{"clause.altered": true, "clause.noregistry": true, "clause.lapsed": true, "clause.error": true,
	"clause.killed": true, "clause.window": true}

// TestTheWorstThreeStandInEveryLanguage: whatever three kinds of matters a night has, the verdict says all of them, the
// worst first, within its two lines.
func TestTheWorstThreeStandInEveryLanguage(t *testing.T) {
	for _, code := range lang.Languages() {
		w, err := lang.In(code)
		require.NoError(t, err)
		n := night{tonight.New(audittest.Quiet(), nil, date, w), nil}
		for i := range clauses {
			for k := i + 1; k < len(clauses); k++ {
				for l := k + 1; l < len(clauses); l++ {
					var list []matters.Matter
					ends := 0
					for _, clause := range []string{clauses[l], clauses[i], clauses[k]} {
						if alone[clause] {
							ends++
						}
						for range 12 {
							list = append(list, matters.Matter{Clause: clause})
						}
					}
					if ends > 1 {
						continue
					}
					n.matters = list
					v := n.verdict()
					require.LessOrEqualf(t, utf8.RuneCountInString(v.Sentence), longestVerdict, "%s: %s", code, v.Sentence)
					at := -1
					for _, clause := range []string{clauses[i], clauses[k], clauses[l]} {
						found := place(v.Sentence, upper(w.Say(clause, int64(12))), w.Say(clause, int64(12)),
							upper(w.Say(clause+".brief", int64(12))), w.Say(clause+".brief", int64(12)))
						require.Greaterf(t, found, at, "%s lacks %s: %s", code, clause, v.Sentence)
						at = found
					}
				}
			}
		}
	}
}

// place is where the first of some texts stands in a sentence; -1 none does.
func place(sentence string, texts ...string) int {
	for _, text := range texts {
		for at := range sentence {
			if len(sentence)-at >= len(text) && sentence[at:at+len(text)] == text {
				return at
			}
		}
	}
	return -1
}

// TestNothingOfTheWorstIsLeftOutForLength: a single late request and a source with a long name give way to shorter words
// before a clause is left out, and one stands though nothing shorter says it.
func TestNothingOfTheWorstIsLeftOutForLength(t *testing.T) {
	w, err := lang.In("it")
	require.NoError(t, err)
	n := night{tonight.New(audittest.Quiet(), nil, date, w), nil}
	n.matters = []matters.Matter{{Clause: "clause.altered"}, {Clause: "clause.late", By: tonight.Day("2026-10-01")},
		{Clause: "clause.notread", Source: "the-company's-archive-of-invoices-in-pisa"}}
	require.Equal(t, "Le prove non reggono, 1 richiesta è in ritardo e 1 fonte non è stata letta.", n.verdict().Sentence)
}
