package ask

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// Explain says why records were, or would be, kept or deleted: the rules that govern each, the decision
// on the row as it is now, and what earlier nights did to it. What "now" is, Now says. Of each key it
// returns the lines. It prints no value of a record and writes nothing. Registry and source are opened
// once, and of the registry those silos are verified and loaded that govern the table.
func Explain(ctx context.Context, p *setup.Setup, source, table string,
	keys ...[]string) (answers [][]string, err error) {
	i := slices.IndexFunc(p.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return nil, fmt.Errorf("%w: no source %q", setup.ErrConfig, source)
	}
	s := stores.NewStore(p.Sources[i])
	asked := *p
	asked.Silos = slices.DeleteFunc(slices.Clone(p.Silos), func(silo *policy.Compiled) bool {
		return !slices.ContainsFunc(silo.Silo.Records, func(r policy.Records) bool {
			return r.Source == s.System() && r.Table == table
		})
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
			return nil, fmt.Errorf("%w: the key of %s has %d fields (%s), not %d", setup.ErrConfig, table, len(t.Key),
				strings.Join(t.Key, ", "), len(key))
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
			answers[i] = []string{fmt.Sprintf("no silo governs %s.%s: it is kept, and reported as E_NO_POLICY "+
				"if it holds personal data", source, table)}
		}
		return answers, nil
	}
	if err := s.ReadCarried(ctx, false); err != nil {
		return nil, setup.SourceError(err)
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
func (ex *explainer) explainNow(ctx context.Context, s *stores.Store, table string, t connectors.Table,
	key connectors.Key) ([]string, error) {
	var lines []string
	found := false
	keys := &connectors.Keys{Fields: t.Key, Tuples: []connectors.Key{key}}
	for b, err := range s.Conn.Scan(ctx, connectors.Query{Table: table, Keys: keys}) {
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
				said, err := ex.ruling(ctx, g, g.Rule(b.Rows, row, ex.tonight.AsOf))
				if err != nil {
					return nil, err
				}
				lines = append(lines, said...)
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

// ruling says what a silo decides of a row, by which rules and grounds, and from which events of the
// registry.
func (ex *explainer) ruling(ctx context.Context, g *judge.Judge, r judge.Ruling) (lines []string, err error) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	add("now: silo %s decides %s, use %s: %s (%s, row %s of the decision table; %s)", g.Silo.Silo.Name,
		r.Action, r.Use, r.Reason.Words(), r.Reason, r.Row, r.Reason.Article())
	for _, note := range r.Notes {
		add("     %s: %s (%s)", note, note.Words(), note.Article())
	}
	if g.Via != nil {
		known, shared := g.Others().Count()
		add("     known by %d identifiers in other tables (%s), %d of them of other rows too", known,
			strings.Join(g.Via.Tables(), ", "), shared)
	}
	if r.Rule != "" && !slices.Contains(r.Grounds, r.Rule) {
		add("     rule %s", ruleWords(g.Silo, r.Rule, ex.tonight.AsOf))
	}
	for _, ground := range r.Grounds {
		add("     live ground %s", ruleWords(g.Silo, ground, ex.tonight.AsOf))
	}
	if r.Until.Known() {
		add("     until %s", r.Until)
	}
	if r.Due.Known() {
		add("     ended %s, erasure due %s", r.End, r.Due)
	}
	if !r.Relied {
		return lines, nil
	}

	name := g.Silo.Silo.Name
	events, err := ex.silos.Registry.History(ctx, name, r.Collection, ex.tonight.AsOf, silos.Endings(g.Silo))
	if err != nil {
		return nil, err
	}
	add("     from the registry:")
	for _, e := range events {
		add("       %s", eventWords(e, ex.setup.Zone))
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
	for _, part := range []struct{ before, text string }{
		{"named ", e.Name},
		{"by ", strings.ReplaceAll(e.By, ";", " and ")},
		{"for ", e.Purpose},
		{"under notice ", e.Notice},
		{"by ", e.Method},
		{"told by ", e.Source},
	} {
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
	return strings.Join(words, ", ")
}

// explainPast finds the records, by their keyed references, in what earlier nights decided and did, and
// appends it to the lines of each.
func (ex *explainer) explainPast(ctx context.Context, s *stores.Store, table string, keys []connectors.Key,
	lines [][]string) error {
	refs, err := ex.refsOf(s, table, keys)
	if err != nil {
		return err
	}
	j, err := ex.setup.Journal(ctx)
	if err != nil {
		return err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 1000)
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(runs) {
		if err := ex.explainRun(ctx, j, r, table, refs, lines); err != nil {
			return err
		}
	}
	return nil
}

// refsOf are the references of keys in the reports of all quarters, and of which key each is.
func (ex *explainer) refsOf(s *stores.Store, table string, keys []connectors.Key) (map[audit.Ref]int, error) {
	refs := map[audit.Ref]int{}
	for _, g := range s.Governed[table] {
		for _, name := range ex.setup.Keys.Names("audit/" + g.Silo.Silo.Name + "/") {
			epoch := name[strings.LastIndexByte(name, '/')+1:]
			k, err := ex.setup.Keys.AuditKey(g.Silo.Silo.Name, epoch)
			if err != nil {
				return nil, err
			}
			for i, key := range keys {
				refs[audit.RefOf(k.Ref(s.System()+"\x1f"+table, []byte(key)))] = i
			}
		}
	}
	return refs, nil
}

// explainRun says what one run decided of the records, and did to them.
func (ex *explainer) explainRun(ctx context.Context, j *journal.Journal, r journal.Run, table string,
	refs map[audit.Ref]int, lines [][]string) error {
	path := filepath.Join(ex.setup.State, "runs", r.ID, "decisions.arrow")
	if !state.FileExists(path) {
		return nil
	}
	day := calendar.DateOf(r.AsOf, ex.setup.Zone)
	for rows, err := range spool.Read[audit.Decision](path, ex.setup.Keys) {
		if err != nil {
			break // a night that was cut off
		}
		for _, d := range rows {
			if i, asked := refs[d.Record]; asked {
				lines[i] = append(lines[i], fmt.Sprintf("%s: run %s decided %s in %s, use %s: %s",
					day, r.ID, d.Action, d.Source, d.Use, d.Reason))
				for note := range strings.SplitSeq(d.Notes, ";") {
					if c := reason.Code(note); c != "" {
						lines[i] = append(lines[i], fmt.Sprintf("     %s: %s", c, c.Words()))
					}
				}
			}
		}
	}
	for rows, err := range report.Actions(ctx, ex.setup, j, r.ID) {
		if err != nil {
			return err
		}
		for _, a := range rows {
			if i, asked := refs[a.Record]; asked && a.Object == table {
				lines[i] = append(lines[i], fmt.Sprintf("%s: run %s: %s (%s) in %s %s under plan %s",
					day, r.ID, a.Change, a.Method, a.Source, a.Status, a.PlanID))
			}
		}
	}
	return nil
}
