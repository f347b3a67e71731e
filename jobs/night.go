package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"lethe/jobs/config"
	"lethe/jobs/schedule"
	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
)

// night runs one night and prints its result.
func night(ctx context.Context, c *Command, f nightFlags, phases setup.Phases) (err error) {
	measured, err := profile(f.profile)
	if err != nil {
		return err
	}
	defer func() {
		if failed := measured(); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	defer lean()()
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	o, err := f.nightOptions(p, cfg)
	if err != nil {
		return err
	}
	o.Phases = phases
	if phases == setup.ApplyOnly {
		o.Apply = true
	}
	if o.Operator, err = c.operator(ctx, p, cfg, o.Apply, f.as, f.key); err != nil {
		return err
	}
	stop := c.progress(p)
	result, err := pipeline.Run(ctx, p, o)
	stop()
	printResult(c, p, result, o)
	ended(ctx, p.Log, p, cfg, o, result, err)
	if err == nil && f.detailed && len(result.Waiting) > 0 {
		return setup.ErrWaiting
	}
	return err
}

// How much a night holds before garbage is collected at all, and how much of what is held may be garbage beyond that.
const (
	leanBytes   = 144 << 20
	leanPercent = 50
)

// lean has garbage collected when there is half as much of it as of what is held, and not before both together are so
// much that it matters, until the function that it returns is called. GOGC of the environment counts more.
func lean() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	was, stop, stopped := debug.SetGCPercent(leanPercent), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		live, percent := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}, leanPercent
		for {
			metrics.Read(live)
			if now := leanAt(live[0].Value.Uint64()); now != percent {
				percent = now
				debug.SetGCPercent(percent)
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		debug.SetGCPercent(was)
	}
}

// leanAt is at how many percent of garbage it is collected where so much is held: in steps, for each begins anew.
func leanAt(live uint64) int {
	percent := leanPercent
	for percent < 800 && live+live*uint64(2*percent)/100 <= leanBytes {
		percent *= 2
	}
	return percent
}

// operator is who runs a night that applies: whoever is named with their key, or else the configuration's.
func (c *Command) operator(ctx context.Context, p *setup.Setup, cfg *config.Config, apply bool,
	as, key string) (*setup.Witness, error) {
	switch {
	case (as == "") != (key == ""):
		return nil, fmt.Errorf("%w: --as and --key go together", setup.ErrUsage)
	case as == "" && cfg.Operator.Name != "":
		as, key = cfg.Operator.Name, cfg.OperatorKey()
	}
	if as == "" || !apply {
		return nil, nil
	}
	who, err := (&signerFlags{as: as, key: key}).load(ctx, c, p)
	if err != nil {
		return nil, err
	}
	return &who[0], nil
}

// ended tells people and machines how a run ended.
func ended(ctx context.Context, log *slog.Logger, p *setup.Setup, cfg *config.Config, o setup.Options,
	r pipeline.Result, err error) {
	notify(ctx, log, p, cfg, o, r, err)
	measure(ctx, log, p, cfg)
}

// notify tells the targets of the configuration how a night with --apply ended.
func notify(ctx context.Context, log *slog.Logger, p *setup.Setup, cfg *config.Config, o setup.Options,
	r pipeline.Result, err error) {
	if !o.Apply || r.AlreadyDone {
		return
	}
	targets, unusable := cfg.NoticeTargets()
	if unusable != nil {
		log.Warn("no notice was sent", "error", unusable.Error())
		return
	}
	n := schedule.Notice{Controller: p.Controller, Job: o.Job, Host: p.Host, At: p.Now().UTC(), RunID: r.RunID,
		ExitCode: setup.ExitCode(err), Waiting: r.Waiting, Manifest: r.Manifest}
	n.Send(ctx, log, targets)
}

// printResult says what a night found, decided and did, and where the evidence is.
func printResult(c *Command, p *setup.Setup, r pipeline.Result, o setup.Options) {
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
		done = append(done, []string{l.Silo, l.Source, l.Object, fmt.Sprint(l.Rows), l.Change,
			strings.ReplaceAll(l.Status, "_", " "), l.Reason})
	}
	if len(done) > 1 {
		fmt.Fprintln(c.Out)
		table(c.Out, done)
	}
	for _, h := range r.HeldBack {
		by := ""
		if h.Column != "" {
			by = fmt.Sprintf(" (%s)", h.Column)
		}
		fmt.Fprintf(c.Out, "held back: %d rows, %s.%s%s: %s\n", h.Rows, h.Source, h.Object, by, h.Words)
	}
	printCopies(c, r.Copies)
	if !o.Apply {
		fmt.Fprintln(c.Out, "nothing was changed: this run was without --apply")
		for _, s := range p.Silos {
			for i := range s.Silo.Consents {
				if m := &s.Silo.Consents[i]; o.Phases != setup.DiscoverOnly {
					fmt.Fprintf(c.Out, "consents in %s.%s were not read anew, as a night with --apply does first: "+
						"lethe consent import --silo %s --from %[1]s.%[2]s\n", m.Source, m.Table, s.Silo.Name)
				}
			}
		}
	}
	printAsked(c.Out, r.Review, firstAsked, "to answer: lethe review --as NAME, or lethe review --csv > FILE")
	for _, id := range r.Waiting {
		fmt.Fprintf(c.Out, "waits for approval: %s  (lethe plan show %s)\n", id, id)
	}
	if r.Report != "" {
		fmt.Fprintf(c.Out, "report    %s\nmanifest  %s\ncheckpoint  %s\n", relative(r.Report), r.Manifest, r.Checkpoint)
		if r.Unstamped != "" {
			fmt.Fprintln(c.Err, "lethe:", r.Unstamped+"; the next night asks again")
		}
	}
}

// printCopies says how the applications' copies stand.
func printCopies(c *Command, lines []*audit.ConsentSync) {
	rows := [][]string{{"TARGET", "SILO", "SOURCE", "TABLE", "ROWS", "CHANGED", "DRIFT", "STATE"}}
	for _, l := range lines {
		state := "up to date"
		switch {
		case l.Error != "":
			state = l.Error
		case l.AckedSeq < l.HeadSeq:
			state = "not delivered"
		}
		rows = append(rows, []string{l.Target, l.Silo, l.Source, l.Object, fmt.Sprint(l.ExpectedRows),
			fmt.Sprint(l.Changed), fmt.Sprint(l.DriftMissing + l.DriftExtra + l.DriftDifferent), state})
	}
	if len(rows) > 1 {
		fmt.Fprintln(c.Out)
		table(c.Out, rows)
	}
}
