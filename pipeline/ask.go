package pipeline

import (
	"context"
	"errors"
	"fmt"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/copies"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Check opens everything that a night needs and changes nothing: registry with its chains, sources, and the policy against every
// catalog. It returns one line for each thing that is right; the error joins what is not.
func Check(ctx context.Context, p *setup.Setup) (lines []string, err error) {
	tonight := setup.Asking(p, p.Now()).Written()
	silos := silos.New(p, tonight, nil)
	stores := stores.New(p, tonight, nil, silos)
	defer func() { err = errors.Join(err, stores.Close(), silos.Close()) }()
	var errs []error
	if err := silos.Open(ctx, nil); err != nil {
		errs = append(errs, err)
	} else {
		lines = append(lines, fmt.Sprintf("registry: %d silos, chains hold", len(silos.Heads)))
	}
	for _, silo := range p.Silos {
		if err := p.Keys.EnsureAudit(silo.Silo.Name, tonight.Epoch); err != nil {
			errs = append(errs, err)
		}
		for _, remark := range silo.Lint(tonight.AsOf) {
			lines = append(lines, remark.String())
		}
	}
	for _, src := range p.Sources {
		said, err := checkSource(ctx, stores, src)
		lines, errs = append(lines, said...), append(errs, err)
	}
	copier := &copies.Keeper{Setup: p, Tonight: tonight, Silos: silos, Stores: stores}
	for _, c := range p.Grants {
		said, err := copier.CheckCopy(ctx, c)
		lines, errs = append(lines, said...), append(errs, err)
	}
	return lines, errors.Join(errs...)
}

// checkSource opens a source, resolves the policy against it and says what a night could do there.
func checkSource(ctx context.Context, set *stores.Set, src setup.Source) ([]string, error) {
	s := stores.NewStore(src)
	var err error
	if s.Conn, err = src.Open(ctx); err != nil {
		return nil, err
	}
	set.List = append(set.List, s)
	if err := set.Prepare(ctx, s); err != nil {
		return nil, err
	}
	can := "read only"
	if _, ok := s.Conn.(connectors.Mutator); ok {
		can = "may be changed"
	} else if _, ok := s.Conn.(connectors.Rewriter); ok && src.Rewrite != nil {
		can = "may be rewritten"
	}
	governed := fmt.Sprintf("%d governed", len(s.Governed))
	if len(set.Silos.Silos) == 0 && len(set.Setup.Silos) > 0 {
		governed = "which of them are governed was not looked at" // that takes the registry
	}
	lines := []string{fmt.Sprintf("source %s: %d tables, %s, %s", s.Name, len(s.Tables), governed, can)}
	if src.ReadOnly && len(s.Judges) > 0 && !s.Backup() {
		lines = append(lines, fmt.Sprintf("source %s: silos govern it, but it can only be read: "+
			"a night names the rows that would have to change in it, and leaves them", s.Name))
	}
	return lines, nil
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
		if !r.Apply || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil || len(f.ConsentSync) == 0 {
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

// StatusOf reads where the nights stand, from the journal and the registry.
func StatusOf(ctx context.Context, p *setup.Setup) (Status, error) {
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
			if len(r.Facts) > 0 {
				f, _ := state.FactsOf(r) // what cannot be read is the next night's to say
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
	if path := filepath.Join(p.Reports, "report.html"); state.FileExists(path) {
		s.Report = path
	}
	s.StopFile = state.FileExists(filepath.Join(p.State, "stop"))
	s.Lock = state.LockHolder(p)
	s.Late, s.Registry = lateNow(ctx, p)
	docs, entries, err := plan.List(ctx, p, journal.Waiting)
	if err != nil {
		return s, err
	}
	for i, d := range docs {
		missing, err := plan.StillMissing(ctx, p, j, entries[i].ID)
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

// Explain says why records were, or would be, kept or deleted: the rules that govern each, the decision on the row as it is now, and what
// earlier nights did to it. What "now" is, Now says. Of each key it returns the lines. It prints no value of a record and writes nothing. Registry and
// source are opened once, and of the registry those silos are verified and loaded that govern the table.
func Explain(ctx context.Context, p *setup.Setup, source, table string, keys ...[]string) (answers [][]string, err error) {
	i := slices.IndexFunc(p.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return nil, fmt.Errorf("%w: no source %q", setup.ErrConfig, source)
	}
	s := stores.NewStore(p.Sources[i])
	asked := *p
	asked.Silos = slices.DeleteFunc(slices.Clone(p.Silos), func(silo *policy.Compiled) bool {
		return !slices.ContainsFunc(silo.Silo.Records, func(r policy.Records) bool { return r.Source == s.System() && r.Table == table })
	})
	tonight := setup.Asking(&asked, p.Now())
	silos := silos.New(&asked, tonight, nil)
	defer func() { err = errors.Join(err, silos.Close()) }()
	if err := silos.Open(ctx, nil); err != nil {
		return nil, err
	}
	if s.Conn, err = s.Open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Conn.Close()) }()
	if err := stores.New(&asked, tonight, nil, silos).Prepare(ctx, s); err != nil {
		return nil, err
	}
	ex := &explainer{setup: &asked, tonight: tonight, silos: silos}
	t, ok := s.Tables.Find(table)
	if !ok {
		return nil, fmt.Errorf("%w: source %s has no table %s", setup.ErrConfig, source, table)
	}
	wanted := make([]connectors.Key, len(keys))
	for i, key := range keys {
		if len(key) != len(t.Key) {
			return nil, fmt.Errorf("%w: the key of %s has %d fields (%s), not %d", setup.ErrConfig, table, len(t.Key), strings.Join(t.Key, ", "), len(key))
		}
		values := make([][]byte, len(key))
		for i, k := range key {
			values[i] = []byte(k)
		}
		wanted[i] = connectors.MakeKey(values...)
	}
	answers = make([][]string, len(keys))
	if len(s.Governed[table]) == 0 {
		for i := range answers {
			answers[i] = []string{fmt.Sprintf("no silo governs %s.%s: it is kept, and reported as E_NO_POLICY if it holds personal data", source, table)}
		}
		return answers, nil
	}
	for i, key := range wanted {
		if answers[i], err = ex.explainNow(ctx, s, table, t, key); err != nil {
			return nil, err
		}
	}
	return answers, ex.explainPast(ctx, s, table, wanted, answers)
}

// explainer says why records were, or would be, kept or deleted.
type explainer struct {
	setup   *setup.Setup
	tonight setup.Tonight
	silos   *silos.Set
}

// explainNow decides the row as it is now.
func (ex *explainer) explainNow(ctx context.Context, s *stores.Store, table string, t connectors.Table, key connectors.Key) ([]string, error) {
	var lines []string
	found := false
	for b, err := range s.Conn.Scan(ctx, connectors.Query{Table: table, Keys: &connectors.Keys{Fields: t.Key, Tuples: []connectors.Key{key}}}) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			found = true
			taken := false
			for _, g := range s.Governed[table] {
				if !g.Mine(b.Rows, row) {
					continue
				}
				taken = true
				r := g.Rule(b.Rows, row, ex.tonight.AsOf)
				lines = append(lines, fmt.Sprintf("now: silo %s decides %s, use %s: %s (%s, row %s of the decision table; %s)", g.Silo.Silo.Name, r.Action, r.Use, r.Reason.Words(), r.Reason, r.Row, r.Reason.Article()))
				for _, note := range r.Notes {
					lines = append(lines, fmt.Sprintf("     %s: %s (%s)", note, note.Words(), note.Article()))
				}
				if r.Rule != "" && !slices.Contains(r.Grounds, r.Rule) {
					lines = append(lines, "     rule "+ruleWords(g.Silo, r.Rule, ex.tonight.AsOf))
				}
				for _, ground := range r.Grounds {
					lines = append(lines, "     live ground "+ruleWords(g.Silo, ground, ex.tonight.AsOf))
				}
				if r.Until.Known() {
					lines = append(lines, "     until "+r.Until.String())
				}
				if r.Due.Known() {
					lines = append(lines, fmt.Sprintf("     ended %s, erasure due %s", r.End, r.Due))
				}
				if r.SeqTo > 0 {
					events, err := ex.silos.Registry.History(ctx, g.Silo.Silo.Name, r.Collection, ex.tonight.AsOf, silos.Endings(g.Silo))
					if err != nil {
						return nil, err
					}
					lines = append(lines, fmt.Sprintf("     from the registry, events %d to %d:", r.SeqFrom, r.SeqTo))
					for _, e := range events {
						lines = append(lines, "       "+eventWords(e, ex.setup.Zone))
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
	day := func(t time.Time) string { return policy.DateOf(t, zone).String() }
	words := []string{day(e.From) + " " + strings.ReplaceAll(string(e.Type), "_", " ")}
	for _, part := range []struct{ before, text string }{{"named ", e.Name}, {"by ", strings.ReplaceAll(e.By, ";", " and ")}, {"for ", e.Purpose}, {"under notice ", e.Notice}, {"by ", e.Method}, {"told by ", e.Source}} {
		if part.text != "" {
			words = append(words, part.before+part.text)
		}
	}
	if !e.Until.IsZero() {
		words = append(words, "ending on "+day(e.Until))
	}
	switch granted := e.Type == registry.Given || e.Type == registry.Renewed; {
	case e.Proof:
		words = append(words, "proof on file")
	case granted:
		words = append(words, "no proof")
	}
	return fmt.Sprintf("%s (event %d)", strings.Join(words, ", "), e.Seq)
}

// explainPast finds the records, by their keyed references, in what earlier nights decided and did, and appends it to the lines of each.
func (ex *explainer) explainPast(ctx context.Context, s *stores.Store, table string, keys []connectors.Key, lines [][]string) error {
	j, err := journal.Open(ctx, ex.setup.State)
	if err != nil {
		return err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 1000)
	if err != nil {
		return err
	}
	refs := map[audit.Ref]int{} // of which key
	for _, g := range s.Governed[table] {
		for _, name := range ex.setup.Keys.Names("audit/" + g.Silo.Silo.Name + "/") {
			epoch := name[strings.LastIndexByte(name, '/')+1:]
			k, err := ex.setup.Keys.AuditKey(g.Silo.Silo.Name, epoch)
			if err != nil {
				return err
			}
			for i, key := range keys {
				refs[audit.Ref(k.Ref(s.System()+"\x1f"+table, []byte(key)))] = i
			}
		}
	}
	for _, r := range slices.Backward(runs) {
		day := policy.DateOf(r.AsOf, ex.setup.Zone)
		path := filepath.Join(ex.setup.State, "runs", r.ID, "decisions.arrow")
		if !state.FileExists(path) {
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
		for rows, err := range report.Actions(ctx, ex.setup, j, r.ID) {
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
