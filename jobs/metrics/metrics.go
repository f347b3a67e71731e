// Package metrics is how the nights stand as numbers, for Prometheus: a Reading is what the journal and the last nights'
// facts say, WriteFile puts it where the node exporter reads text files, and Handler answers who scrapes. Labels hold
// names of the configuration and codes, never an identifier. Only the ends of nights move it: one that cannot even begin
// leaves the last success as it was, so that its age tells.
package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"lethe/pipeline/ask"
	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Reading is one look at how the nights stand.
type Reading struct {
	Status ask.Status
	Last   audit.Facts // of the newest run that ended
	Night  audit.Facts // of the newest that read the sources
	Now    time.Time
}

// lookBack is among how many runs the newest night is looked for.
const lookBack = 100

// Read looks at the journal. What people owe is asked of the registry, which may not answer: then it is left out.
func Read(ctx context.Context, p *setup.Setup) (r Reading, err error) {
	r.Now = p.Now()
	if r.Status, err = ask.StatusOf(ctx, p); err != nil && r.Status.Waiting == nil && r.Status.Journal == "" {
		return r, err
	}
	j, openErr := p.Journal(ctx)
	if openErr != nil {
		return r, openErr
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	runs, err := j.Runs(ctx, lookBack)
	if err != nil {
		return r, err
	}
	last, lastErr := state.Newest(runs, func(*audit.Facts) bool { return true })
	night, nightErr := state.Newest(runs, func(f *audit.Facts) bool { return len(f.Summary) > 0 && f.Run.Night == "" })
	if last != nil {
		r.Last = *last
	}
	if night != nil {
		r.Night = *night
	}
	return r, errors.Join(lastErr, nightErr)
}

// WriteFile writes a reading to a file of the node exporter's folder, whole or not at all.
func (r Reading) WriteFile(path string) error {
	if !strings.HasSuffix(path, ".prom") {
		return fmt.Errorf("%w: metrics.file %s: the node exporter reads files that end in .prom", setup.ErrConfig, path)
	}
	registry, err := r.registry()
	if err != nil {
		return err
	}
	return prometheus.WriteToTextfile(path, registry)
}

// Write writes a reading in the text format of Prometheus.
func (r Reading) Write(w io.Writer) error {
	registry, err := r.registry()
	if err != nil {
		return err
	}
	families, err := registry.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	return nil
}

// Handler answers a scrape with a reading that is made for it.
func Handler(read func(context.Context) (Reading, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r, err := read(q.Context())
		var registry *prometheus.Registry
		if err == nil {
			registry, err = r.registry()
		}
		if err != nil {
			http.Error(w, "the journal cannot be read: `lethe status` says why", http.StatusServiceUnavailable)
			return
		}
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, q)
	})
}

// registry holds the reading as gauges: each is how things stand, and goes where its last value goes.
func (r Reading) registry() (*prometheus.Registry, error) {
	g := gauges{registry: prometheus.NewRegistry()}
	g.nights(r)
	g.rows(r.Night)
	g.owed(r)
	g.copies(r.Night)
	return g.registry, g.err
}

// gauges collects them.
type gauges struct {
	registry *prometheus.Registry
	err      error
}

// family is a gauge with labels, whose values are set one by one.
func (g *gauges) family(name, help string, labels ...string) func(value float64, of ...string) {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "lethe", Name: name, Help: help}, labels)
	g.err = errors.Join(g.err, g.registry.Register(vec))
	return func(value float64, of ...string) { vec.WithLabelValues(of...).Add(value) }
}

func stamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// nights says when they ended, and how.
func (g *gauges) nights(r Reading) {
	g.family("last_success_timestamp_seconds", "When the last night with --apply ended well; 0 never.")(
		stamp(r.Status.LastSuccess))
	g.family("last_completion_timestamp_seconds", "When the last run ended, however it did; 0 never.")(
		stamp(r.Last.Run.EndedAt))
	g.family("last_exit_code", "Exit code of the last run; -1 it was cut off, or there was none.")(
		float64(r.Status.LastExit))
	if run := r.Night.Run; !run.EndedAt.IsZero() {
		g.family("run_duration_seconds", "How long the last whole night took.")(run.EndedAt.Sub(run.StartedAt).Seconds())
		g.family("sources_failed", "Sources that the last whole night could not read to their end.")(
			float64(run.SourcesFailed))
	}
	running := 0.0
	if r.Status.Running != nil {
		running = 1
	}
	g.family("running", "1 while a night is at work.")(running)
	pending := g.family("plan_pending_seconds", "For how long the oldest plan has waited for people; 0 none does.")
	oldest := r.Now
	for _, w := range r.Status.Waiting {
		if w.SealedAt.Before(oldest) {
			oldest = w.SealedAt
		}
	}
	pending(r.Now.Sub(oldest).Seconds())
	g.family("audit_log_nights_uncosigned", "Nights in the log since the last cosignature.")(float64(r.Status.Log.Nights))
}

// rows says what the last night decided.
func (g *gauges) rows(f audit.Facts) {
	scanned := g.family("rows_scanned", "Rows that the last whole night read, of all sources.")
	scanned(float64(f.Run.RowsScanned))
	decided := g.family("decisions", "Rows by decision, of the last whole night.", "silo", "action", "use")
	overdue := g.family("overdue_rows", "Live rows without a ground that are due and stand there.", "silo")
	ungrounded := g.family("rows_without_ground", "Live rows that no ground covers, those in their grace too.", "silo")
	for _, s := range f.Summary {
		decided(float64(s.Rows), s.Silo, s.Action, s.Use)
	}
	for _, s := range f.Silos {
		overdue(float64(s.Waiting+s.NotDone), s.Silo)
		ungrounded(float64(s.InGrace+s.Waiting+s.NotDone), s.Silo)
	}
	exceptions := g.family("exceptions", "Rows that somebody has to look at, by code.", "silo", "code")
	for _, x := range f.Exceptions {
		exceptions(float64(x.Count), x.Silo, x.Code)
	}
	tripped := g.family("breaker_tripped", "Limits that stopped a table in the last whole night.", "source", "code")
	findings := g.family("findings", "What somebody should look at, by kind.", "kind", "severity")
	for _, x := range f.Findings {
		if strings.HasPrefix(x.Kind, "B_") {
			tripped(1, x.Source, x.Kind)
		}
		findings(1, x.Kind, x.Severity)
	}
}

// owed says what people owe.
func (g *gauges) owed(r Reading) {
	open := g.family("requests_open", "Requests of people that are not answered.", "silo", "kind")
	due := g.family("requests_due_seconds", "Until the end of the day on which the next answer is due; below 0 it is late.")
	next := time.Duration(0)
	asked := false
	for _, q := range r.Last.Requests {
		if !q.ClosedAt.IsZero() {
			continue
		}
		open(1, q.Silo, q.Kind)
		day, err := time.Parse(time.DateOnly, cmp.Or(q.ExtendedTo, q.DueOn))
		if err != nil {
			continue
		}
		if left := day.AddDate(0, 0, 1).Sub(r.Now); !asked || left < next {
			next, asked = left, true
		}
	}
	if asked {
		due(next.Seconds())
	}
	g.family("late", "Requests and holds whose term or review is over.")(float64(len(r.Status.Late)))
}

// copies says how what lies elsewhere stands: backups, and applications' copies of consents.
func (g *gauges) copies(f audit.Facts) {
	pending := g.family("backup_tombstones_pending", "Rows in backups that should be gone and are not yet.", "application")
	late := g.family("backups_overdue", "Backup files that should have been rewritten, or gone, by now.", "application")
	for _, b := range f.Backups {
		pending(float64(b.Pending), b.Application)
		if b.Status == "overdue" {
			late(1, b.Application)
		}
	}
	lag := g.family("sync_lag_seconds", "Since an application's copy of consents was last known to be whole.", "target", "silo")
	drift := g.family("sync_drift_rows", "Rows of such a copy that somebody else had changed.", "target", "silo")
	for _, c := range f.ConsentSync {
		lag(float64(c.LagSeconds), c.Target, c.Silo)
		drift(float64(c.DriftMissing+c.DriftExtra+c.DriftDifferent), c.Target, c.Silo)
	}
}
