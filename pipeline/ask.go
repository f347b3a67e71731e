package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
)

// Check opens everything that a night needs and changes nothing: registry with its chains, sources, and the policy against every catalog. It
// returns one line for each thing that is right; the error joins what is not.
func (p *Pipeline) Check(ctx context.Context) ([]string, error) {
	n := newNight(p, p.Now())
	year, month, _ := n.today.YMD()
	n.epoch = fmt.Sprintf("%04d-Q%d", year, (month+2)/3)
	var lines []string
	var errs []error
	if err := n.openRegistry(ctx); err != nil {
		errs = append(errs, err)
	} else {
		lines = append(lines, fmt.Sprintf("registry: %d silos, chains hold", len(n.heads)))
	}
	if n.registry != nil {
		defer n.registry.Close()
	}
	for _, silo := range p.Silos {
		if err := p.Keys.EnsureAudit(silo.Silo.Name, n.epoch); err != nil {
			errs = append(errs, err)
		}
		for _, remark := range lint.Lint(silo, n.asOf) {
			lines = append(lines, remark.String())
		}
	}
	for _, src := range p.Sources {
		s := &store{Source: src, governed: map[string][]*group{}}
		open, err := src.Open(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.open = open
		n.stores = append(n.stores, s)
		if err := n.prepare(ctx, s); err != nil {
			errs = append(errs, err)
		} else {
			can := "read only"
			if _, ok := open.(connectors.Mutator); ok {
				can = "may be changed"
			} else if _, ok := open.(connectors.Rewriter); ok && src.Rewrite != nil {
				can = "may be rewritten"
			}
			governed := fmt.Sprintf("%d governed", len(s.governed))
			if len(n.silos) == 0 && len(p.Silos) > 0 {
				governed = "which of them are governed was not looked at" // that takes the registry
			}
			lines = append(lines, fmt.Sprintf("source %s: %d tables, %s, %s", s.Name, len(s.tables), governed, can))
			if src.ReadOnly && len(s.groups) > 0 && !s.backup() {
				lines = append(lines, fmt.Sprintf("source %s: silos govern it, but it has no apply_dsn: `lethe run --apply` will refuse", s.Name))
			}
		}
		defer func() { errs = append(errs, open.Close()) }()
	}
	for _, c := range p.Copies {
		said, err := n.checkCopy(ctx, c)
		lines, errs = append(lines, said...), append(errs, err)
	}
	return lines, errors.Join(errs...)
}

// Status is where the nights stand.
type Status struct {
	LastSuccess time.Time       `json:"last_success"` // of a night that applied; zero: never
	LastRun     time.Time       `json:"last_run"`
	LastExit    int             `json:"last_exit"`
	LastRunID   string          `json:"last_run_id"`
	Report      string          `json:"report"`
	Lock        string          `json:"lock"` // who holds it; "" nobody
	StopFile    bool            `json:"stop_file"`
	Waiting     []WaitingPlan   `json:"waiting"`
	Overdue     []audit.Finding `json:"overdue"`
	Interrupted bool            `json:"interrupted"` // the last run was cut off
	Copies      []CopyStatus    `json:"copies"`      // how the applications' copies stood after the last delivery
	Late        []Duty          `json:"late"`        // what people owe
	Registry    string          `json:"registry"`    // why the registry could not be asked for it; "" it could
}

// CopyStatus says how far a target's copy of one silo's consents is behind.
type CopyStatus struct {
	Target     string    `json:"target"`
	Silo       string    `json:"silo"`
	Source     string    `json:"source"`
	Object     string    `json:"object"`
	At         time.Time `json:"at"`          // of the last delivery
	LagSeconds int64     `json:"lag_seconds"` // 0: it was brought up to date then
	Error      string    `json:"error"`       // code of what ended it; "" nothing did
	Drift      int64     `json:"drift"`       // rows that somebody else had changed, and that were put right
}

// copiesOf reads the newest delivery.
func copiesOf(runs []journal.Run) (copies []CopyStatus) {
	for _, r := range runs {
		var f audit.Facts
		if !r.Apply || len(r.Facts) == 0 || json.Unmarshal(r.Facts, &f) != nil || len(f.ConsentSync) == 0 {
			continue
		}
		for _, l := range f.ConsentSync {
			copies = append(copies, CopyStatus{Target: l.Target, Silo: l.Silo, Source: l.Source, Object: l.Object, At: f.Run.AsOf, LagSeconds: l.LagSeconds, Error: l.Error,
				Drift: l.DriftMissing + l.DriftExtra + l.DriftDifferent})
		}
		return copies
	}
	return nil
}

// WaitingPlan is a plan that waits, and for whom.
type WaitingPlan struct {
	PlanID     string    `json:"plan_id"`
	Rows       int64     `json:"rows"`
	ValidUntil time.Time `json:"valid_until"`
	Questions  []string  `json:"questions"`
	For        []string  `json:"for"`
}

// Status reads the journal.
func (p *Pipeline) Status(ctx context.Context) (Status, error) {
	s := Status{LastExit: -1}
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return s, err
	}
	defer j.Close()
	runs, err := j.Nights(ctx, 100)
	if err != nil {
		return s, err
	}
	newest, err := j.Runs(ctx, 100)
	if err != nil {
		return s, err
	}
	s.Copies = copiesOf(newest)
	for i, r := range runs {
		if i == 0 {
			s.LastRun, s.LastExit, s.LastRunID, s.Interrupted = r.StartedAt, r.ExitCode, r.ID, r.EndedAt.IsZero()
			var f audit.Facts
			if len(r.Facts) > 0 && json.Unmarshal(r.Facts, &f) == nil {
				for _, x := range f.Findings {
					if x.Kind == "F_OVERDUE" {
						s.Overdue = append(s.Overdue, x)
					}
				}
			}
		}
		if strings.Contains(r.Key, "/apply/") && r.ExitCode == 0 && !r.EndedAt.IsZero() { // a whole night
			s.LastSuccess = r.EndedAt
			break
		}
	}
	if path := filepath.Join(p.Reports, "report.html"); fileExists(path) {
		s.Report = path
	}
	s.StopFile = fileExists(filepath.Join(p.State, "stop"))
	s.Lock = p.lockHolder()
	s.Late, s.Registry = p.lateNow(ctx)
	docs, entries, err := p.Plans(ctx, journal.Waiting)
	if err != nil {
		return s, err
	}
	for i, d := range docs {
		missing, err := p.waitsFor(ctx, j, entries[i].ID)
		if err != nil {
			return s, err
		}
		w := WaitingPlan{PlanID: d.PlanID, ValidUntil: d.ValidUntil, Questions: d.Questions, For: missing}
		for _, c := range d.Counts {
			w.Rows += c.Rows
		}
		s.Waiting = append(s.Waiting, w)
	}
	return s, nil
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lockHolder says who holds the lock; "" when a run could start.
func (p *Pipeline) lockHolder() string {
	f, err := os.Open(filepath.Join(p.State, "lock"))
	if err != nil {
		return ""
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return ""
	}
	holder, err := os.ReadFile(f.Name())
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(holder))
}

// Explain says why records were, or would be, kept or deleted: the rules that govern each, the decision on the row as it is now, and what
// earlier nights did to it. What "now" is, Now says. Of each key it returns the lines. It prints no value of a record and writes nothing. Registry and
// source are opened once, and of the registry those silos are verified and loaded that govern the table.
func (p *Pipeline) Explain(ctx context.Context, source, table string, keys ...[]string) ([][]string, error) {
	i := slices.IndexFunc(p.Sources, func(s Source) bool { return s.Name == source })
	if i < 0 {
		return nil, fmt.Errorf("%w: no source %q", ErrConfig, source)
	}
	s := &store{Source: p.Sources[i], governed: map[string][]*group{}}
	asked := *p
	asked.Silos = slices.DeleteFunc(slices.Clone(p.Silos), func(silo *policy.Compiled) bool {
		return !slices.ContainsFunc(silo.Silo.Records, func(r policy.Records) bool { return r.Source == s.System() && r.Table == table })
	})
	n := newNight(&asked, p.Now())
	if err := n.openRegistry(ctx); err != nil {
		return nil, err
	}
	defer n.registry.Close()
	var err error
	if s.open, err = s.Open(ctx); err != nil {
		return nil, err
	}
	defer s.open.Close()
	if err := n.prepare(ctx, s); err != nil {
		return nil, err
	}
	t, ok := s.table(table)
	if !ok {
		return nil, fmt.Errorf("%w: source %s has no table %s", ErrConfig, source, table)
	}
	wanted := make([]connectors.Key, len(keys))
	for i, key := range keys {
		if len(key) != len(t.Key) {
			return nil, fmt.Errorf("%w: the key of %s has %d fields (%s), not %d", ErrConfig, table, len(t.Key), strings.Join(t.Key, ", "), len(key))
		}
		values := make([][]byte, len(key))
		for i, k := range key {
			values[i] = []byte(k)
		}
		wanted[i] = connectors.MakeKey(values...)
	}
	answers := make([][]string, len(keys))
	if len(s.governed[table]) == 0 {
		for i := range answers {
			answers[i] = []string{fmt.Sprintf("no silo governs %s.%s: it is kept, and reported as E_NO_POLICY if it holds personal data", source, table)}
		}
		return answers, nil
	}
	for i, key := range wanted {
		if answers[i], err = n.explainNow(ctx, s, table, t, key); err != nil {
			return nil, err
		}
	}
	return answers, n.explainPast(ctx, s, table, wanted, answers)
}

// explainNow decides the row as it is now.
func (n *night) explainNow(ctx context.Context, s *store, table string, t connectors.Table, key connectors.Key) ([]string, error) {
	var lines []string
	found := false
	for b, err := range s.open.Scan(ctx, connectors.Query{Table: table, Keys: &connectors.Keys{Fields: t.Key, Tuples: []connectors.Key{key}}}) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			found = true
			taken := false
			for _, g := range s.governed[table] {
				if !g.mine(b.Rows, row) {
					continue
				}
				taken = true
				r := g.rule(b.Rows, row, n.asOf)
				lines = append(lines, fmt.Sprintf("now: silo %s decides %s, use %s: %s (%s, row %s of the decision table; %s)", g.silo.Silo.Name, r.Action, r.Use, r.Reason.Words(), r.Reason, r.Row, r.Reason.Article()))
				for _, note := range r.Notes {
					lines = append(lines, fmt.Sprintf("     %s: %s (%s)", note, note.Words(), note.Article()))
				}
				if r.Rule != "" && !slices.Contains(r.Grounds, r.Rule) {
					lines = append(lines, "     rule "+ruleWords(g.silo, r.Rule, n.asOf))
				}
				for _, ground := range r.Grounds {
					lines = append(lines, "     live ground "+ruleWords(g.silo, ground, n.asOf))
				}
				if r.Until.Known() {
					lines = append(lines, "     until "+r.Until.String())
				}
				if r.Due.Known() {
					lines = append(lines, fmt.Sprintf("     ended %s, erasure due %s", r.End, r.Due))
				}
				if r.seqTo > 0 {
					events, err := n.registry.History(ctx, g.silo.Silo.Name, r.collection, n.asOf, endings(g.silo))
					if err != nil {
						return nil, err
					}
					lines = append(lines, fmt.Sprintf("     from the registry, events %d to %d:", r.seqFrom, r.seqTo))
					for _, e := range events {
						lines = append(lines, "       "+eventWords(e, n.Zone))
					}
				}
			}
			if !taken {
				lines = append(lines, "now: no silo takes this row (where): it is kept, and reported as E_NO_POLICY")
			}
		}
	}
	if !found {
		lines = append(lines, "now: there is no such row")
	}
	return lines, nil
}

// ruleWords says of a rule, by its name, why it stands and who answers for it.
func ruleWords(s *policy.Compiled, name string, asOf time.Time) string {
	for id, r := range s.InForce(asOf) {
		if id == name {
			return fmt.Sprintf("%s: %s; %s answers for it, review by %s", name, r.Because, r.Owner, r.ReviewBy)
		}
	}
	return name
}

// eventWords says an event in one line, with its days in the zone.
func eventWords(e registry.PastEvent, zone *time.Location) string {
	day := func(t time.Time) string { return calendar.DateOf(t, zone).String() }
	words := []string{day(e.From) + " " + strings.ReplaceAll(string(e.Type), "_", " ")}
	for _, part := range []struct{ before, text string }{{"named ", e.Name}, {"by ", strings.ReplaceAll(e.By, ";", " and ")}, {"for ", e.Purpose}, {"under notice ", e.Notice}, {"by ", e.Method}, {"told by ", e.Source}} {
		if part.text != "" {
			words = append(words, part.before+part.text)
		}
	}
	if !e.Until.IsZero() {
		words = append(words, "ending on "+day(e.Until))
	}
	switch granted := e.Type == event.Given || e.Type == event.Renewed; {
	case e.Proof:
		words = append(words, "proof on file")
	case granted:
		words = append(words, "no proof")
	}
	return fmt.Sprintf("%s (event %d)", strings.Join(words, ", "), e.Seq)
}

// explainPast finds the records, by their keyed references, in what earlier nights decided and did, and appends it to the lines of each.
func (n *night) explainPast(ctx context.Context, s *store, table string, keys []connectors.Key, lines [][]string) error {
	j, err := journal.Open(ctx, n.State)
	if err != nil {
		return err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 1000)
	if err != nil {
		return err
	}
	refs := map[audit.Ref]int{} // of which key
	for _, g := range s.governed[table] {
		for _, name := range n.Keys.Names("audit/" + g.silo.Silo.Name + "/") {
			epoch := name[strings.LastIndexByte(name, '/')+1:]
			k, err := n.Keys.AuditKey(g.silo.Silo.Name, epoch)
			if err != nil {
				return err
			}
			for i, key := range keys {
				refs[audit.Ref(k.Ref(s.System()+"\x1f"+table, []byte(key)))] = i
			}
		}
	}
	for _, r := range slices.Backward(runs) {
		day := calendar.DateOf(r.AsOf, n.Zone)
		path := filepath.Join(n.State, "runs", r.ID, "decisions.arrow")
		if !fileExists(path) {
			continue
		}
		for rows, err := range audit.ReadSpool[audit.Decision](path) {
			if err != nil {
				break // a night that was cut off
			}
			for _, d := range rows {
				if i, asked := refs[d.Record]; asked {
					lines[i] = append(lines[i], fmt.Sprintf("%s: run %s decided %s, use %s: %s", day, r.ID, d.Action, d.Use, d.Reason))
				}
			}
		}
		for rows, err := range n.actions(ctx, j, r.ID) {
			if err != nil {
				return err
			}
			for _, a := range rows {
				if i, asked := refs[a.Record]; asked && a.Object == table {
					lines[i] = append(lines[i], fmt.Sprintf("%s: run %s: %s (%s) %s under plan %s", day, r.ID, a.Change, a.Method, a.Status, a.PlanID))
				}
			}
		}
	}
	return nil
}
