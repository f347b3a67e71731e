package night

import (
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/tonight"
)

// cell is one of the four that say whether the page can be relied on.
type cell struct {
	Mark, Title, Text string
	Queries           []string
}

func (n night) evidence() []cell {
	at := n.Clock(n.Run.EndedAt)
	holds := cell{"green", n.Say("evidence.holds"), n.Say("evidence.holds.text", n.Run.Answers, at), []string{"q7"}}
	switch missing := n.Unread(); {
	case n.Broken:
		holds = cell{"red", n.Say("evidence.broken"), n.Say("evidence.broken.text", at), []string{"q7"}}
	case n.NoRegistry():
		holds.Mark, holds.Title = "amber", n.Say("evidence.missing")
		holds.Text = n.Say("evidence.noregistry.text", n.Run.Answers, at)
	case len(missing) > 0:
		holds.Mark, holds.Title = "amber", n.Say("evidence.missing")
		holds.Text += " " + n.Say("evidence.missing.text", lang.Short(missing[0].Source, 40), int64(len(missing)))
	}
	return []cell{holds, n.cosigned(), n.stamped(), n.hints()}
}

// hints says whether there are signs of an incident that nobody has assessed.
func (n night) hints() cell {
	open := n.OpenHints()
	if len(open) == 0 {
		return cell{"green", n.Say("hints.none"), n.Say("hints.none.text"), []string{"q10"}}
	}
	noticed, until := open[0].NoticedAt, open[0].ClockUntil
	return cell{"red", n.Say("hints.open", int64(len(open))), n.Say("hints.open.text", n.When(n.Civil(noticed)),
		n.When(n.Civil(until)), n.Clock(until)), []string{"q10"}}
}

// newest is the log's newest line of a signer, and how many entries the log has.
func (n night) newest(signer string) (line audit.LogLine, size int64) {
	for _, l := range n.Facts.Log {
		size = max(size, l.Size)
		if strings.HasPrefix(l.Signer, signer) && l.Size >= line.Size {
			line = l
		}
	}
	return line, size
}

// uncosigned is how many nights were published since they were cosigned last, this one among them; false where nobody
// ever did.
func (n night) uncosigned() (nights int64, ever bool) {
	line, _ := n.newest(audit.WitnessSigner)
	return line.Nights, line.Signer != ""
}

// cosigned says when somebody last cosigned the nights with a key of their own.
func (n night) cosigned() cell {
	line, size := n.newest(audit.WitnessSigner)
	nights, ever := n.uncosigned()
	if !ever {
		return cell{"ask", n.Say("cosigned.never"), n.Say("cosigned.never.text"), []string{"q8"}}
	}
	c := cell{"green", n.Say("cosigned.today"), n.Say("cosigned.text", n.When(n.Civil(line.SignedAt)), line.Size, size),
		[]string{"q8"}}
	if -n.Within(n.Civil(line.SignedAt)) > 0 || nights > 1 {
		c.Title = n.Say("cosigned.ago", max(nights, 1))
	}
	if nights >= audit.LateNights {
		c.Mark, c.Text = "amber", c.Text+" "+n.Say("cosigned.next")
	}
	return c
}

// stamped says when an authority last stamped the log.
func (n night) stamped() cell {
	line, _ := n.newest(audit.StampSigner)
	if line.Signer == "" {
		return cell{"ask", n.Say("stamp.none"), n.Say("stamp.none.text"), []string{"q9"}}
	}
	by := lang.Short(strings.TrimPrefix(line.Signer, audit.StampSigner), 40)
	return cell{"green", n.Say("stamp"), n.Say("stamp.text", by, n.When(n.Civil(line.SignedAt)),
		n.Clock(line.SignedAt)), []string{"q9"}}
}

// answer is one of the four figures that people ask for, with its nights.
type answer struct {
	Question, Big, Of, Note string
	Queries, NoteQueries    []string
	Spark                   chart.Drawing
}

func (n night) answers() []answer {
	return []answer{n.groundAnswer(), n.endedAnswer(), n.backupAnswer(), n.requestAnswer()}
}

// weekAgo is a figure of the night a week ago.
func (n night) weekAgo(of func(audit.Figures) int64) (int64, bool) {
	want := n.Today.AddDate(0, 0, -7).Format(time.DateOnly)
	for _, f := range n.Nights {
		if f.Day == want && of(f) >= 0 {
			return of(f), true
		}
	}
	return 0, false
}

func (n night) ago(of func(audit.Figures) int64) string {
	if was, ok := n.weekAgo(of); ok {
		return " " + n.Say("week.ago", was)
	}
	return ""
}

func (n night) groundAnswer() answer {
	of, f := tonight.Unground, n.Figures
	a := answer{Question: n.Say("ask.ground.rows"), Big: n.Number(tonight.Unground(f)), Of: n.Say("of.rows", f.Rows),
		Queries: []string{"q22"}, NoteQueries: []string{"q17"}}
	a.Note = n.Say("note.ground.rows", n.Percent(tonight.Unground(f), max(f.Rows, 1)), f.Waiting, f.Grace, f.Unknown)
	if f.People >= 0 {
		of = func(f audit.Figures) int64 { return f.PeopleUnground }
		a.Question, a.Big, a.Of = n.Say("ask.ground"), n.Number(f.PeopleUnground), n.Say("of", f.People)
		a.Note = n.Say("note.ground", n.Percent(f.PeopleUnground, max(f.People, 1)), tonight.Unground(f))
		a.Queries, a.NoteQueries = []string{"q11"}, []string{"q12"}
	}
	if n.Undecided() {
		a.Big, a.Of, a.Note = "–", "", n.Say("note.undecided")
		return a
	}
	a.Note += n.ago(of)
	for _, s := range n.Silos { // figures of another night are in the sums
		if n.Dagger(s) {
			a.Big += "†"
			a.Note += " " + n.Say("silos.kept", n.Weekday(tonight.Day(s.Day)))
			break
		}
	}
	a.Spark = chart.Spark(n.Series(of), false)
	return a
}

func (n night) endedAnswer() answer {
	ended := func(f audit.Figures) int64 { return f.Deleted + f.Anonymized }
	o := n.Done
	a := answer{Question: n.Say("ask.ended"), Big: n.Number(o.Ended()), Of: n.Say("of.planned", o.Planned),
		Queries: []string{"q13"}, NoteQueries: []string{"q14"}}
	switch {
	case o.Planned == 0 && n.Figures.Waiting > 0:
		a.Of, a.Note = "", n.Say("note.ended.waits", n.Figures.Waiting)
	case o.Planned == 0:
		a.Of, a.Note = "", n.Say("note.ended.none")
	default:
		a.Note = n.Say("note.ended", o.Deleted, o.Anonymized, o.Again)
	}
	week, nights := int64(0), int64(0)
	for i, f := range n.Nights {
		if i >= len(n.Nights)-7 {
			week, nights = week+ended(f), nights+1
		}
	}
	if nights > 1 {
		a.Note += " " + n.Say("note.ended.week", week, nights)
	}
	a.Spark = chart.Spark(n.Series(ended), true)
	return a
}

func (n night) backupAnswer() answer {
	of := func(f audit.Figures) int64 { return f.Pending }
	a := answer{Question: n.Say("ask.backups.rows"), Big: n.Number(n.Figures.Pending),
		Of:      n.Say("copies", n.Figures.Pending),
		Queries: []string{"q37"}, NoteQueries: []string{"q37"}}
	if n.People() {
		of = func(f audit.Figures) int64 { return f.ErasedPeople }
		erased := n.Figures.ErasedPeople
		a.Question, a.Big, a.Of = n.Say("ask.backups"), n.Number(erased), n.Say("people", erased)
		a.Queries, a.NoteQueries = []string{"q15"}, []string{"q20"}
	}
	files, last := n.Holding(), n.LastCopy()
	switch {
	case len(n.Facts.Backups) == 0:
		a.Big, a.Of, a.Note = "–", "", n.Say("note.backups.unconfigured")
		return a
	case files == 0:
		a.Note = n.Say("note.backups.none", int64(len(n.Facts.Backups)))
	case last.IsZero():
		a.Note = n.Say("note.backups.open", files, int64(len(n.Facts.Backups)))
	default:
		a.Note = n.Say("note.backups", files, int64(len(n.Facts.Backups)), n.DayYear(last))
	}
	a.Note += n.ago(of)
	a.Spark = chart.Spark(n.Series(of), false)
	return a
}

func (n night) requestAnswer() answer {
	open, inTerm, week, closed, closedInTerm := n.Requests()
	a := answer{Question: n.Say("ask.requests"), Big: n.Number(inTerm), Of: n.Say("of.open", open),
		Queries: []string{"q16"}, NoteQueries: []string{"q16"}}
	switch {
	case open == 0:
		a.Of, a.Note = n.Say("of.open", open), n.Say("note.requests.none")
	default:
		a.Note = n.Say("note.requests", open-inTerm, week)
	}
	if closed > 0 {
		a.Note += " " + n.Say("note.requests.closed", closed, closedInTerm)
	}
	a.Spark = chart.Spark(n.Series(func(f audit.Figures) int64 { return f.OpenInTerm }), false)
	return a
}

// doneAgain says what was done, and read again.
func (n night) doneAgain() (list []tonight.Point) {
	o := n.Done
	switch {
	case o.Planned == 0 && n.Figures.Waiting > 0:
		list = append(list, tonight.Point{Text: n.Say("done.waits"), Queries: []string{"q24"}})
	case o.Planned == 0:
		list = append(list, tonight.Point{Text: n.Say("done.none"), Queries: []string{"q24"}})
	default:
		list = append(list, tonight.Point{Text: n.Say("done", o.Planned, o.Ended(), o.Drift, o.Refused+o.Failed),
			Queries: []string{"q24"}}, tonight.Point{Text: n.Say("done.again", o.Again, o.Deleted, o.Anonymized),
			Queries: []string{"q13"}})
		if o.Along > 0 {
			list[len(list)-1].Text += " " + n.Say("done.along", o.Along)
		}
	}
	blocked, unblocked, copies := int64(0), int64(0), int64(0)
	for at, c := range n.OfDay {
		switch {
		case !at.Done():
		case n.Copies[at.Source]:
			copies += c.Rows
		case at.Change == "block":
			blocked += c.Rows
		case at.Change == "unblock":
			unblocked += c.Rows
		}
	}
	text := n.Say("done.blocked", blocked, unblocked)
	if copies > 0 {
		text += " " + n.Say("done.copies", copies)
	}
	var targets []string
	drift := int64(0)
	for _, c := range n.Facts.ConsentSync {
		if !slices.Contains(targets, c.Target) {
			targets = append(targets, c.Target)
		}
		drift += c.DriftMissing + c.DriftExtra + c.DriftDifferent
	}
	queries := []string{"q25"}
	if len(targets) > 0 {
		text += " " + n.Say("done.targets", int64(len(targets)), drift)
		queries = append(queries, "q26")
	}
	return append(list, tonight.Point{Text: text, Queries: queries})
}

// unknown says where nobody looks.
func (n night) unknown() []tonight.Point {
	list := n.doubtful()
	rows := int64(0)
	for _, e := range n.Facts.Exceptions {
		if e.Code == "E_ID_UNPARSEABLE" {
			rows += e.Count
		}
	}
	if rows > 0 {
		list = append(list, tonight.Point{Text: n.Say("unknown.rows", rows), Queries: []string{"q6"}})
	}
	var names []string
	for i, m := range n.Unread() {
		if i == 3 {
			names = append(names, n.Say("more.short", int64(len(n.Unread())-3)))
			break
		}
		names = append(names, lang.Code(lang.Short(m.Source, 24)))
	}
	if len(names) > 0 {
		list = append(list, tonight.Point{Text: n.Say("unknown.sources", strings.Join(names, ", ")),
			Queries: []string{"q3"}})
	}
	if len(list) == 0 {
		list = append(list, tonight.Point{Text: n.Say("unknown.none"), Queries: []string{"q28", "q29"}})
	}
	return list[:min(len(list), 3)]
}

// doubtful says which fields are in doubt, and which tables were not read.
func (n night) doubtful() (list []tonight.Point) {
	fields, tables := int64(0), map[string]bool{}
	var unread []string
	for _, i := range n.Facts.Inventory {
		place := i.Source + "." + i.Object
		switch {
		case i.Change == "gone":
		case i.Column != "" && inDoubt(i):
			fields++
			tables[place] = true
		case i.Column == "" && i.Object != "" && (i.State == "skipped" || i.State == "failed"):
			unread = append(unread, place)
		}
	}
	if fields > 0 {
		list = append(list, tonight.Point{Text: n.Say("unknown.fields", fields, int64(len(tables))),
			Queries: []string{"q28"}})
	}
	switch {
	case len(unread) > 1:
		list = append(list, tonight.Point{Text: n.Say("unknown.tables", lang.Code(unread[0]), int64(len(unread)-1)),
			Queries: []string{"q29"}})
	case len(unread) == 1:
		list = append(list, tonight.Point{Text: n.Say("unknown.table", lang.Code(unread[0])), Queries: []string{"q29"}})
	}
	return list
}

// inDoubt says that nobody is sure what a field holds.
func inDoubt(i audit.Inventory) bool {
	return i.ReviewedBy == "" && i.Confidence >= 0.5 && i.Confidence < 0.8 && i.Category != "none"
}

// mostSilos is how many silos the table shows.
const mostSilos = 7

// siloRow is a line of the table of silos.
type siloRow struct {
	Name  string
	Cells []string
}

// siloTable is the silos, their sum, and the notes below.
func (n night) siloTable() (rows []siloRow, sum *siloRow, notes []string) {
	shown, over := n.Silos, 0
	if len(shown) > mostSilos {
		over = len(shown) - (mostSilos - 1)
		shown = shown[:mostSilos-1]
	}
	kept := ""
	for _, s := range n.Silos {
		if n.Dagger(s) && (kept == "" || s.Day < kept) {
			kept = s.Day
		}
	}
	var all, rest figures.Silo
	for i, s := range n.Silos {
		all = added(all, s)
		if i >= len(shown) {
			rest = added(rest, s)
		}
	}
	all.People, all.PeopleUnground, all.ErasedPeople = figures.People(n.Silos)
	rest.People, rest.PeopleUnground, rest.ErasedPeople = figures.People(n.Silos[len(shown):])
	hidden := false
	for _, s := range shown {
		row := siloRow{Name: lang.Short(n.SiloName(s.Name), 28), Cells: n.siloCells(s)}
		if n.Dagger(s) {
			row.Name += "†"
			row.Cells[len(row.Cells)-1] = "–"
		}
		rows = append(rows, row)
	}
	if over > 0 {
		rows = append(rows, siloRow{n.Say("silos.more", int64(over)), n.siloCells(rest)})
	}
	if len(rows) > 0 {
		sum = &siloRow{n.Say("sum"), n.siloCells(all)}
		hidden = n.hideSmall(rows, sum, shown)
	}
	notes = append(notes, n.Say("silos.note"))
	if files := int64(len(n.Facts.Backups)); files > 0 {
		notes = append(notes, n.Say("silos.copies", files))
	}
	if kept != "" {
		notes = append(notes, n.Say("silos.kept", n.Weekday(tonight.Day(kept))))
	}
	if hidden {
		notes = append(notes, n.Say("silos.small"))
	}
	return rows, sum, notes
}

// added are the rows of two silos together.
func added(to, s figures.Silo) figures.Silo {
	to.Rows, to.Copies, to.Ground = to.Rows+s.Rows, to.Copies+s.Copies, to.Ground+s.Ground
	to.Blocked, to.Doubt, to.Grace = to.Blocked+s.Blocked, to.Doubt+s.Doubt, to.Grace+s.Grace
	to.Waiting, to.Unknown = to.Waiting+s.Waiting, to.Unknown+s.Unknown
	to.Ended, to.Pending = to.Ended+s.Ended, to.Pending+s.Pending
	return to
}

// siloCells are a silo's numbers, in the order of the table's columns.
func (n night) siloCells(s figures.Silo) []string {
	known := func(v int64) string {
		if v < 0 {
			return "–"
		}
		return n.Number(v)
	}
	erased := known(s.ErasedPeople)
	if s.ErasedPeople < 0 {
		erased = known(s.Pending)
	}
	return []string{known(s.People), n.Number(s.Rows), n.Number(s.Copies), n.Number(s.Ground), n.Number(s.Blocked),
		n.Number(s.Doubt), n.Number(s.Unground()), known(s.PeopleUnground), erased, n.Number(s.Ended)}
}

// hideSmall hides 1 to 4 of a sensitive silo, with one more cell of its row, and one more of its column, so that no
// number can be worked out from the sums. It says whether it hid something.
func (n night) hideSmall(rows []siloRow, sum *siloRow, silos []figures.Silo) (hidden bool) {
	small := func(cell string) bool { return cell == "1" || cell == "2" || cell == "3" || cell == "4" }
	for i, s := range silos {
		if !s.Sensitive {
			continue
		}
		for c, cell := range rows[i].Cells {
			if !small(cell) {
				continue
			}
			hidden = true
			rows[i].Cells[c] = "<5"
			if c >= 3 && c <= 6 { // what lets the rows stand: these add up to the rows
				n.hideAnother(rows[i].Cells, 3, 7, c)
			}
			done := slices.ContainsFunc(rows, func(r siloRow) bool {
				return r.Name != rows[i].Name && (r.Cells[c] == "<5" || r.Cells[c] == "…")
			})
			for other := range rows {
				if !done && other != i && rows[other].Cells[c] != "0" && rows[other].Cells[c] != "–" {
					rows[other].Cells[c], done = "…", true
				}
			}
			if !done {
				sum.Cells[c] = "…"
			}
		}
	}
	return hidden
}

// hideAnother hides one more cell of a row, the smallest that is shown.
func (n night) hideAnother(cells []string, from, to, except int) {
	best := -1
	for c := from; c < to; c++ {
		if cells[c] == "<5" && c != except || cells[c] == "…" {
			return
		}
		if c != except && cells[c] != "0" && (best < 0 || len(cells[c]) < len(cells[best])) {
			best = c
		}
	}
	if best >= 0 {
		cells[best] = "…"
	}
}
