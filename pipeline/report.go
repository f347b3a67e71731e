package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
)

// end closes the night: whatever happened, the journal gets its facts and the report is made from them.
func (n *night) end(ctx context.Context, err error) (Result, error) {
	if n == nil {
		return Result{}, err
	}
	err = errors.Join(append(n.problems, err)...)
	if err != nil && ctx.Err() != nil { // what was cut off failed in words of its own, some as if the evidence did not hold; the next start looks again
		err = ctx.Err()
	}
	for _, s := range n.stores {
		if s.open != nil {
			err = errors.Join(err, s.open.Close())
		}
	}
	if n.decisions != nil {
		err = errors.Join(err, n.decisions.Close())
		n.decisions = nil
	}
	if n.folder != "" && n.facts.Run.RunID != "" {
		err = n.conclude(context.WithoutCancel(ctx), err)
	}
	if n.registry != nil {
		err = errors.Join(err, n.registry.Close())
	}
	if n.journal != nil {
		err = errors.Join(err, n.journal.Close())
	}
	if n.lock != nil {
		err = errors.Join(err, n.lock.Close())
	}
	return n.result, err
}

// conclude completes the facts, records the end of the run and publishes the report.
func (n *night) conclude(ctx context.Context, err error) error {
	n.planStates(ctx)
	err = errors.Join(err, n.owed(ctx))
	for _, s := range n.stores {
		if s.err == nil && s.surveyed {
			n.facts.Run.SourcesOK++
			rows := n.inventory(s)
			n.facts.Inventory = append(n.facts.Inventory, rows...)
			n.inspect(s, rows)
		}
	}
	n.inspectPolicy(n.facts.Inventory)
	n.compare()
	settled, serr := n.settledLines(ctx)
	n.overdue(settled)
	n.facts.Run.EndedAt = n.Now()
	n.facts.Run.ExitCode = int32(ExitCode(err))
	n.facts.Run.StopReason = stopReason(err, n.result)
	n.run.EndedAt, n.run.ExitCode = n.facts.Run.EndedAt, int(n.facts.Run.ExitCode)
	runs, rerr := n.journal.Runs(ctx, 60)
	err = errors.Join(err, rerr)
	for _, r := range runs {
		if r.Manifest != "" {
			n.facts.Run.PreviousManifest = r.Manifest
			break
		}
	}
	var merr error
	if n.run.Facts, merr = json.Marshal(n.facts); merr != nil {
		return errors.Join(err, merr)
	}
	if jerr := n.journal.End(ctx, n.run); jerr != nil {
		return errors.Join(err, jerr)
	}
	n.Crash("ended")
	published, perr := n.publish(ctx, n.journal, n.run.ID, n.facts)
	if perr != nil {
		if errors.Is(perr, audit.ErrGate) {
			perr = fmt.Errorf("%w: %w: correct the rule that let it through, then `lethe report --from-journal`", ErrTampered, perr)
		}
		err = errors.Join(err, perr)
		n.run.ExitCode = ExitCode(err)
		return errors.Join(err, n.journal.End(ctx, n.run))
	}
	n.result.Report, n.result.Manifest = published.ReportPath, published.ManifestSHA256
	n.result.Copies = n.facts.ConsentSync
	n.result.Summary, n.result.Settled = n.summaryLines(), settled
	return errors.Join(err, serr)
}

// settledLines counts what the run settled, by place, change and outcome.
func (n *night) settledLines(ctx context.Context) ([]SettledLine, error) {
	counts := map[SettledLine]int64{}
	for rows, err := range n.actions(ctx, n.journal, n.run.ID) {
		if err != nil {
			return nil, err
		}
		for _, a := range rows {
			counts[SettledLine{Silo: a.Silo, Source: a.Source, Object: a.Object, Change: a.Change, Reason: a.Reason, Status: a.Status}]++
		}
	}
	lines := make([]SettledLine, 0, len(counts))
	for l, rows := range counts {
		l.Rows = rows
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b SettledLine) int {
		return cmp.Or(strings.Compare(a.Silo, b.Silo), strings.Compare(a.Source, b.Source), strings.Compare(a.Object, b.Object), strings.Compare(a.Change, b.Change), strings.Compare(a.Reason+a.Status, b.Reason+b.Status))
	})
	return lines, nil
}

// Republish makes the report of a run anew from the journal; "" is the last run.
func (p *Pipeline) Republish(ctx context.Context, runID string) (Result, error) {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return Result{}, err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 1000)
	if err != nil {
		return Result{}, err
	}
	for _, r := range runs {
		if len(r.Facts) == 0 || runID != "" && !strings.HasPrefix(r.ID, runID) {
			continue
		}
		var f audit.Facts
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return Result{}, fmt.Errorf("run %s: %w", r.ID, journal.ErrCorrupt)
		}
		published, err := p.publish(ctx, j, r.ID, f)
		if err != nil {
			return Result{}, err
		}
		return Result{RunID: r.ID, Report: published.ReportPath, Manifest: published.ManifestSHA256}, nil
	}
	return Result{}, fmt.Errorf("%w: the journal has no finished run %q", ErrConfig, runID)
}

func (p *Pipeline) publish(ctx context.Context, j *journal.Journal, runID string, f audit.Facts) (audit.Published, error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return audit.Published{}, err
	}
	published, err := audit.Publish(ctx, audit.Publication{
		Facts: f, Root: p.Reports, Date: calendar.DateOf(f.Run.AsOf, p.Zone).String(), Signer: signer,
		Decisions: audit.ReadSpool[audit.Decision](filepath.Join(p.State, "runs", runID, "decisions.arrow")),
		Actions:   p.actions(ctx, j, runID),
		Gate:      outputGate{p.Catalogue},
		Aside:     func(key string) bool { return strings.Contains(key, journal.SyncOnly+"/") },
	})
	if err != nil {
		return published, err
	}
	return published, j.Publish(ctx, runID, published.ManifestSHA256)
}

// actions projects the settled rows of a run from the segments of its plans and the outcomes of their chunks.
func (p *Pipeline) actions(ctx context.Context, j *journal.Journal, runID string) iter.Seq2[[]audit.Action, error] {
	return func(yield func([]audit.Action, error) bool) {
		plans, err := j.Plans(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, entry := range plans {
			chunks, err := j.Chunks(ctx, entry.ID)
			if err != nil {
				yield(nil, err)
				return
			}
			if !slices.ContainsFunc(chunks, func(c journal.Chunk) bool { return c.RunID == runID && c.Outcome != nil }) {
				continue
			}
			doc, err := openPlan(filepath.Join(p.State, "plans", entry.ID), entry.Digest)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range doc.Groups {
				if !projectGroup(doc, i, chunks, runID, yield) {
					return
				}
			}
		}
	}
}

// projectGroup yields the rows of one group that the run settled. A spooled action carries in Batch the position of its unit; the chunk that covers it has
// the outcomes in the order of the segments.
func projectGroup(doc *plan, group int, chunks []journal.Chunk, runID string, yield func([]audit.Action, error) bool) bool {
	var mine []*progress
	for _, c := range chunks {
		if c.Group == group {
			mine = append(mine, &progress{chunk: c})
		}
	}
	units := int64(0)
	for k, seg := range doc.Groups[group].Segments {
		ownedFrom := int64(-1)
		if seg.Kind == "owned" {
			ownedFrom = units
		}
		if seg.Kind != "dependent" {
			units += seg.Rows
		}
		for rows, err := range audit.ReadSpool[audit.Action](filepath.Join(doc.folder, seg.Actions)) {
			if err != nil {
				return yield(nil, err)
			}
			out := make([]audit.Action, 0, len(rows))
			for i := range rows {
				unit := rows[i].Batch
				if ownedFrom >= 0 {
					unit = ownedFrom
					ownedFrom++
				}
				at, found := slices.BinarySearchFunc(mine, unit, func(p *progress, unit int64) int {
					switch {
					case p.chunk.First+p.chunk.Rows <= unit:
						return -1
					case p.chunk.First > unit:
						return 1
					}
					return 0
				})
				if !found || mine[at].chunk.Outcome == nil {
					continue
				}
				c := mine[at]
				if c.next >= len(c.chunk.Outcome) {
					return yield(nil, fmt.Errorf("plan %s group %d segment %d: %w", doc.PlanID, group, k, journal.ErrCorrupt))
				}
				outcome := c.chunk.Outcome[c.next]
				c.next++
				if c.chunk.RunID != runID {
					continue
				}
				rows[i].Batch, rows[i].At, rows[i].Digest = c.chunk.ID, c.chunk.SettledAt, doc.digest
				rows[i].Status, rows[i].ErrorCode, rows[i].Absent = outcomeWords(outcome)
				out = append(out, rows[i])
			}
			if len(out) > 0 && !yield(out, nil) {
				return false
			}
		}
	}
	return true
}

type progress struct {
	chunk journal.Chunk
	next  int
}

// outcomeWords turns the outcome of a row into what the report says.
func outcomeWords(outcome byte) (status, code string, verified bool) {
	switch outcome {
	case rowDone:
		return "done", "", true
	case rowUnverified:
		return "done", "UNVERIFIED", false
	case rowRecovered:
		return "recovered", "", true
	case rowDrift:
		return "skipped_drift", "", false
	case rowGone:
		return "skipped_drift", "GONE", true
	case rowRefused:
		return "refused", "DATABASE", false
	}
	return "failed", "UNKNOWN", false
}

// outputGate runs the product's own detectors over its own output: no string column may look like personal data, unless its words come from
// the configuration or a catalog.
type outputGate struct{ catalogue *classifiers.Catalogue }

// Check judges the distinct strings of one column of the report.
func (g outputGate) Check(table, column string, values []string) error {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return fmt.Errorf("table %s column %s holds text that is not UTF-8", table, column)
		}
		for _, span := range g.catalogue.Spans(nil, []byte(v)) {
			if gated[span.Category] {
				return fmt.Errorf("table %s column %s looks like %s", table, column, span.Category)
			}
		}
	}
	return nil
}

// gated are the kinds of value that can never belong into a report. Words of the catalog and of the configuration may look like names, cities or numbers.
var gated = map[classifiers.Category]bool{classifiers.Email: true, classifiers.IBAN: true, classifiers.CreditCard: true, classifiers.Secret: true}

// reportPlan turns a sealed plan into rows of the report.
func (n *night) reportPlan(p *plan, state string) {
	for _, c := range p.Counts {
		n.facts.Plans = append(n.facts.Plans, audit.Plan{PlanID: p.PlanID, Part: p.Part, Digest: p.digest, Silo: c.Silo, Source: c.Source, Object: c.Table, Change: c.Change, Reason: c.Reason,
			Rows: c.Rows, PercentOfObject: c.Percent, Usual: n.usual(c), Breakers: strings.Join(p.Questions, ";"), RequiresApproval: p.Part == "destructive" && state == journal.Waiting, ValidUntil: p.ValidUntil, State: state})
	}
}

// planStates brings the report's plans up to date with what became of them, and lists what waits.
func (n *night) planStates(ctx context.Context) {
	entries, err := n.journal.Plans(ctx)
	if err != nil {
		n.problem(err)
		return
	}
	for _, e := range entries {
		state := e.State
		if state == journal.Settled {
			state = "applied"
		}
		known := false
		for i := range n.facts.Plans {
			if n.facts.Plans[i].PlanID == e.ID {
				n.facts.Plans[i].State, known = state, true
			}
		}
		if !known && (e.State == journal.Waiting || e.State == journal.Approved || e.SettledIn == n.run.ID) {
			doc, err := openPlan(filepath.Join(n.State, "plans", e.ID), e.Digest)
			if err != nil {
				n.problem(err)
				continue
			}
			n.reportPlan(doc, state)
		}
		if e.State == journal.Waiting {
			n.result.Waiting = append(n.result.Waiting, e.ID)
		}
	}
}

// overdue finds rows that are past their term and that the night did not erase: approval, a limit or a refusal held them back.
func (n *night) overdue(settled []SettledLine) {
	for _, s := range n.facts.Summary {
		if s.OldestDue == "" || s.OldestDue >= n.today.String() || s.Action != string(policy.Delete) && s.Action != string(policy.Anonymize) || s.Change == "" {
			continue
		}
		left := s.Rows
		for _, l := range settled {
			if l.Silo == s.Silo && l.Source == s.Source && l.Object == s.Object && l.Change == s.Change && l.Reason == s.Reason && (l.Status == "done" || l.Status == "recovered") {
				left -= l.Rows
			}
		}
		if left > 0 {
			n.find(audit.Finding{Kind: "F_OVERDUE", Severity: "medium", Source: s.Source, Object: s.Object, Count: left, Article: "Art. 5(1)(e)",
				Words: fmt.Sprintf("When the night ended, rows were still kept past their term: %s The oldest was due on %s.", s.Words, s.OldestDue)})
		}
	}
}

func (n *night) summaryLines() []SummaryLine {
	var lines []SummaryLine
	for _, s := range n.facts.Summary {
		lines = append(lines, SummaryLine{Silo: s.Silo, Source: s.Source, Object: s.Object, Reason: s.Reason, Words: s.Words, Action: s.Action, Change: s.Change, Rows: s.Rows})
	}
	return lines
}

// ExitCode is the documented exit code of a run that ended with err (decisions.md, 32): of several, the gravest.
func ExitCode(err error) int {
	for _, c := range []struct {
		err  error
		code int
	}{
		{ErrConfig, 2}, {ErrHeld, 11}, {ErrTampered, 12}, {ErrChanged, 12}, {registry.ErrTampered, 12}, {ErrRegistry, 10}, {ErrExpired, 13},
		{ErrUnapproved, 5}, {ErrSource, 3}, {ErrStopped, 3}, {context.Canceled, 130},
	} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	if err != nil {
		return 1
	}
	return 0
}

func stopReason(err error, r Result) string {
	switch code := ExitCode(err); {
	case code == 0 && len(r.Waiting) > 0:
		return "waiting"
	case code == 0:
		return "done"
	case errors.Is(err, ErrStopped):
		return "window_end"
	case code == 5:
		return "breaker"
	case code == 3:
		return "source_failed"
	}
	return "error"
}

func findingID(f audit.Finding) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Kind, f.Source, f.Object, f.Column}, "\x1f")))
	return hex.EncodeToString(sum[:8])
}

// codeNoKey is the exception of rows that cannot be addressed.
const codeNoKey = "E_NO_KEY"

func wordsOf(code string) string {
	if code == codeNoKey {
		return "The row has no usable primary key, so it cannot be addressed and is never changed."
	}
	if words := reason.Code(code).Words(); words != "" {
		return words
	}
	return takenWordsOf(code)
}

func formatHeads(heads []chain.Head) string {
	parts := make([]string, len(heads))
	for i, h := range heads {
		parts[i] = fmt.Sprintf("%s:%d:%x", h.Silo, h.Seq, h.Hash)
	}
	return strings.Join(parts, ";")
}

func parseHeads(text string) (map[string]chain.Head, error) {
	heads := map[string]chain.Head{}
	for _, part := range strings.Split(text, ";") {
		if part == "" {
			continue
		}
		f := strings.Split(part, ":")
		if len(f) < 3 {
			return nil, fmt.Errorf("registry heads of the last run: %w", journal.ErrCorrupt)
		}
		seq, err := strconv.ParseInt(f[len(f)-2], 10, 64)
		hash, herr := hex.DecodeString(f[len(f)-1])
		h := chain.Head{Silo: strings.Join(f[:len(f)-2], ":"), Seq: seq, Count: seq}
		if copy(h.Hash[:], hash) != len(h.Hash) || errors.Join(err, herr) != nil {
			return nil, fmt.Errorf("registry heads of the last run: %w", journal.ErrCorrupt)
		}
		heads[h.Silo] = h
	}
	return heads, nil
}
