package jobs

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"lethe/pipeline"
	"lethe/pipeline/journal"
)

// bar shows how far long work has come: a progress bar on a terminal, nothing elsewhere.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

func (c *Command) bar(name string) *bar {
	if !c.terminal() {
		return &bar{}
	}
	p := mpb.New(mpb.WithOutput(c.Err), mpb.WithRefreshRate(120*time.Millisecond))
	return &bar{p, p.AddBar(0, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(name+" ", decor.WCSyncSpaceR), decor.CountersNoUnit("%d / %d rows")),
		mpb.AppendDecorators(decor.AverageSpeed(0, " %.0f rows/s"), decor.Elapsed(decor.ET_STYLE_MMSS)))}
}

// update moves the bar; of is -1 where the total is not known.
func (b *bar) update(rows, of int64) {
	if b.bar == nil {
		return
	}
	b.bar.SetTotal(max(rows, of), false)
	b.bar.SetCurrent(rows)
}

func (b *bar) done() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.progress.Wait()
	}
}

// progress lets the pipeline show how far each source is; the returned function takes the bars away.
func (c *Command) progress(p *pipeline.Pipeline) (stop func()) {
	if !c.terminal() {
		last := ""
		p.Progress = func(phase, source string, rows, of int64) {
			if k := phase + source; k != last {
				last = k
				p.Log.Info(phase, "source", source, "rows_expected", of)
			}
		}
		return func() {}
	}
	var mu sync.Mutex
	bars := map[string]*bar{}
	p.Progress = func(phase, source string, rows, of int64) {
		mu.Lock()
		defer mu.Unlock()
		k := phase + " " + source
		if bars[k] == nil {
			for _, b := range bars {
				b.done()
			}
			clear(bars)
			bars[k] = c.bar(k)
		}
		bars[k].update(rows, of)
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		for _, b := range bars {
			b.done()
		}
		clear(bars)
	}
}

// table aligns columns.
func table(w io.Writer, rows [][]string) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(tw, strings.Join(r, "\t"))
	}
	tw.Flush()
}

// printResult says what a night found, decided and did, and where the evidence is.
func (c *Command) printResult(p *pipeline.Pipeline, r pipeline.Result, o pipeline.Options) {
	if c.json {
		if err := c.printJSON(r); err != nil {
			fmt.Fprintln(c.Err, "lethe:", err)
		}
		return
	}
	if r.AlreadyDone {
		fmt.Fprintf(c.Out, "already done: run %s finished this night; --again runs it once more\n", r.RunID)
		return
	}
	if r.RunID == "" {
		return
	}
	rows := [][]string{{"SILO", "SOURCE", "TABLE", "ROWS", "DECISION", "CHANGE", "WHY"}}
	for _, l := range r.Summary {
		rows = append(rows, []string{l.Silo, l.Source, l.Object, fmt.Sprint(l.Rows), l.Action, l.Change, l.Words})
	}
	if len(rows) > 1 {
		table(c.Out, rows)
	}
	done := [][]string{{"SILO", "SOURCE", "TABLE", "ROWS", "CHANGE", "OUTCOME", "REASON"}}
	for _, l := range r.Settled {
		done = append(done, []string{l.Silo, l.Source, l.Object, fmt.Sprint(l.Rows), l.Change, strings.ReplaceAll(l.Status, "_", " "), l.Reason})
	}
	if len(done) > 1 {
		fmt.Fprintln(c.Out)
		table(c.Out, done)
	}
	c.printCopies(r.Copies)
	if !o.Apply {
		fmt.Fprintln(c.Out, "nothing was changed: this run was without --apply")
		for _, s := range p.Silos {
			for i := range s.Silo.Consents {
				if m := &s.Silo.Consents[i]; o.Phases != pipeline.DiscoverOnly {
					fmt.Fprintf(c.Out, "consents in %s.%s were not read anew, as a night with --apply does first: lethe consent import --silo %s --from %[1]s.%[2]s\n", m.Source, m.Table, s.Silo.Name)
				}
			}
		}
	}
	for _, id := range r.Waiting {
		fmt.Fprintf(c.Out, "waits for approval: %s  (lethe plan show %s)\n", id, id)
	}
	if r.Report != "" {
		fmt.Fprintf(c.Out, "report    %s\nmanifest  %s\n", relative(r.Report), r.Manifest)
	}
}

// showPlans lists the plans, or prints one in full.
func (c *Command) showPlans(ctx context.Context, p *pipeline.Pipeline, id string) error {
	docs, entries, err := p.Plans(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(docs)
	}
	if id == "" {
		rows := [][]string{{"PLAN", "STATE", "PART", "AS OF", "ROWS", "VALID UNTIL"}}
		for i, d := range docs {
			var n int64
			for _, line := range d.Counts {
				n += line.Rows
			}
			rows = append(rows, []string{d.PlanID, entries[i].State, d.Part, d.AsOf.In(p.Zone).Format(time.DateOnly), fmt.Sprint(n), d.ValidUntil.In(p.Zone).Format(time.DateOnly)})
		}
		table(c.Out, rows)
		return nil
	}
	for i, d := range docs {
		if !strings.HasPrefix(d.PlanID, id) && !strings.HasPrefix(entries[i].Digest, id) {
			continue
		}
		if err := c.showPlan(ctx, p, d, entries[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Command) showPlan(ctx context.Context, p *pipeline.Pipeline, d pipeline.PlanDocument, e journal.Plan) error {
	fmt.Fprintf(c.Out, "plan %s (%s), %s, as of %s, valid until %s\ndigest %s\n", d.PlanID, d.Part, e.State, d.AsOf.In(p.Zone).Format(time.DateTime), d.ValidUntil.In(p.Zone).Format(time.DateTime), e.Digest)
	rows := [][]string{{"SILO", "SOURCE", "TABLE", "CHANGE", "ROWS", "OF TABLE", "OLDEST DUE", "REASON"}}
	for _, l := range d.Counts {
		rows = append(rows, []string{l.Silo, l.Source, l.Table, l.Change, fmt.Sprint(l.Rows), fmt.Sprintf("%.1f %%", l.Percent), l.OldestDue, l.Reason})
	}
	table(c.Out, rows)
	for _, q := range d.Questions {
		fmt.Fprintf(c.Out, "question %s: %s\n", q, pipeline.QuestionWords(q))
	}
	if e.State != journal.Waiting {
		return nil
	}
	missing, err := p.WaitsFor(ctx, e.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "waits for: %s\n", strings.Join(missing, ", "))
	return nil
}

// lateWords name what people owe.
var lateWords = map[string]string{"F_REQUEST_OVERDUE": "overdue request", "F_REQUEST_PAUSED": "paused request", "F_HOLD_UNAPPROVED": "unapproved hold", "F_HOLD_REVIEW": "hold to review"}

func (c *Command) printStatus(p *pipeline.Pipeline, s pipeline.Status) {
	when := func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return t.In(p.Zone).Format(time.DateTime)
	}
	rows := [][]string{{"last success", when(s.LastSuccess)}, {"last run", fmt.Sprintf("%s, exit %d", when(s.LastRun), s.LastExit)}}
	if s.LastRun.IsZero() {
		rows[1][1] = "never"
	}
	if s.Interrupted {
		rows = append(rows, []string{"interrupted", "the last run was cut off; the next one settles what it left"})
	}
	if s.Lock != "" {
		rows = append(rows, []string{"lock", s.Lock})
	}
	if s.StopFile {
		rows = append(rows, []string{"stop file", "is there: nothing is changed until it is removed"})
	}
	for _, w := range s.Waiting {
		rows = append(rows, []string{"waiting plan", fmt.Sprintf("%s, %d rows, for %s, until %s", w.PlanID, w.Rows, strings.Join(w.For, " and "), w.ValidUntil.In(p.Zone).Format(time.DateOnly))})
	}
	for _, f := range s.Overdue {
		_, why, _ := strings.Cut(f.Words, ": ")
		rows = append(rows, []string{"overdue", fmt.Sprintf("%s.%s: %d rows: %s", f.Source, f.Object, f.Count, why)})
	}
	for _, c := range s.Copies {
		state := "up to date at " + when(c.At)
		if c.Error != "" {
			state = fmt.Sprintf("%s at %s, %d hours behind", c.Error, when(c.At), c.LagSeconds/3600)
		} else if c.Drift > 0 {
			state += fmt.Sprintf(", %d rows were put right", c.Drift)
		}
		rows = append(rows, []string{"copy", fmt.Sprintf("%s of %s (%s.%s): %s", c.Target, c.Silo, c.Source, c.Object, state)})
	}
	for _, d := range s.Late {
		rows = append(rows, []string{lateWords[d.Kind], fmt.Sprintf("%s in silo %s, late since %s, %d days", d.ID, d.Silo, dayOf(d.Due, p.Zone), d.Days)})
	}
	if s.Registry != "" {
		rows = append(rows, []string{"registry", s.Registry})
	}
	if s.Report != "" {
		rows = append(rows, []string{"report", relative(s.Report)})
	}
	table(c.Out, rows)
}
