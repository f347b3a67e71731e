package audit

import (
	"bytes"
	"cmp"
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageSource string

// page is what the template shows. All of it is text that is ready to read; the template escapes it.
type page struct {
	Run         Run
	Controller  string
	Day         string
	Mode        string
	AsOf        string
	AsOfUTC     string
	Started     string
	Ended       string
	Reason      string
	Scanned     string
	Plaintext   string
	Forgotten   []string // what the registry forgot, by silo
	First       bool
	Heads       []string
	Verdict     verdict
	Tiles       []tile
	Silos       []siloView
	Done        []doneView
	Reasons     []reasonGroup
	Plans       []planView
	Findings    []findingView
	Exceptions  []exceptionView
	Backups     []backupView
	Copies      []copyView
	Requests    []requestView
	Holds       []holdView
	Reviews     []reviewView
	News        []newsView
	Sources     []sourceView
	facts       Facts
	totals      map[actionTotal]actionCount
	zone        *time.Location
	sensitive   map[string]bool // silos whose small counts are not shown
	waitingRows int64
	waiting     int
	overdue     int64
	overdueFrom string
	pending     int64
	pendingTill time.Time
}

type (
	verdict struct {
		Level, Label, Sentence string
		Points                 []string
	}
	tile     struct{ Value, Label, Note, Level string }
	siloView struct {
		Name, Total, Aria, Note string
		Segments                []segment
	}
	segment struct {
		Class, Label, Rows, Share string
		X, Width                  int // of 1000
	}
	doneView    struct{ Silo, Change, Done, Verified, Left, Failed string }
	reasonGroup struct {
		Title string
		Rows  []reasonView
	}
	reasonView struct{ Words, Code, Article, Silos, Rows string }
	planView   struct {
		Title, PlanID, State, Level, ValidUntil, Waits string
		Counts, Questions, Answers                     []string
	}
	findingView   struct{ Severity, Level, Words, Place, Article, Count, Since string }
	exceptionView struct{ Words, Code, Place, Silo, Count, Days, Owner string }
	backupView    struct{ Name, Path, Taken, Expires, Pending, Oldest, State, Level, Words string }
	copyView      struct{ Target, Silo, Place, Rows, Changed, Drift, State, Level, Words string }
	requestView   struct{ Silo, ID, Kind, Received, Due, State, Level, Words string }
	holdView      struct{ Silo, ID, Placed, Approved, Review, State, Level string }
	reviewView    struct{ Place, Machine, Now, By, Until, Because string }
	newsView      struct{ Change, Place, Now string }
	sourceView    struct {
		Name, Words string
		Tables      []tableView
	}
	tableView struct {
		Name, Silo, Rows, State, Span string
		Part                          string // what reading it in part can have missed
		Fields                        []fieldView
	}
	fieldView struct {
		Name, Category string
		Special        bool
	}
)

// renderPage makes the page of a night: one file without scripts and without anything from elsewhere.
func renderPage(f Facts, totals map[actionTotal]actionCount, date string) ([]byte, error) {
	t, err := template.New(pageName).Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("page template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, newPage(f, totals, date)); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return out.Bytes(), nil
}

func newPage(f Facts, totals map[actionTotal]actionCount, date string) *page {
	p := &page{facts: f, totals: totals, Run: f.Run, Controller: cmp.Or(f.Run.Controller, "Retention of personal data"), Day: longDate(date), First: f.Run.PreviousManifest == "",
		Scanned: number(f.Run.RowsScanned), Plaintext: list(f.Run.PlaintextWaived), Reason: cmp.Or(stopWords[f.Run.StopReason], f.Run.StopReason), sensitive: map[string]bool{}}
	var err error
	if p.zone, err = time.LoadLocation(f.Run.Zone); err != nil {
		p.zone = time.UTC
	}
	p.AsOf, p.AsOfUTC = p.instant(f.Run.AsOf)+" ("+p.zone.String()+")", f.Run.AsOf.UTC().Format("2006-01-02 15:04:05")+" UTC"
	p.Started, p.Ended = p.instant(f.Run.StartedAt), p.instant(f.Run.EndedAt)
	p.Mode = "A dry run: nothing was to be changed."
	if f.Run.Mode == "apply" {
		p.Mode = "A night with --apply: what was approved, or needs no approval, was to be changed."
	}
	for line := range strings.SplitSeq(f.Run.Forgotten, ";") {
		if line != "" {
			p.Forgotten = append(p.Forgotten, line)
		}
	}
	for head := range strings.SplitSeq(f.Run.RegistryHeads, ";") {
		if head != "" {
			p.Heads = append(p.Heads, head)
		}
	}
	for _, i := range f.Inventory {
		if i.Class == "special" || i.Class == "criminal" || i.Class == "child" {
			for silo := range strings.SplitSeq(i.Silo, ";") {
				p.sensitive[silo] = silo != ""
			}
		}
	}
	p.silos()
	p.done()
	p.reasons()
	p.plans()
	p.findings()
	p.exceptions()
	p.backups()
	p.copies()
	p.requests()
	p.holds()
	p.reviews()
	p.news()
	p.inventory()
	p.tiles()
	p.judge()
	return p
}

// stopWords say why a run ended.
var stopWords = map[string]string{
	"done": "ended as planned", "already_done": "this night had been done already", "waiting": "ended as planned, with plans that wait for people", "window_end": "stopped at the end of its window or by the stop file",
	"stop_file": "stopped by the stop file", "breaker": "stopped: a safety limit asks for people", "source_failed": "a source could not be read to the end", "error": "ended with an error",
}

// decisionKinds are the parts of a silo's bar, from what stays to what goes.
var decisionKinds = []struct{ class, label string }{
	{"keep", "Kept, in use"}, {"limited", "Kept, for a legal duty only"}, {"blocked", "Kept, blocked"}, {"grace", "To go, in its grace period"},
	{"anonymize", "To be anonymized"}, {"delete", "To be erased"}, {"person", "Needs a person"},
}

func decisionKind(s Summary) string {
	switch {
	case strings.HasPrefix(s.Reason, "E_"):
		return "person"
	case s.Action == "expire":
		return "grace"
	case s.Action == "anonymize", s.Action == "delete":
		return s.Action
	case s.Use == "blocked", s.Use == "limited":
		return s.Use
	}
	return "keep"
}

func (p *page) silos() {
	rows := map[string]map[string]int64{}
	for _, s := range p.facts.Summary {
		if rows[s.Silo] == nil {
			rows[s.Silo] = map[string]int64{}
		}
		rows[s.Silo][decisionKind(s)] += s.Rows
	}
	for _, silo := range keys(rows) {
		total := int64(0)
		for _, n := range rows[silo] {
			total += n
		}
		v := siloView{Name: cmp.Or(silo, "no silo"), Total: p.count(silo, total) + plural(total, " record", " records")}
		x, sum, hidden := 0, int64(0), false
		var said []string
		for _, kind := range decisionKinds {
			n := rows[silo][kind.class]
			if n == 0 {
				continue
			}
			sum += n
			end := int(math.Round(1000 * float64(sum) / float64(total)))
			hidden = hidden || p.small(silo, n)
			v.Segments = append(v.Segments, segment{Class: kind.class, Label: kind.label, Rows: p.count(silo, n), Share: share(n, total), X: x, Width: max(end-x, 3)})
			said = append(said, kind.label+": "+p.count(silo, n))
			x = end
		}
		v.Aria = strings.Join(said, "; ")
		if hidden {
			v.Note = "This silo holds sensitive data: counts from 1 to 4 are shown as <5, and what they could be worked out from is left out."
			v.Total = ""
			for i := range v.Segments {
				v.Segments[i].Share = ""
			}
		}
		p.Silos = append(p.Silos, v)
	}
}

func share(n, total int64) string {
	percent := 100 * float64(n) / float64(total)
	if percent < 0.05 {
		return "<0.1 %"
	}
	return fmt.Sprintf("%.1f %%", percent)
}

// small reports whether a count could single out a person of a sensitive silo.
func (p *page) small(silo string, n int64) bool { return p.sensitive[silo] && n > 0 && n < 5 }

func (p *page) count(silo string, n int64) string {
	if p.small(silo, n) {
		return "<5"
	}
	return number(n)
}

var changeWords = map[string]string{
	"block": "blocked (no longer used)", "unblock": "unblocked", "clear": "fields emptied", "anonymize": "anonymized", "delete": "erased", "set_null": "references to erased records emptied",
}

func (p *page) done() {
	type place struct{ silo, change string }
	done, verified, left, failed := map[place]int64{}, map[place]int64{}, map[place]int64{}, map[place]int64{}
	var places []place
	for at, n := range p.totals {
		k := place{at.silo, at.change}
		places = append(places, k)
		verified[k] += n.verified
		switch at.status {
		case "done", "recovered":
			done[k] += n.rows
		case "skipped_drift":
			left[k] += n.rows
		default:
			failed[k] += n.rows
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.silo, b.silo), cmp.Compare(a.change, b.change)) })
	for _, k := range slices.Compact(places) {
		p.Done = append(p.Done, doneView{Silo: cmp.Or(k.silo, "no silo"), Change: word(changeWords, k.change), Done: p.count(k.silo, done[k]), Verified: p.count(k.silo, min(verified[k], done[k])),
			Left: p.count(k.silo, left[k]), Failed: p.count(k.silo, failed[k])})
	}
}

var reasonGroups = []struct{ class, title string }{
	{"person", "Needs a person"}, {"delete", "To be erased"}, {"anonymize", "To be anonymized"}, {"grace", "To go, in its grace period"},
	{"blocked", "Kept, blocked"}, {"limited", "Kept, for a legal duty only"}, {"keep", "Kept, in use"},
}

func (p *page) reasons() {
	type line struct {
		reasonView
		rows  int64
		silos []string
	}
	lines := map[string]map[string]*line{}
	for _, s := range p.facts.Summary {
		kind := decisionKind(s)
		if lines[kind] == nil {
			lines[kind] = map[string]*line{}
		}
		l := lines[kind][s.Reason]
		if l == nil {
			l = &line{reasonView: reasonView{Words: cmp.Or(s.Words, s.Reason), Code: s.Reason, Article: s.Article}}
			lines[kind][s.Reason] = l
		}
		l.rows += s.Rows
		l.silos = append(l.silos, s.Silo)
	}
	for _, g := range reasonGroups {
		var sorted []*line
		for _, code := range keys(lines[g.class]) {
			sorted = append(sorted, lines[g.class][code])
		}
		slices.SortStableFunc(sorted, func(a, b *line) int { return cmp.Compare(b.rows, a.rows) })
		group := reasonGroup{Title: g.title}
		for _, l := range sorted {
			slices.Sort(l.silos)
			l.silos = slices.Compact(l.silos)
			l.Silos, l.Rows = strings.Join(l.silos, ", "), number(l.rows)
			if slices.ContainsFunc(l.silos, func(silo string) bool { return p.small(silo, l.rows) }) {
				l.Rows = "<5"
			}
			group.Rows = append(group.Rows, l.reasonView)
		}
		if len(group.Rows) > 0 {
			p.Reasons = append(p.Reasons, group)
		}
	}
}

var planStates = map[string]struct{ words, level string }{
	"waiting": {"waits for approval", "amber"}, "approved": {"approved, not yet carried out", "amber"}, "applied": {"carried out", "green"}, "partly_applied": {"carried out in part", "amber"},
	"expired": {"lapsed", "amber"}, "rejected": {"rejected", "amber"},
}

// questionWords say why a plan asks people (the breakers of the configuration).
var questionWords = map[string]string{
	"B_MAX_ROWS": "more rows of one table would change than a night may change unasked", "B_MAX_PCT": "a larger share of one table would change than a night may change unasked",
	"B_SPIKE": "many more rows would change than usual", "B_NEW_SOURCE": "a source is new", "B_POLICY_CHANGED": "the policy was changed since the last night", "B_EMPTY_TABLE": "a table would be nearly emptied",
}

func (p *page) plans() {
	var order []string
	byID := map[string][]Plan{}
	for _, row := range p.facts.Plans {
		if byID[row.PlanID] == nil {
			order = append(order, row.PlanID)
		}
		byID[row.PlanID] = append(byID[row.PlanID], row)
	}
	for _, id := range order {
		p.Plans = append(p.Plans, p.plan(id, byID[id]))
	}
	slices.SortStableFunc(p.Plans, func(a, b planView) int { return cmp.Compare(len(b.Waits), len(a.Waits)) })
}

func (p *page) plan(id string, rows []Plan) planView {
	state := planStates[rows[0].State]
	v := planView{PlanID: id, State: cmp.Or(state.words, rows[0].State), Level: cmp.Or(state.level, "amber")}
	total := int64(0)
	for _, r := range rows {
		total += r.Rows
		line := fmt.Sprintf("%s %s in %s: %s", p.count(r.Silo, r.Rows), plural(r.Rows, "row", "rows"), place(r.Source, r.Object, ""), word(changeWords, r.Change))
		if r.PercentOfObject > 0 && !p.small(r.Silo, r.Rows) {
			line += fmt.Sprintf(" (%.1f %% of the table)", r.PercentOfObject)
		}
		v.Counts = append(v.Counts, line)
		for q := range strings.SplitSeq(r.Breakers, ";") {
			if words := word(questionWords, q); q != "" && !slices.Contains(v.Questions, words) {
				v.Questions = append(v.Questions, words)
			}
		}
		if !r.ValidUntil.IsZero() && (r.State == "waiting" || r.State == "approved") {
			v.ValidUntil = p.instant(r.ValidUntil)
		}
	}
	v.Title = map[string]string{"reversible": "Changes that can be taken back", "destructive": "Changes that cannot be taken back"}[rows[0].Part]
	v.Title = cmp.Or(v.Title, "Changes") + ": " + number(total) + " " + plural(total, "row", "rows")
	roles := ""
	for _, a := range p.facts.Approvals {
		if a.PlanID != id {
			continue
		}
		roles += ";" + a.Role
		v.Answers = append(v.Answers, p.answer(a))
	}
	if rows[0].State == "waiting" && rows[0].Part != "reversible" {
		p.waiting++
		p.waitingRows += total
		v.Waits = waits(roles, p.Run.SingleApproval)
	}
	return v
}

func (p *page) answer(a Approval) string {
	verb := map[string]string{"approve": "Approved", "reject": "Rejected", "object": "Objected to"}[a.Decision]
	if a.StandingOrder != "" {
		return fmt.Sprintf("%s by standing order (%s), in the name of %s.", cmp.Or(verb, a.Decision), a.StandingOrder, list(a.Actor))
	}
	return fmt.Sprintf("%s by %s (%s) on %s.", cmp.Or(verb, a.Decision), a.Actor, list(a.Role), p.instant(a.SignedAt))
}

// waits says whose approval a plan lacks, from the roles that have approved.
func waits(roles string, single bool) string {
	owner, custodian := strings.Contains(roles, "owner"), strings.Contains(roles, "custodian")
	switch {
	case single:
		return "Waits for one approval:"
	case owner && custodian:
		return "Waits for an approval by a second person:"
	case owner:
		return "Waits for the custodian's approval:"
	case custodian:
		return "Waits for the silo owner's approval:"
	}
	return "Waits for the silo owner's and the custodian's approval:"
}

var severities = []struct{ name, words, level string }{{"high", "high", "red"}, {"medium", "medium", "amber"}, {"low", "low", "green"}}

func (p *page) findings() {
	for _, s := range severities {
		for _, f := range p.facts.Findings {
			if f.Severity == s.name {
				p.Findings = append(p.Findings, findingView{Severity: s.words, Level: s.level, Words: f.Words, Place: place(f.Source, f.Object, f.Column), Article: f.Article, Count: number(f.Count), Since: shortDate(f.FirstSeen)})
			}
			if f.Severity == s.name && f.Kind == "F_OVERDUE" {
				p.overdue += f.Count
			}
		}
	}
	for _, s := range p.facts.Summary {
		if p.overdue > 0 && s.OldestDue != "" && s.Change != "" && (p.overdueFrom == "" || s.OldestDue < p.overdueFrom) && (s.Action == "delete" || s.Action == "anonymize") {
			p.overdueFrom = s.OldestDue
		}
	}
}

func (p *page) exceptions() {
	sorted := slices.Clone(p.facts.Exceptions)
	slices.SortStableFunc(sorted, func(a, b Exception) int { return cmp.Compare(b.AgeDays, a.AgeDays) })
	for _, e := range sorted {
		p.Exceptions = append(p.Exceptions, exceptionView{Words: cmp.Or(e.Words, e.Code), Code: e.Code, Place: place(e.Source, e.Object, ""), Silo: e.Silo, Count: p.count(e.Silo, e.Count), Days: number(e.AgeDays), Owner: list(e.Owner)})
	}
}

var backupStates = map[string]struct{ words, level string }{
	"ok": {"in order", "green"}, "rewritten": {"rewritten tonight", "green"}, "waiting": {"waits", "amber"}, "overdue": {"overdue", "red"}, "orphan": {"belongs to nothing", "amber"}, "unreadable": {"cannot be read", "red"},
}

var strategyWords = map[string]string{
	"rewrite": "The file is rewritten without what should be gone.", "age_out": "The file is left to expire.", "beyond_use": "The file has no end date: what should be gone stays beyond use.",
}

func (p *page) backups() {
	for _, b := range p.facts.Backups {
		state := backupStates[b.Status]
		words := strategyWords[b.Strategy]
		if b.Pending == 0 {
			words = ""
		}
		if b.Status == "rewritten" {
			words = "A new file without what should be gone was read back and took the place of the old one."
		} else if b.Why != "" {
			words = strings.TrimSpace(words + " " + upperFirst(b.Why) + ".")
		}
		p.Backups = append(p.Backups, backupView{Name: cmp.Or(b.Source, b.Application), Path: b.Path, Taken: p.date(b.TakenAt), Expires: cmp.Or(p.date(b.ExpiresAt), "not known"), Pending: number(b.Pending), Oldest: shortDate(b.Oldest),
			State: cmp.Or(state.words, b.Status), Level: cmp.Or(state.level, "amber"), Words: words})
		if b.Pending > 0 {
			p.pending += b.Pending
			if b.ExpiresAt.After(p.pendingTill) {
				p.pendingTill = b.ExpiresAt
			}
		}
	}
}

func (p *page) copies() {
	for _, c := range p.facts.ConsentSync {
		drift := c.DriftMissing + c.DriftExtra + c.DriftDifferent
		v := copyView{Target: c.Target, Silo: c.Silo, Place: place(c.Source, c.Object, ""), Rows: p.count(c.Silo, c.ExpectedRows), Changed: p.count(c.Silo, c.Changed),
			Drift: number(drift), State: "up to date", Level: "green"}
		switch {
		case c.LagSeconds > c.MaxLagSeconds:
			v.State, v.Level, v.Words = "lags", "red", fmt.Sprintf("It is at event %s of %s, and was last up to date %s ago.", number(c.AckedSeq), number(c.HeadSeq), days(c.LagSeconds))
		case c.Error != "":
			v.State, v.Level, v.Words = "not reached", "amber", "The next night compares it in full again."
		case p.Run.Mode != "apply":
			v.State, v.Level = "looked at", "amber"
		case drift > 0:
			v.State, v.Level, v.Words = "repaired", "amber", "It was not as it was left; find out who writes to it."
		}
		p.Copies = append(p.Copies, v)
	}
}

var requestStates = map[string]struct{ words, level string }{"open": {"open", "amber"}, "paused": {"paused", "amber"}, "overdue": {"overdue", "red"}, "closed": {"closed", "green"}}

// requests lists the open requests, and counts of the closed ones stay in the table.
func (p *page) requests() {
	for _, r := range p.facts.Requests {
		if r.Status == "closed" {
			continue
		}
		var words []string
		if r.ExtendedTo != "" {
			words = append(words, fmt.Sprintf("Extended by two months on %s (%s).", p.date(r.ToldAt), strings.Replace(r.Because, "number", "number of requests", 1)))
		}
		if r.PausedHours > 0 {
			words = append(words, fmt.Sprintf("The term rested for %s so far while it was checked who asks.", days(int64(r.PausedHours*3600))))
		}
		if r.OverdueDays > 0 {
			words = append(words, "Late by "+days(r.OverdueDays*86400)+".")
		}
		due := shortDate(cmp.Or(r.ExtendedTo, r.DueOn))
		if r.Status == "paused" {
			due = "rests"
		}
		p.Requests = append(p.Requests, requestView{Silo: r.Silo, ID: r.RequestID, Kind: r.Kind, Received: p.date(r.ReceivedAt), Due: due, State: requestStates[r.Status].words, Level: requestStates[r.Status].level,
			Words: strings.Join(words, " ")})
	}
}

var holdStates = map[string]struct{ words, level string }{"in_force": {"in force", "green"}, "unapproved": {"nobody approved it", "amber"}, "review_due": {"review is due", "amber"}}

// holds lists the holds in force.
func (p *page) holds() {
	for _, h := range p.facts.Holds {
		if state, ok := holdStates[h.Status]; ok {
			p.Holds = append(p.Holds, holdView{Silo: h.Silo, ID: h.HoldID, Placed: h.PlacedBy + ", " + p.date(h.PlacedAt), Approved: cmp.Or(h.ApprovedBy, "nobody yet"), Review: shortDate(h.ReviewBy), State: state.words, Level: state.level})
		}
	}
}

// reviews lists the fields of which a person and not the classifiers said what they hold.
func (p *page) reviews() {
	for _, i := range p.facts.Inventory {
		if i.ReviewedBy != "" && i.Change != "gone" {
			p.Reviews = append(p.Reviews, reviewView{Place: place(i.Source, i.Object, i.Column), Machine: strings.ReplaceAll(cmp.Or(i.Machine, "none"), "_", " "), Now: strings.ReplaceAll(i.Category, "_", " "),
				By: i.ReviewedBy, Until: shortDate(i.ReviewedUntil), Because: i.Because})
		}
	}
}

// missed says what reading a table in part can have missed.
func missed(i Inventory) string {
	return fmt.Sprintf("%s of its rows were read: what stands in fewer than %.2g %% of them can have been missed (95 %% confidence).", number(i.Sampled), 100*i.MissedBelow)
}

// days says a time in seconds in whole days.
func days(seconds int64) string {
	n := seconds / 86400
	return number(n) + " " + plural(n, "day", "days")
}

func (p *page) news() {
	words := map[string]string{"new": "new", "changed": "changed", "gone": "gone"}
	for _, i := range p.facts.Inventory {
		if words[i.Change] == "" {
			continue
		}
		now := ""
		switch {
		case i.Change == "gone":
			now = "no longer there"
		case i.State == "skipped" || i.State == "failed":
			now = "not read: " + i.Reason
		case i.Column == "":
			now = number(i.Rows) + " rows, " + cmp.Or(siloWords(i.Silo), "in no silo")
		case isPersonal(i):
			now = categoryWords(i)
		default:
			now = "no personal data"
		}
		p.News = append(p.News, newsView{Change: words[i.Change], Place: place(i.Source, i.Object, i.Column), Now: now})
	}
}

func isPersonal(i Inventory) bool {
	return i.Category != "" && i.Category != "none" && i.Category != "company_only" && !i.Company
}

func categoryWords(i Inventory) string {
	words := strings.ReplaceAll(i.Category, "_", " ")
	if i.Also != "" {
		words += ", " + strings.ReplaceAll(list(i.Also), "_", " ")
	}
	return words
}

func siloWords(silos string) string {
	if silos == "" {
		return ""
	}
	return "silo " + list(silos)
}

// inventory lists the tables that hold personal data, and those that were not read; of the others it gives the number.
func (p *page) inventory() {
	type group struct {
		first  Inventory
		tables []*tableView
		byName map[string]*tableView
		other  int64
		failed string
	}
	groups := map[string]*group{}
	for _, i := range p.facts.Inventory {
		if i.Change == "gone" {
			continue
		}
		g := groups[i.Source]
		if g == nil {
			g = &group{first: i, byName: map[string]*tableView{}}
			groups[i.Source] = g
		}
		switch {
		case i.Object == "" && i.State == "failed":
			g.failed = i.Reason
		case i.Column == "":
			t := &tableView{Name: i.Object, Silo: cmp.Or(list(i.Silo), "none"), Rows: number(i.Rows), Span: span(i.OldestRow, i.NewestRow)}
			if i.State == "skipped" || i.State == "failed" {
				t.State = "Not read: " + i.Reason
			} else if i.MissedBelow > 0 {
				t.Part = missed(i)
			}
			g.byName[i.Object] = t
			g.tables = append(g.tables, t)
		case isPersonal(i) && g.byName[i.Object] != nil:
			t := g.byName[i.Object]
			t.Fields = append(t.Fields, fieldView{Name: i.Column, Category: categoryWords(i), Special: i.Class == "special" || i.Class == "criminal" || i.Class == "child" || i.Class == "credential"})
		}
	}
	for _, name := range keys(groups) {
		g := groups[name]
		v := sourceView{Name: name}
		for _, t := range g.tables {
			if len(t.Fields) == 0 && t.State == "" && t.Part == "" {
				g.other++
				continue
			}
			v.Tables = append(v.Tables, *t)
		}
		var words []string
		for _, w := range []string{g.first.Application, g.first.Environment, g.first.Location} {
			if w != "" {
				words = append(words, w)
			}
		}
		v.Words = upperFirst(strings.Join(words, ", "))
		if v.Words != "" {
			v.Words += ". "
		}
		switch {
		case g.failed != "":
			v.Words += "Could not be read: " + g.failed + "."
		case len(v.Tables) == 0:
			v.Words += fmt.Sprintf("No personal data was found in its %s %s.", number(g.other), plural(g.other, "table", "tables"))
		case g.other > 0:
			v.Words += fmt.Sprintf("%s further %s without personal data.", number(g.other), plural(g.other, "table", "tables"))
		}
		p.Sources = append(p.Sources, v)
	}
}

func (p *page) tiles() {
	var decided, changed, verified, failed, exceptions int64
	for _, s := range p.facts.Summary {
		decided += s.Rows
	}
	for at, n := range p.totals {
		switch at.status {
		case "done", "recovered":
			changed, verified = changed+n.rows, verified+n.verified
		case "skipped_drift":
		default:
			failed += n.rows
		}
	}
	for _, e := range p.facts.Exceptions {
		exceptions += e.Count
	}
	done := tile{Value: number(changed), Label: "Rows changed tonight", Note: "nothing was changed"}
	if changed > 0 {
		done.Note = number(verified) + " read again and confirmed"
	}
	if failed > 0 {
		done.Note, done.Level = number(failed)+" more refused or failed", "bad"
	}
	waiting := tile{Value: number(p.waitingRows), Label: "Rows that wait for approval", Note: "no plan waits"}
	if p.waiting > 0 {
		waiting.Note, waiting.Level = fmt.Sprintf("in %d %s", p.waiting, plural(int64(p.waiting), "plan", "plans")), "warn"
	}
	overdue := tile{Value: number(p.overdue), Label: "Rows past their term", Note: "when the night ended"}
	if p.overdue > 0 {
		overdue.Note, overdue.Level = "when the night ended; the oldest since "+shortDate(p.overdueFrom), "warn"
	}
	except := tile{Value: number(exceptions), Label: "Records that need a person", Note: "none"}
	if exceptions > 0 {
		except.Note, except.Level = fmt.Sprintf("in %d %s", len(p.facts.Exceptions), plural(int64(len(p.facts.Exceptions)), "exception", "exceptions")), "warn"
	}
	backups := tile{Value: number(p.pending), Label: "Erasures pending in backups", Note: "no backup holds what should be gone"}
	switch {
	case len(p.facts.Backups) == 0:
		backups.Value, backups.Note = "–", "no backup is configured"
	case p.pending > 0 && !p.pendingTill.IsZero():
		backups.Note, backups.Level = "the last of these files expires on "+p.date(p.pendingTill), "warn"
	case p.pending > 0:
		backups.Note, backups.Level = "until those files are rewritten", "warn"
	}
	p.Tiles = []tile{{Value: number(decided), Label: "Records decided on", Note: fmt.Sprintf("in %d %s", len(p.Silos), plural(int64(len(p.Silos)), "silo", "silos"))}, done, waiting, overdue, except, backups}
}

// judge gives the verdict. Red: the night failed or its evidence is in doubt. Amber: it did its work, and people are needed. Green: neither.
func (p *page) judge() {
	var red, amber []string
	switch code := p.Run.ExitCode; code {
	case 0:
	case 3, 5:
		amber = append(amber, "The night did not do all of its work: "+p.Reason+".")
	case 10:
		red = append(red, "The consent registry is missing, empty or too old: nothing was decided on it.")
	case 12:
		red = append(red, "The registry, a plan or the evidence is not what it was: somebody may have altered it.")
	case 13:
		red = append(red, "A plan lapsed before it was carried out.")
	default:
		red = append(red, fmt.Sprintf("The night ended with an error (exit code %d).", code))
	}
	failed := int64(0)
	for at, n := range p.totals {
		if at.status == "failed" || at.status == "refused" {
			failed += n.rows
		}
	}
	if failed > 0 {
		red = append(red, fmt.Sprintf("%s planned %s could not be changed.", number(failed), plural(failed, "row", "rows")))
	}
	if n := int64(p.Run.SourcesFailed); n > 0 {
		amber = append(amber, fmt.Sprintf("%s %s could not be read, so nothing is known of %s tonight.", number(n), plural(n, "source", "sources"), plural(n, "it", "them")))
	}
	if p.waiting > 0 {
		amber = append(amber, fmt.Sprintf("%d %s with %s %s %s for approval.", p.waiting, plural(int64(p.waiting), "plan", "plans"), number(p.waitingRows), plural(p.waitingRows, "row", "rows"), plural(int64(p.waiting), "waits", "wait")))
	}
	if n := p.weighty(); n > 0 {
		amber = append(amber, fmt.Sprintf("%s %s of high weight %s open.", number(n), plural(n, "finding", "findings"), plural(n, "is", "are")))
	}
	if n := int64(len(p.Exceptions)); n > 0 {
		amber = append(amber, fmt.Sprintf("%s %s %s a person.", number(n), plural(n, "exception", "exceptions"), plural(n, "needs", "need")))
	}
	for _, c := range p.Copies {
		switch {
		case c.Level == "red":
			red = append(red, fmt.Sprintf("%s works with consents that are out of date: its copy could not be reached.", c.Target))
		case c.State == "repaired":
			amber = append(amber, fmt.Sprintf("The copy of the consents at %s was altered by somebody, and repaired.", c.Target))
		}
	}
	for _, b := range p.Backups {
		if b.Level == "red" {
			amber = append(amber, "Backup "+b.Name+": "+b.State+".")
		}
	}
	switch {
	case len(red) > 0:
		p.Verdict = verdict{"red", "Red: look at this today", red[0], append(red[1:], amber...)}
	case len(amber) > 0:
		p.Verdict = verdict{"amber", "Amber: people are needed", "The night is recorded and signed, but something waits for people.", amber}
		if len(amber) == 1 {
			p.Verdict.Sentence, p.Verdict.Points = amber[0], nil
		}
	default:
		p.Verdict = verdict{"green", "Green: in order", "Every record of every silo was decided, what was approved was carried out, and nothing waits for people.", nil}
	}
}

func (p *page) weighty() (n int64) {
	for _, f := range p.facts.Findings {
		if f.Severity == "high" && f.Kind != "F_SOURCE_FAILED" {
			n++
		}
	}
	return n
}

func (p *page) instant(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.In(p.zone).Format("2 January 2006, 15:04")
}

func (p *page) date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format("2 Jan 2006")
}

func longDate(date string) string { return reformat(date, "2 January 2006") }

func shortDate(date string) string { return reformat(date, "2 Jan 2006") }

func reformat(date, layout string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.Format(layout)
}

func span(oldest, newest string) string {
	if oldest == "" || newest == "" || oldest == newest {
		return shortDate(cmp.Or(oldest, newest))
	}
	return shortDate(oldest) + " to " + shortDate(newest)
}

// number writes 1204 as 1,204.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// list turns "a;b" into "a, b".
func list(joined string) string {
	return strings.Join(strings.FieldsFunc(joined, func(r rune) bool { return r == ';' }), ", ")
}

// word looks a code up, and is the code itself when there is no word for it.
func word(words map[string]string, code string) string { return cmp.Or(words[code], code) }

func place(source, object, column string) string {
	parts := slices.DeleteFunc([]string{source, object, column}, func(s string) bool { return s == "" })
	return strings.Join(parts, ".")
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
