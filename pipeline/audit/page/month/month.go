// Package month makes the report of a month for the board: two sheets, from what the nights of it left. Its noun is
// Input, the nights of a month.
package month

import (
	"cmp"
	_ "embed" // the page's template
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/night"
)

//go:embed month.html
var source string

// Input is what the report is made of.
type Input struct {
	Month    time.Time     // its first day, in UTC
	Runs     []audit.Facts // those of the month that the journal still has, the newest first
	Newest   audit.Facts   // of them the first, or a later one: it has the figures of the nights before it
	Language string
}

// months are how many the lines go back.
const months = 12

// mostChanges are listed; mostSilos likewise.
const (
	mostChanges = 8
	mostSilos   = 12
)

type (
	answer struct {
		Question, Big, Of, Note string
		Spark                   chart.Drawing
	}
	row struct {
		Name  string
		Cells []string
	}
	digest struct{ Name, Value string }
	page   struct {
		Lang, Title, Head, Where, Level, Label, Sentence, Held, AsOf string
		Style, Marks                                                 chart.Drawing
		Answers                                                      []answer
		Silos, Nights                                                []row
		Changes                                                      []string
		Digests                                                      []digest
	}
)

// Render makes the page. The error says that no night of the month is known.
func Render(in Input) ([]byte, error) {
	words, err := lang.In(in.Language)
	if err != nil {
		return nil, err
	}
	m := month{Words: words, in: in, of: byMonth(in.Newest.Nights)}
	if m.of[m.key(0)].Day == "" {
		return nil, fmt.Errorf("no night of %s is known", in.Month.Format("2006-01"))
	}
	t, err := fill.Parse(source)
	if err != nil {
		return nil, err
	}
	return t.Execute(m.page(), words.Say)
}

// month writes the blocks of its page.
type month struct {
	*lang.Words
	in Input
	of map[string]audit.Figures // by month, as it ended
}

// key is the month so many months before.
func (m month) key(before int) string { return m.in.Month.AddDate(0, -before, 0).Format("2006-01") }

// byMonth is what the last night of each month left, and what all nights of it did.
func byMonth(nights []audit.Figures) map[string]audit.Figures {
	of := map[string]audit.Figures{}
	for _, n := range nights {
		if len(n.Day) < 7 {
			continue
		}
		was := of[n.Day[:7]]
		n.Deleted, n.Anonymized = n.Deleted+was.Deleted, n.Anonymized+was.Anonymized
		n.Closed, n.ClosedLate, n.Nights = n.Closed+was.Closed, n.ClosedLate+was.ClosedLate, n.Nights+was.Nights
		of[n.Day[:7]] = n
	}
	return of
}

// series is a figure of twelve months; -1 where no night is known.
func (m month) series(of func(audit.Figures) int64) (list []int64) {
	for before := months - 1; before >= 0; before-- {
		f, ok := m.of[m.key(before)]
		if !ok {
			list = append(list, -1)
			continue
		}
		list = append(list, of(f))
	}
	return list
}

func unground(f audit.Figures) int64 { return f.Grace + f.Waiting + f.Unknown }
func ended(f audit.Figures) int64    { return f.Deleted + f.Anonymized }

// before says a figure as it was a month, and a year before.
func (m month) before(of func(audit.Figures) int64) string {
	var said []string
	for _, then := range []struct {
		key    string
		months int
	}{{"month.before", 1}, {"month.year", months}} {
		if f, ok := m.of[m.key(then.months)]; ok && of(f) >= 0 {
			said = append(said, m.Say(then.key, of(f)))
		}
	}
	return strings.Join(said, " ")
}

func (m month) page() *page {
	f := m.of[m.key(0)]
	company := lang.Short(m.in.Newest.Run.Controller, 60)
	p := &page{Lang: m.Code, Head: m.Say("month.title", m.Month(m.in.Month)),
		Where: company + " · " + m.Say("month.where")}
	p.Title = lang.Plain(company + ": " + p.Head)
	style, marks := night.Style()
	p.Style, p.Marks = chart.Drawing("<style>"+style+"</style>"), chart.Drawing(marks)
	hints, assessed := m.hints()
	p.Level = "green"
	switch {
	case f.ClosedLate > 0 || hints > assessed || f.Open > f.OpenInTerm || f.InUse > 0:
		p.Level = "red"
	case unground(f) > 0:
		p.Level = "amber"
	}
	p.Label = m.Say("month." + p.Level)
	p.Sentence = m.Say("month.sentence", unground(f), f.Rows, ended(f))
	p.Held = m.Say("month.requests", f.Closed, f.ClosedLate) + " " + m.Say("month.hints", hints, assessed)
	if f.InUse > 0 {
		p.Held = m.Say("month.use", f.InUse) + " " + p.Held
	}
	p.AsOf = m.Say("month.as.of", m.LongDay(day(f.Day)))
	p.Answers = m.answers(f)
	p.Silos, p.Nights, p.Changes = m.silos(), m.nights(), m.changes()
	if slices.ContainsFunc(p.Silos, func(r row) bool { return slices.Contains(r.Cells, "<5") }) {
		p.AsOf += " " + m.Say("silos.small")
	}
	p.Digests = []digest{{m.Say("digest.night"), m.in.Newest.Run.RunID},
		{m.Say("digest.policy"), lang.Name(short(m.in.Newest.Run.PolicyDigest))},
		{m.Say("digest.before"), lang.Name(short(m.in.Newest.Run.PreviousManifest))}}
	return p
}

func short(hex string) string {
	if len(hex) < 16 {
		return cmp.Or(hex, "–")
	}
	return hex[:16]
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (m month) answers(f audit.Figures) []answer {
	one := func(question, big, of string, figure func(audit.Figures) int64, bars bool) answer {
		return answer{Question: m.Say(question), Big: big, Of: of, Note: m.before(figure),
			Spark: chart.Spark(m.series(figure), bars)}
	}
	people := func(f audit.Figures) int64 { return f.PeopleUnground }
	ground := one("ask.ground", m.Number(f.PeopleUnground), m.Say("of", f.People), people, false)
	if f.PeopleUnground < 0 {
		ground = one("ask.ground.rows", m.Number(unground(f)), m.Say("of.rows", f.Rows), unground, false)
	}
	erased := func(f audit.Figures) int64 { return f.ErasedPeople }
	backups := one("ask.backups", m.Number(f.ErasedPeople), m.Say("people", f.ErasedPeople), erased, false)
	if f.ErasedPeople < 0 || f.ErasedPeople == 0 && f.Pending > 0 { // due, and no night ended them
		due := func(f audit.Figures) int64 { return f.Pending }
		backups = one("ask.backups.rows", m.Number(f.Pending), m.Say("copies", f.Pending), due, false)
	}
	inTerm := func(f audit.Figures) int64 { return f.Closed - f.ClosedLate }
	return []answer{ground, one("month.ended", m.Number(ended(f)), "", ended, true),
		backups, one("ask.requests", m.Number(inTerm(f)), m.Say("of", f.Closed), inTerm, true)}
}

// silos are those of the newest run of the month that drew them up.
func (m month) silos() (rows []row) {
	for _, f := range m.in.Runs {
		if len(f.Silos) == 0 {
			continue
		}
		shown := f.Silos[:min(len(f.Silos), mostSilos)]
		for _, s := range shown {
			rows = append(rows, row{lang.Short(s.Silo, 28), make([]string, len(columns))})
		}
		for c, of := range columns {
			m.column(rows, c, shown, of)
		}
		if more := len(f.Silos) - len(shown); more > 0 {
			rows = append(rows, row{m.Say("silos.more", int64(more)), make([]string, len(columns))})
		}
		return rows
	}
	return nil
}

// columns are the numbers of a silo.
var columns = []func(audit.Silo) int64{
	func(s audit.Silo) int64 { return people(s, s.People) }, func(s audit.Silo) int64 { return s.Rows },
	func(s audit.Silo) int64 { return s.InGrace + s.Waiting + s.NotDone + s.Unknown },
	func(s audit.Silo) int64 { return people(s, s.ErasedPeople) },
}

// people are those of a silo; -1 of one whose rows name nobody.
func people(s audit.Silo, n int64) int64 {
	if s.Nameless {
		return -1
	}
	return n
}

// column fills a column in. Where one number is hidden so is the next smallest, since their sum stands above.
func (m month) column(rows []row, c int, silos []audit.Silo, of func(audit.Silo) int64) {
	hidden, least := 0, -1
	for i, s := range silos {
		v := of(s)
		switch rows[i].Cells[c] = m.few(v); {
		case v > 0 && v < 5:
			hidden++
		case v > 0 && (least < 0 || v < of(silos[least])):
			least = i
		}
	}
	if hidden == 1 && least >= 0 {
		rows[least].Cells[c] = "…"
	}
}

// few hides counts that could single out a person.
func (m month) few(v int64) string {
	if v < 0 {
		return "–"
	}
	if v > 0 && v < 5 {
		return "<5"
	}
	return m.Number(v)
}

// nights are those of the month, of which each has a line of its own for a month and a half.
func (m month) nights() (rows []row) {
	for _, n := range m.in.Newest.Nights {
		if strings.HasPrefix(n.Day, m.key(0)) {
			erased := "–"
			if n.ErasedPeople >= 0 {
				erased = m.Number(n.ErasedPeople)
			}
			rows = append(rows, row{m.Day(day(n.Day)), []string{m.Number(n.Rows), m.Number(unground(n)),
				m.Number(ended(n)), erased}})
		}
	}
	return rows
}

// changes are those of the policy that people adopted in the month: first what decides about rows.
func (m month) changes() (list []string) {
	var first, then []string
	said := map[[2]string]bool{}
	for _, f := range slices.Backward(m.in.Runs) {
		for _, c := range f.PolicyChanges {
			by := lang.Name(strings.ReplaceAll(c.AdoptedBy, ";", ", "))
			if c.Place == "" {
				first = append(first, m.Say("month.first", by))
				continue
			}
			line := m.Say("month.change", lang.Code(c.Place), m.or(c.Before), m.or(c.After), by)
			if c.Silo == "" {
				then = append(then, line)
				continue
			}
			if adoption := [2]string{c.ToDigest, c.Silo}; !said[adoption] { // its changes have their rows together
				line, said[adoption] = line+m.effect(c.EffectRows), true
			}
			first = append(first, line)
		}
	}
	list = append(first, then...)
	if n := len(list); n > mostChanges {
		list = append(list[:mostChanges], m.Say("more.short", int64(n-mostChanges)))
	}
	if len(list) == 0 {
		list = []string{m.Say("month.changes.none")}
	}
	return list
}

// effect says how many rows of a silo are decided otherwise, where somebody counted them.
func (m month) effect(counted string) string {
	rows, err := audit.Number(counted)
	switch {
	case err != nil || counted == "":
		return ""
	case rows > 0 && rows < 5:
		return " " + m.Say("month.change.few")
	}
	return " " + m.Say("month.change.rows", rows)
}

func (m month) or(text string) string {
	if text == "" {
		return m.Say("month.nothing")
	}
	return lang.Name(text)
}

// hints are those that runs of the month noticed.
func (m month) hints() (all, assessed int64) {
	seen := map[string]bool{}
	for _, f := range m.in.Runs {
		for _, h := range f.Hints {
			if seen[h.HintID] {
				continue
			}
			seen[h.HintID] = true
			if all++; !h.ClosedAt.IsZero() {
				assessed++
			}
		}
	}
	return all, assessed
}
