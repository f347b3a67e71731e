package ask

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/duties"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/orders"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Status is where the nights stand.
type Status struct {
	LastSuccess time.Time       `json:"last_success"` // end of a night that applied and did all it may; zero: never
	LastRun     time.Time       `json:"last_run"`     // when the last run began that is not at work now
	LastExit    int             `json:"last_exit"`    // -1: it was cut off, or there was none
	LastRunID   string          `json:"last_run_id"`
	Report      string          `json:"report"`
	Running     *Running        `json:"running"` // null: no night is at work
	Lock        string          `json:"lock"`    // who holds it, and for what; "" nobody
	StopFile    bool            `json:"stop_file"`
	Waiting     []WaitingPlan   `json:"waiting"`
	Overdue     []audit.Finding `json:"overdue"`
	SetAside    []SetAside      `json:"set_aside"`
	Interrupted bool            `json:"interrupted"` // the last run was cut off
	Copies      []CopyStatus    `json:"copies"`      // how the applications' copies stood after the last delivery
	Late        []duties.Duty   `json:"late"`        // what people owe
	Orders      []OrderStatus   `json:"orders"`      // that are not in force, or soon are not
	Policy      string          `json:"policy"`      // who must still adopt it; "" nobody, or nobody adopted one yet
	Log         Log             `json:"log"`         // of nights: how it stands, and who cosigned it
	Journal     string          `json:"journal"`     // why it, or what people answered, is not whole; "" it is
	Registry    string          `json:"registry"`    // why the registry could not be asked for it; "" it could
}

// Log is how the log of nights stands.
type Log struct {
	Checkpoint string    `json:"checkpoint"`  // the newest, SIZE:ROOT; "" there is none
	CosignedBy string    `json:"cosigned_by"` // "" nobody ever did
	CosignedAt time.Time `json:"cosigned_at"`
	Nights     int       `json:"nights"` // that were published since
	Late       bool      `json:"late"`
	Words      string    `json:"words"`
}

// sayLog says how the log of nights stands. What is wrong with it is the next night's, and of audit verify, to say.
func (s *Status) sayLog(p *setup.Setup) {
	standing, err := chronicle.Stand(p)
	if err != nil {
		s.Log.Words = "it cannot be read: " + err.Error()
		return
	}
	if standing.Checkpoint.Size == 0 {
		return
	}
	s.Log = Log{standing.Checkpoint.String(), standing.By, standing.At, standing.Nights, standing.Late(),
		standing.Words(p.Zone)}
}

// SetAside are rows that a database refused to change, until their next try.
type SetAside struct {
	Source  string    `json:"source"`
	Object  string    `json:"object"`
	Class   string    `json:"class"` // FOREIGN_KEY, TRIGGER, ...
	By      string    `json:"by"`    // the constraint, field or table that refused; "" where the engine names none
	Rows    int64     `json:"rows"`
	Since   time.Time `json:"since"`
	NextTry time.Time `json:"next_try"`
}

// setAsideOf counts rows that are set aside by what refused them and when they are tried again.
func setAsideOf(list []journal.Refusal) (counts []SetAside) {
	for _, r := range list {
		line := SetAside{Source: r.Aside.Source, Object: r.Aside.Table, Class: r.Class, By: r.By, Since: r.At,
			NextTry: r.NextTry}
		i := slices.IndexFunc(counts, func(c SetAside) bool { line.Rows = c.Rows; return c == line })
		if i < 0 {
			line.Rows, i = 0, len(counts)
			counts = append(counts, line)
		}
		counts[i].Rows++
	}
	return counts
}

// Running is a night that is at work.
type Running struct {
	RunID string    `json:"run_id"`
	Since time.Time `json:"since"`
}

// OrderStatus says of a standing order what keeps it from being in force, or that it soon ends.
type OrderStatus struct {
	Order string `json:"order"` // the beginning of its digest
	Silo  string `json:"silo"`
	Words string `json:"words"`
}

// ordersOf are those of the standing orders that somebody has to look at.
func ordersOf(all []orders.Standing, adopted bool) (list []OrderStatus) {
	for _, s := range all {
		words := "is not in force: " + s.Why()
		switch {
		case s.Why() == "" && !adopted:
			words = "is signed, and lets nothing go until the policy is adopted: `lethe policy adopt`"
		case s.Why() == "" && !s.Ends:
			continue
		case s.Why() == "":
			words = fmt.Sprintf("ends on %s: write a later day and sign it with `lethe order sign`", s.Order.Until)
		}
		list = append(list, OrderStatus{s.Name(), s.Order.Silo, words})
	}
	return list
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
			copies = append(copies, CopyStatus{
				Target: l.Target, Silo: l.Silo, Source: l.Source, Object: l.Object, At: f.Run.AsOf,
				LagSeconds: l.LagSeconds, Error: l.Error,
				Drift: l.DriftMissing + l.DriftExtra + l.DriftDifferent,
			})
		}
		return copies
	}
	return nil
}

// WaitingPlan is a plan that waits, and for whom; also one that is approved and cannot be applied.
type WaitingPlan struct {
	PlanID     string    `json:"plan_id"`
	Rows       int64     `json:"rows"`
	SealedAt   time.Time `json:"sealed_at"`
	ValidUntil time.Time `json:"valid_until"`
	Questions  []string  `json:"questions"`
	For        []string  `json:"for"`
}

// StatusOf reads where the nights stand, from the journal and the registry. Of plans that cannot be used the status
// says so, and the error says why ([setup.ErrChanged], [setup.ErrTampered]).
func StatusOf(ctx context.Context, p *setup.Setup) (Status, error) {
	s := Status{LastExit: -1}
	j, err := p.Journal(ctx)
	if err != nil {
		return s, err
	}
	defer j.Close()
	nights, err := j.Nights(ctx, 100)
	if err != nil {
		return s, err
	}
	s.Lock = state.LockHolder(p)
	s.sayNights(nights)
	newest, err := j.Runs(ctx, 100)
	if err != nil {
		return s, err
	}
	s.Copies = copiesOf(newest)
	aside, err := j.SetAside(ctx, p.Now(), p.PolicyDigest)
	if err != nil {
		return s, err
	}
	s.SetAside = setAsideOf(aside)

	if path := filepath.Join(p.Reports, "report.html"); state.FileExists(path) {
		s.Report = path
	}
	s.StopFile = state.FileExists(filepath.Join(p.State, "stop"))
	s.sayLog(p)
	s.Late, s.Registry = duties.LateNow(ctx, p)

	whole := state.Whole(ctx, p, j)
	if whole == nil {
		whole = state.Untouched(ctx, p, j)
	}
	if whole == nil {
		_, whole = state.Answers(ctx, p, j)
	}
	if whole != nil {
		s.Journal = whole.Error()
	}
	return s, errors.Join(whole, s.sayPlans(ctx, p, j), s.sayOrders(ctx, p, j))
}

// sayOrders lists the standing orders that somebody has to look at, and says where the policy is not adopted. A
// chain that does not hold is said of the plans.
func (s *Status) sayOrders(ctx context.Context, p *setup.Setup, j *journal.Journal) error {
	b, err := answers.Open(ctx, j, p.Reports)
	if err != nil {
		return nil //nolint:nilerr // as said above
	}
	all, err := orders.Look(p, b.Chain)
	s.Orders = ordersOf(all, p.Adopted == p.PolicyDigest)
	if err != nil || p.Adopted == "" || p.Adopted == p.PolicyDigest {
		return err
	}
	missing, err := adopted.Missing(p, b.Chain)
	s.Policy = fmt.Sprintf("the configuration's is another one than people adopted; it lacks %s: see what differs, "+
		"and adopt it, with `lethe policy adopt`", strings.Join(missing, " and "))
	return err
}

// sayPlans lists the plans that wait for people. The error says why some cannot be used.
func (s *Status) sayPlans(ctx context.Context, p *setup.Setup, j *journal.Journal) error {
	plans, err := plan.List(ctx, p, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range plans {
		missing, err := plan.StillMissing(ctx, p, j, d.PlanID)
		if err != nil {
			errs = append(errs, err)
			missing = []string{"somebody who discards it: it cannot be used"}
		} else if d.Entry.State == journal.Approved {
			continue // the next night applies it
		}
		w := WaitingPlan{PlanID: d.PlanID, SealedAt: d.Entry.CreatedAt, ValidUntil: d.ValidUntil,
			Questions: d.Questions, For: missing}
		for _, c := range d.Counts {
			w.Rows += c.Rows
		}
		s.Waiting = append(s.Waiting, w)
	}
	return errors.Join(errs...)
}

// sayNights says of the newest of the nights that is not at work how it ended and what it found overdue, and which
// was the last whole one that succeeded.
func (s *Status) sayNights(nights []journal.Run) {
	if len(nights) > 0 && nights[0].EndedAt.IsZero() && strings.HasSuffix(s.Lock, nights[0].ID) {
		s.Running = &Running{nights[0].ID, nights[0].StartedAt}
		nights = nights[1:]
	}
	if len(nights) == 0 {
		return
	}
	last := nights[0]
	s.LastRun, s.LastExit, s.LastRunID = last.StartedAt, last.ExitCode, last.ID
	s.Interrupted = last.EndedAt.IsZero()
	// one that was cut off said nothing yet: the page is of the one before
	if i := slices.IndexFunc(nights, func(r journal.Run) bool { return len(r.Facts) > 0 }); i >= 0 {
		f, _ := state.FactsOf(nights[i]) // what cannot be read is the next night's to say
		whole, days := figures.With(f)
		for _, x := range whole.Findings {
			if x.Kind != "F_OVERDUE" {
				continue
			}
			if day := days[x.Source]; day != "" && f.Run.Night == "" {
				x.Words += " The source was last read on " + day + "."
			}
			s.Overdue = append(s.Overdue, x)
		}
	}

	if whole := slices.IndexFunc(nights, succeeded); whole >= 0 {
		s.LastSuccess = nights[whole].EndedAt
	}
}

// succeeded reports whether a run was a whole night with --apply that did all it may: it ended with 0, or with 5 for
// nothing but what waits for people, who have seven days. A night that left a table out, since too many of its rows
// are unknown or cannot be read, or that could not read a source, ends with 5 too where something waits, and did not.
func succeeded(r journal.Run) bool {
	switch {
	case !strings.Contains(r.Key, "/apply/") || r.EndedAt.IsZero():
		return false
	case r.ExitCode != setup.ExitCode(setup.ErrUnapproved):
		return r.ExitCode == 0
	}
	f, err := state.FactsOf(r)
	return err == nil && f.Run.SourcesFailed == 0 && !slices.ContainsFunc(f.Findings, func(x audit.Finding) bool {
		return x.Kind == notes.StopNoMatch || x.Kind == notes.StopUnparseable
	})
}
