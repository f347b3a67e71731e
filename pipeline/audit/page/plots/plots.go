package plots

import (
	"fmt"
	"lethe/pipeline/audit/page/tonight"

	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/lang"
)

func (n night) charts() []Figure {
	var list []Figure
	for _, f := range []Figure{n.groundChart(), n.reasonChart(), n.termChart(), n.backupChart(), n.requestChart()} {
		if f.ID != "" {
			list = append(list, f)
		}
	}
	return list
}

// groundChart is the rows without a ground, night by night.
func (n night) groundChart() Figure {
	f := n.Figures
	if n.Undecided() {
		return Figure{}
	}
	days, all := map[int]string{}, len(n.Nights)
	for _, i := range []int{0, all / 2, all - 1} {
		if all > 8 || i == all-1 || i == 0 && all > 2 {
			days[i] = n.Day(tonight.Day(n.Nights[i].Day))
		}
	}
	fig := Figure{ID: "c1", Title: n.Say("c1.title", tonight.Unground(f), f.Waiting), Queries: []string{"q17"},
		Table: Data{Heads: []string{n.Say("c1.night"), n.Say("c1.grace"), n.Say("c1.wait"), n.Say("c1.unknown"),
			n.Say("sum")}}}
	first := n.Nights[0]
	fig.Caption = n.Say("c1.caption", int64(all), tonight.Unground(first), n.Day(tonight.Day(first.Day)))
	if all < 2 {
		fig.Caption = n.Say("c1.caption.first")
	}
	fig.Drawing = chart.Stack{Days: days, Write: n.Number, Label: lang.Plain(fig.Title + ". " + fig.Caption),
		Layers: []chart.Layer{
			{Name: n.Say("c1.in.grace"), Value: n.Number(f.Grace), Values: n.Series(graceOf)},
			{Name: n.Say("c1.wait.people"), Value: n.Number(f.Waiting), Values: n.Series(waitingOf)},
			{Name: n.Say("c1.unknown.small"), Value: n.Number(f.Unknown), Values: n.Series(unknownOf)},
		}}.Draw()
	for _, f := range n.Nights {
		fig.Table.Rows = append(fig.Table.Rows, Row{n.Day(tonight.Day(f.Day)), []string{n.Number(f.Grace),
			n.Number(f.Waiting), n.Number(f.Unknown), n.Number(tonight.Unground(f))}})
	}
	return fig
}

func graceOf(f audit.Figures) int64   { return f.Grace }
func waitingOf(f audit.Figures) int64 { return f.Waiting }
func unknownOf(f audit.Figures) int64 { return f.Unknown }

// mostReasons is how many reasons each half of the chart shows.
const mostReasons = 6

// reasonChart is the rows by the reason for which they stand or go, as the night began.
func (n night) reasonChart() Figure {
	stay, gone, doubt, all := map[string]int64{}, map[string]int64{}, int64(0), int64(0)
	sensitive := figures.Sensitive(n.Facts)
	for _, s := range n.Facts.Summary {
		if n.Copies[s.Source] || n.Days[s.Source] != "" && len(n.Own.Summary) > 0 {
			continue
		}
		all += s.Rows
		switch figures.KindOf(s) {
		case figures.Ground, figures.Blocked:
			stay[s.Reason] += s.Rows
		case figures.Doubt:
			doubt += s.Rows
		default:
			gone[s.Reason] += s.Rows
		}
	}
	if all == 0 {
		return Figure{}
	}
	fig := Figure{ID: "c2", Queries: []string{"q18"},
		Table: Data{Heads: []string{n.Say("c2.reason"), n.Say("c2.code"), n.Say("rows")}}}
	stands, stays := n.bars(&fig, stay, sensitive)
	goes, ends := n.bars(&fig, gone, sensitive)
	fig.Title = n.Say("c2.title", all, n.Percent(stands, all))
	fig.Caption = n.Say("c2.caption", doubt)
	if len(n.Own.Kept) > 0 && len(n.Own.Summary) > 0 {
		fig.Caption = n.Say("c2.caption.some", doubt)
	} else if n.Part() {
		fig.Caption = n.Say("c2.caption.kept", doubt)
	}
	fig.Drawing = chart.Bars([]chart.Group{{Title: n.Say("c2.stay", stands), Bars: stays},
		{Title: n.Say("c2.go", goes), Dark: true, Bars: ends}}, lang.Plain(fig.Title+". "+fig.Caption))
	return fig
}

// bars are the reasons of one half, by size; what has no room is one bar.
func (n night) bars(fig *Figure, rows map[string]int64, sensitive map[string]bool) (sum int64, bars []chart.Bar) {
	codes := slices.Sorted(maps.Keys(rows))
	slices.SortStableFunc(codes, func(a, b string) int { return cmp.Compare(rows[b], rows[a]) })
	other := int64(0)
	for i, code := range codes {
		sum += rows[code]
		said := n.Number(rows[code])
		if rows[code] < 5 && len(sensitive) > 0 && n.onlySensitive(code, sensitive) {
			said = "<5"
		}
		fig.Table.Rows = append(fig.Table.Rows, Row{n.Reason(code), []string{code, said}})
		if i < mostReasons-1 || i == mostReasons-1 && len(codes) == mostReasons {
			bars = append(bars, chart.Bar{Name: n.Reason(code), Said: said, Value: rows[code]})
		} else {
			other += rows[code]
		}
	}
	if other > 0 {
		bars = append(bars, chart.Bar{Name: n.Say("c2.other"), Said: n.Number(other), Value: other})
	}
	return sum, bars
}

// onlySensitive says whether a reason stands only in silos whose small counts are not shown.
func (n night) onlySensitive(code string, sensitive map[string]bool) bool {
	for _, s := range n.Facts.Summary {
		if s.Reason == code && !sensitive[s.Silo] {
			return false
		}
	}
	return true
}

// mostTerms is how many silos the chart of terms shows.
const mostTerms = 5

// termChart is what is past its term, silo by silo.
func (n night) termChart() Figure {
	past, oldest := map[string]int64{}, map[string]time.Time{}
	all := int64(0)
	for _, s := range n.Facts.Summary {
		end := tonight.Day(s.OldestDue)
		if n.Copies[s.Source] || figures.KindOf(s) != figures.Waiting || end.IsZero() || !end.Before(n.Today) {
			continue
		}
		left := s.Rows - figures.Ended(s, n.OfRead)
		if left <= 0 {
			continue
		}
		past[s.Silo] += left
		all += left
		if first := oldest[s.Silo]; first.IsZero() || end.Before(first) {
			oldest[s.Silo] = end
		}
	}
	if n.Undecided() {
		return Figure{}
	}
	if len(n.Facts.Ages) > 0 {
		return n.agesChart()
	}
	fig := Figure{ID: "c3", Title: n.Say("c3.title", all), Queries: []string{"q19"},
		Table: Data{Heads: []string{n.Say("silo"), n.Say("c3.past"), n.Say("c3.oldest")}}}
	silos := slices.Clone(n.Silos)
	slices.SortStableFunc(silos, func(a, b figures.Silo) int { return cmp.Compare(past[b.Name], past[a.Name]) })
	var bars []chart.Bar
	for i, s := range silos {
		said, first := n.Number(past[s.Name]), "–"
		if past[s.Name] > 0 {
			said = n.Count(s.Name, past[s.Name])
			first = n.DayYear(oldest[s.Name])
		}
		name := n.SiloName(s.Name)
		if n.Dagger(s) {
			name += "†"
		}
		fig.Table.Rows = append(fig.Table.Rows, Row{name, []string{said, first}})
		if i < mostTerms && past[s.Name] > 0 {
			bars = append(bars, chart.Bar{Name: name, Said: n.Say("c3.since", said, first), Value: past[s.Name]})
		}
	}
	none := int64(0)
	for _, s := range silos {
		if past[s.Name] == 0 {
			none++
		}
	}
	fig.Caption = n.Say("c3.caption", int64(len(silos))-none, int64(len(silos)))
	if len(bars) == 0 {
		fig.Title = n.Say("c3.none")
		return fig
	}
	fig.Drawing = chart.Bars([]chart.Group{{Title: n.Say("c3.bars"), Dark: true, Bars: bars}},
		lang.Plain(fig.Title+". "+fig.Caption))
	return fig
}

// agesChart is the age of rows as a share of their term, silo by silo, those with most rows past it first.
func (n night) agesChart() Figure {
	rows, days, open := map[string]*[chart.Tenths + 1]int64{}, map[string]int64{}, map[string]bool{}
	runs, rests, past := int64(0), int64(0), int64(0)
	for _, a := range n.Facts.Ages {
		if rows[a.Silo] == nil {
			rows[a.Silo] = &[chart.Tenths + 1]int64{}
		}
		if a.Tenth < 0 || a.Tenth > chart.Tenths {
			rests += a.Rows
			continue
		}
		rows[a.Silo][a.Tenth] += a.Rows
		runs += a.Rows
		if a.Tenth == chart.Tenths {
			past += a.Rows
			days[a.Silo], open[a.Silo] = max(days[a.Silo], a.DaysPast), open[a.Silo] || a.DaysPast == 0
		}
	}
	fig := Figure{ID: "c3", Title: n.Say("c3.title", past), Queries: []string{"q19"},
		Caption: n.Say("c3.ages", runs, rests), Table: data(n)}
	silos := slices.Sorted(maps.Keys(rows))
	slices.SortStableFunc(silos, func(a, b string) int {
		return cmp.Compare(rows[b][chart.Tenths], rows[a][chart.Tenths])
	})
	var list []chart.Ages
	for i, silo := range silos {
		all := rows[silo]
		line := Row{Name: n.SiloName(silo)}
		for _, v := range all {
			line.Cells = append(line.Cells, n.Count(silo, v))
		}
		fig.Table.Rows = append(fig.Table.Rows, line)
		if i >= mostTerms {
			continue
		}
		one := chart.Ages{Name: n.SiloName(silo), Rows: *all, Past: n.Say("c3.within"), Late: all[chart.Tenths] > 0}
		switch {
		case one.Late && open[silo]: // the rows longest past it were ended since
			one.Past = n.Say("c3.past.some", n.Count(silo, all[chart.Tenths]))
		case one.Late:
			one.Past = n.Say("c3.past.by", n.Count(silo, all[chart.Tenths]), days[silo])
		}
		list = append(list, one)
	}
	if over := int64(len(silos) - mostTerms); over > 0 {
		fig.Caption += " " + n.Say("c3.more", over)
	}
	fig.Drawing = chart.Terms(list, [3]string{"0", n.Say("c3.half"), n.Say("c3.term")},
		lang.Plain(fig.Title+". "+fig.Caption))
	return fig
}

// data has the heads of the ages' table: tenths of the term, and past it.
func data(n night) Data {
	d := Data{Heads: []string{n.Say("silo")}}
	for i := range chart.Tenths {
		d.Heads = append(d.Heads, fmt.Sprintf("%d–%d\u00a0%%", 10*i, 10*i+10))
	}
	d.Heads = append(d.Heads, n.Say("c3.past"))
	return d
}

// mostSteps is how many steps the chart of backups shows.
const mostSteps = 6

// backupChart is what should be gone and is still in backups, by the day on which the files go.
func (n night) backupChart() Figure {
	if len(n.Facts.Backups) == 0 {
		return Figure{}
	}
	byDay, open, groups, key, query := map[int][2]int64{}, int64(0), map[bool]int64{}, "c4", "q37"
	of, total := func(b audit.Backup) int64 { return b.Pending }, n.Figures.Pending
	if n.People() {
		of, total, key = func(b audit.Backup) int64 { return b.LastCopies }, n.Figures.ErasedPeople, "c4p"
		query = "q20"
	}
	for _, b := range n.Facts.Backups {
		if of(b) == 0 {
			continue
		}
		rewritten := b.Strategy == "rewrite"
		groups[rewritten] += of(b)
		goes := tonight.Day(b.GoesOn)
		if goes.IsZero() {
			goes = n.Civil(b.ExpiresAt)
		}
		if goes.IsZero() {
			open += of(b)
			continue
		}
		at := max(n.Within(goes), 1)
		parts := byDay[at]
		parts[map[bool]int{false: 0, true: 1}[rewritten]] += of(b)
		byDay[at] = parts
	}
	fig := Figure{ID: "c4", Title: n.Say(key+".title", total, n.Holding(), int64(len(n.Facts.Backups))),
		Queries: []string{query},
		Table:   Data{Heads: []string{n.Say("c4.from"), n.Say("c4.rewrite"), n.Say("c4.ageout"), n.Say("sum")}}}
	steps, ticks := n.steps(&fig, byDay, groups, n.Say(key+".tonight", groups[true]+groups[false]))
	fig.Caption = n.Say(key+".caption", groups[true], groups[false])
	if open > 0 {
		fig.Caption += " " + n.Say("c4.open", open)
	}
	if total == 0 {
		fig.Title, fig.Caption = n.Say("c4.none.title", int64(len(n.Facts.Backups))), n.Say("c4.none")
	}
	if len(steps) == 0 {
		return fig
	}
	fig.Drawing = chart.Steps{Steps: steps, Ticks: ticks, Write: n.Number,
		Label: lang.Plain(fig.Title + ". " + fig.Caption)}.Draw()
	return fig
}

// steps are what is left from each day on.
func (n night) steps(fig *Figure, byDay map[int][2]int64, left map[bool]int64,
	now string) ([]chart.Step, map[int]string) {
	steps, ticks := []chart.Step{}, map[int]string{}
	parts := [2]int64{left[false], left[true]}
	add := func(at int, note bool) {
		sum := parts[0] + parts[1]
		date := n.Today.AddDate(0, 0, at)
		fig.Table.Rows = append(fig.Table.Rows, Row{n.DayYear(date), []string{n.Number(parts[1]), n.Number(parts[0]),
			n.Number(sum)}})
		s := chart.Step{Day: at, Parts: []int64{parts[0], parts[1]}}
		switch {
		case at == 0:
			s.Note = now
		case sum == 0:
			s.Note = n.Say("c4.last", n.Day(date))
		case note:
			s.Note = n.Say("c4.step", n.Day(date), sum)
		}
		steps = append(steps, s)
	}
	if left[false]+left[true] == 0 {
		return nil, ticks
	}
	add(0, false)
	ticks[0] = n.Day(n.Today)
	days := slices.Sorted(maps.Keys(byDay))
	for i, at := range days {
		parts[0], parts[1] = parts[0]-byDay[at][0], parts[1]-byDay[at][1]
		if len(days) > mostSteps && i%((len(days)+mostSteps-1)/mostSteps) != 0 && i < len(days)-1 {
			continue // steps taken together
		}
		add(at, true)
	}
	if len(days) > 0 {
		last := days[len(days)-1]
		for month := firstOfMonth(n.Today); n.Within(month) < last; month = firstOfMonth(month) {
			if at := n.Within(month); at > last/8 {
				ticks[at] = n.Day(month)
			}
			if len(ticks) > 4 {
				break
			}
		}
		if len(ticks) > 4 {
			ticks = map[int]string{0: n.Day(n.Today), last: n.DayYear(n.Today.AddDate(0, 0, last))}
		}
	}
	return steps, ticks
}

// firstOfMonth is the first day of the month after.
func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// mostRequests is how many requests the chart shows.
const mostRequests = 10

// requestChart is the open requests against their term, the nearest first.
func (n night) requestChart() Figure {
	open, inTerm, week, closed, closedInTerm := n.Requests()
	fig := Figure{ID: "c5", Title: n.Say("c5.title", inTerm, open), Queries: []string{"q21"},
		Table: Data{Heads: []string{n.Say("c5.number"), n.Say("c5.kind"), n.Say("silo"), n.Say("c5.received"),
			n.Say("c5.due")}}}
	if open == 0 {
		fig.Title, fig.Caption = n.Say("c5.none.title"), n.Say("c5.none")
		if closed > 0 {
			fig.Caption = n.Say("note.requests.closed", closed, closedInTerm)
		}
		return fig
	}
	requests := slices.DeleteFunc(slices.Clone(n.Facts.Requests), func(r audit.Request) bool {
		return r.Status == "closed"
	})
	due := func(r audit.Request) string { return cmp.Or(r.ExtendedTo, r.DueOn) }
	slices.SortStableFunc(requests, func(a, b audit.Request) int { return strings.Compare(due(a), due(b)) })
	var spans []chart.Span
	for i, r := range requests {
		by, received := tonight.Day(due(r)), n.Civil(r.ReceivedAt)
		left, kind := n.Within(by), tonight.Lower(n.RequestKind(r.Kind))
		if i < 200 {
			fig.Table.Rows = append(fig.Table.Rows, Row{lang.Name(r.RequestID), []string{kind, n.SiloName(r.Silo),
				n.Day(received), n.DayYear(by)}})
		}
		if i >= mostRequests {
			continue
		}
		s := chart.Span{Name: shortID(r.RequestID) + " " + kind, Received: -n.Within(received), Left: left,
			Rested: int(r.PausedHours / 24), Late: r.OverdueDays > 0 || left < 0, Bold: left <= 7}
		switch {
		case s.Late:
			s.Said = n.Say("days.late", int64(-left))
		case r.Status == "paused":
			s.Said = n.Say("c5.rests", int64(left))
		case r.ExtendedTo != "":
			s.Said = n.Say("c5.extended", int64(left))
		default:
			s.Said = n.Say("days", int64(left))
		}
		spans = append(spans, s)
	}
	fig.Caption = n.Say("c5.caption", open-inTerm, week)
	if closed > 0 {
		fig.Caption += " " + n.Say("note.requests.closed", closed, closedInTerm)
	}
	if over := len(requests) - mostRequests; over > 0 {
		fig.Caption += " " + n.Say("c5.more", int64(over), int64(n.Within(tonight.Day(due(requests[mostRequests])))))
	}
	ticks := map[int]string{}
	for month := firstOfMonth(n.Today.AddDate(0, -5, 0)); n.Within(month) < 95; month = firstOfMonth(month) {
		ticks[n.Within(month)] = n.ShortMonth(month)
	}
	fig.Drawing = chart.Spans(spans, n.Say("c5.today"), ticks, lang.Plain(fig.Title+". "+fig.Caption))
	return fig
}

// shortID is a request's number without the word before it.
func shortID(id string) string {
	if i := strings.LastIndexByte(id, '-'); i >= 0 && i < len(id)-1 {
		id = strings.TrimLeft(id[i+1:], "0")
	}
	return lang.Name(id)
}
