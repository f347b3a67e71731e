package pipeline

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
)

// Copy grants a target, one application, what the registry says of that application's own rows: for the purposes of some silos, and only those. The target
// looks there instead of asking the registry.
type Copy struct {
	Target string
	Source string              // the live source whose rows it is about
	Grants map[string][]string // silo: purposes
	Table  bool                // kept as a table, with a view for each purpose, in the source itself
	Files  string              // folder of signed snapshots and what changed between them; "" none
	MaxLag calendar.Period     // a copy that was not brought up to date for longer is a finding; zero: P1D
	Page   int                 // rows of the source, and of the copy, that are compared at a time; 0: 10,000
}

// What a copy says of a row and a purpose.
const (
	copyAllowed = "allowed" // a ground is alive, up to the instant in until
	copyBlocked = "blocked" // none is, or the row may not be used at all
	copyUnknown = "unknown" // the registry cannot tell: the row has no match, or its identifiers are in doubt
)

// copyFields are those of a copy beside the key of the application's table. The seal is a keyed digest of the row, by which one that Lethe did not write is told.
var copyFields = []connectors.Field{
	{Name: "silo", Kind: connectors.Text, Length: 64},
	{Name: "purpose", Kind: connectors.Text, Length: 64},
	{Name: "status", Kind: connectors.Text, Length: 16},
	{Name: "until", Kind: connectors.Timestamp, Nullable: true},
	{Name: "since", Kind: connectors.Date},
	{Name: "seal", Kind: connectors.Text, Length: 32},
}

const copyPrefix = "lethe_"

// isCopy reports whether a table is a copy that Lethe keeps, for this target or another.
func isCopy(t connectors.Table) bool {
	if !strings.HasPrefix(t.Name, copyPrefix) || len(t.Fields) <= len(copyFields) {
		return false
	}
	return slices.EqualFunc(t.Fields[len(t.Fields)-len(copyFields):], copyFields, func(a, b connectors.Field) bool { return a.Name == b.Name })
}

// copyRow is a row of a copy: one record, one purpose.
type copyRow struct {
	record        connectors.Key // of the application's row
	silo, purpose string
	status        string
	until         string // the first instant, in UTC, at which it is not allowed any more: 2006-01-02 15:04:05; "" is open
	since         string // civil date
	seal          [16]byte
}

// id is the row's key in the copy.
func (r copyRow) id() connectors.Key {
	return r.record + connectors.MakeKey([]byte(r.silo), []byte(r.purpose))
}

// holding counts rows and combines their seals in any order.
type holding struct {
	rows, unsound int64 // unsound ones are not in the digest
	foreign       int64 // of the unsound, those that stand for no row of the application
	digest        [16]byte
}

func (h *holding) add(seal [16]byte, sound bool) {
	h.rows++
	if !sound {
		h.unsound++
		return
	}
	for i, b := range seal {
		h.digest[i] ^= b
	}
}

// keeping is a copy at work: one target's rows of one table.
type keeping struct {
	Copy
	night  *night
	store  *store
	keeper connectors.CopyKeeper // nil where no table is kept
	of     connectors.Table
	key    []int               // columns of its key
	groups map[string][]*group // by silo
	table  connectors.Table    // the copy; no name where there is none (yet)
	files  *snapshot           // nil where none are written
	failed error               // why the table could not be kept, where the files were
	list   *suppression        // of those who said no to marketing; nil where there is none, or no purpose is marketing
	was    map[string]registry.Delivery
	clean  map[string]bool               // by silo: the last delivery was acknowledged, so that what the copy holds is known
	lines  map[string]*audit.ConsentSync // by silo
	found  map[string]*holding           // by silo: what the copy held
	wanted map[string]*holding           // and what it should

	builder *connectors.Builder
	silos   []string // sorted
	permits []decide.Permit
}

// sync brings the applications' copies up to the registry's head. Each is compared in full with what the registry says of the rows as they are now, and what
// differs is written; a row of the copy that is not as Lethe left it is reported as drift, and repaired. A copy that cannot be reached stops neither
// the others nor the night: the next one compares in full again.
func (n *night) sync(ctx context.Context) error {
	if n.opts.Phases == DiscoverOnly || n.opts.Phases == PlanOnly {
		return nil
	}
	for _, c := range n.Copies {
		if err := n.syncTarget(ctx, c); err != nil {
			return err
		}
	}
	if !n.opts.Apply {
		return nil
	}
	return n.revoke(ctx)
}

// syncTarget delivers to one target: to its tables, then to its files, and only then is it acknowledged. The error is the registry's.
func (n *night) syncTarget(ctx context.Context, c Copy) (failed error) {
	c.Page = cmp.Or(c.Page, 10_000)
	list, err := n.listFor(ctx, c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	defer func() { failed = errors.Join(failed, list.close()) }()
	keepings := n.keepings(c)
	n.kept = append(n.kept, keepings...)
	files, failure := n.openSnapshot(c)
	errs := make([]error, len(keepings))
	for i, k := range keepings {
		if err := k.recall(ctx); err != nil {
			return err
		}
		k.files, k.list = files, list
		if errs[i] = k.store.err; errs[i] == nil {
			errs[i] = k.deliver(ctx)
		}
		failure = cmp.Or(failure, errs[i])
	}
	failure = files.finish(n, c, failure)
	for i, k := range keepings {
		if !k.Table && k.files != nil && failure == nil { // there was no table to compare with: what changed is what the files say
			for silo, line := range k.lines {
				line.Changed = files.changed[[2]string{k.object(), silo}]
			}
		}
		if k.files != nil {
			errs[i] = cmp.Or(errs[i], failure) // what the snapshot lacks was not delivered
		}
		errs[i] = cmp.Or(errs[i], k.failed)
		if errs[i] == nil {
			errs[i] = k.acknowledge(ctx)
		}
		if err := k.close(ctx, errs[i]); err != nil {
			return err
		}
	}
	return nil
}

// listFor opens the suppression list where a target is granted a purpose that is marketing: who said no in one silo is not allowed by what another one still holds.
func (n *night) listFor(ctx context.Context, c Copy) (*suppression, error) {
	if !slices.ContainsFunc(n.Silos, func(s *policy.Compiled) bool { return slices.ContainsFunc(c.Grants[s.Silo.Name], s.Silo.IsMarketing) }) {
		return nil, nil
	}
	config := n.Registry
	config.ReadOnly = true
	return n.openSuppression(ctx, config, n.asOf)
}

// keepings lists what a target's copy consists of: its tables, those of a source that failed as well, so that their lag is reported.
func (n *night) keepings(c Copy) []*keeping {
	var list []*keeping
	for _, s := range n.stores {
		if s.Name != c.Source {
			continue
		}
		byTable := map[string]*keeping{}
		for _, silo := range slices.Sorted(maps.Keys(c.Grants)) {
			i := slices.IndexFunc(n.Silos, func(p *policy.Compiled) bool { return p.Silo.Name == silo })
			for _, r := range n.Silos[i].Silo.Records {
				if r.Source != s.Name {
					continue
				}
				k := byTable[r.Table]
				if k == nil {
					k = &keeping{Copy: c, night: n, store: s, of: connectors.Table{Name: r.Table}, groups: map[string][]*group{}, was: map[string]registry.Delivery{}, clean: map[string]bool{},
						lines: map[string]*audit.ConsentSync{}, found: map[string]*holding{}, wanted: map[string]*holding{}}
					byTable[r.Table] = k
					list = append(list, k)
				}
				if _, again := k.groups[silo]; again {
					continue
				}
				k.groups[silo] = nil
				for _, g := range s.governed[r.Table] {
					if g.silo.Silo.Name == silo {
						k.groups[silo], k.of, k.key = append(k.groups[silo], g), g.table, g.key
					}
				}
			}
		}
	}
	for _, k := range list {
		k.silos = slices.Sorted(maps.Keys(k.groups))
	}
	return list
}

// recall reads how the copy stood when it was last delivered.
func (k *keeping) recall(ctx context.Context) error {
	n := k.night
	for silo := range k.groups {
		k.lines[silo] = &audit.ConsentSync{Target: k.Target, Silo: silo, Source: k.store.Name, Object: k.of.Name, HeadSeq: n.silos[silo].standings.Head()}
		k.found[silo], k.wanted[silo] = &holding{}, &holding{}
		k.was[silo] = registry.Delivery{Target: k.Target, Object: k.object()}
		deliveries, err := n.registry.Deliveries(ctx, silo)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		for _, d := range deliveries {
			if d.Target == k.Target && d.Object == k.object() {
				k.was[silo], k.clean[silo] = d, d.Attempts == 0 && d.Error == "" && !d.AckedAt.IsZero()
			}
		}
		k.lines[silo].AckedSeq = k.was[silo].AckedSeq
	}
	return nil
}

// close records why a delivery failed, if it did, and puts the copy into the report.
func (k *keeping) close(ctx context.Context, failure error) error {
	n := k.night
	for _, silo := range slices.Sorted(maps.Keys(k.lines)) {
		if n.opts.Apply && failure != nil {
			d := k.was[silo]
			d.Error = syncCode(failure)
			if err := n.registry.PutDelivery(context.WithoutCancel(ctx), silo, d); err != nil {
				return fmt.Errorf("%w: %w", ErrRegistry, err)
			}
		}
		k.report(silo, failure)
	}
	if failure == nil || k.store.err != nil { // what the source itself failed at is said already
		return nil
	}
	if errors.Is(failure, connectors.ErrRefused) {
		n.find(audit.Finding{Kind: "F_SYNC_FOREIGN", Severity: "high", Source: k.store.Name, Object: k.name(), Article: "Art. 5(1)(b)",
			Words: fmt.Sprintf("What stands under the name of the copy for %s, or of one of its views, is not Lethe's and was left alone: whoever reads it may see more than was agreed to. Look at it, and remove it.", k.Target)})
	}
	n.problem(fmt.Errorf("%w: copy of %s for %s: %w", ErrSource, k.object(), k.Target, failure))
	n.Log.Error("copy failed", "run_id", n.run.ID, "target", k.Target, "source", k.Source, "table", k.of.Name, "error", failure)
	return nil
}

// object names the table that a delivery is about.
func (k *keeping) object() string { return k.store.Name + "." + k.of.Name }

// deliver compares and writes. Before the first change the registry holds that a delivery began.
func (k *keeping) deliver(ctx context.Context) error {
	n := k.night
	if err := k.keyed(); err != nil {
		return err
	}
	if err := k.begin(ctx); err != nil {
		return err
	}
	n.Crash("copy_begun")
	if err := (&comparison{keeping: k, ahead: map[connectors.Key]copyRow{}, early: map[connectors.Key]bool{}, most: pagesAhead * k.Page}).run(ctx); err != nil {
		return err
	}
	for _, line := range k.lines {
		k.drift(line)
	}
	n.Crash("copy_written")
	return nil
}

// begin makes sure that the copy is there, and records that a delivery begins.
func (k *keeping) begin(ctx context.Context) error {
	n := k.night
	if !n.opts.Apply {
		if t, ok := k.store.table(k.name()); k.Table && ok && isCopy(t) && len(t.Fields) == len(k.of.Key)+len(copyFields) {
			return k.opened(t)
		}
		return nil
	}
	for silo, d := range k.was {
		d.SentSeq, d.SentAt, d.Attempts = k.lines[silo].HeadSeq, n.asOf, d.Attempts+1
		if err := n.registry.PutDelivery(ctx, silo, d); err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		k.was[silo], k.lines[silo].Attempts = d, d.Attempts
	}
	if !k.Table {
		return nil
	}
	keeper, err := k.keepable()
	if err != nil {
		return k.withoutTable(err)
	}
	k.keeper = keeper
	t, err := keeper.EnsureCopy(ctx, k.copy())
	if errors.Is(err, connectors.ErrOutdated) { // the application changed its key, or a copy had other fields before: nothing is in it that is not known here
		if err = keeper.DropCopy(ctx, k.name()); err == nil {
			t, err = keeper.EnsureCopy(ctx, k.copy())
		}
	}
	if err != nil {
		return k.withoutTable(err)
	}
	return k.opened(t)
}

// keepable is the source as what keeps the copy, if it can.
func (k *keeping) keepable() (connectors.CopyKeeper, error) {
	keeper, ok := k.store.open.(connectors.CopyKeeper)
	if !ok {
		return nil, fmt.Errorf("%w: connector %s cannot keep a table of its own in the source: grant files instead", errors.ErrUnsupported, k.store.Connector)
	}
	return keeper, nil
}

func (k *keeping) copy() connectors.Copy {
	return connectors.Copy{Name: k.name(), Of: k.of, Fields: copyFields, Key: []string{"silo", "purpose"}, Views: k.views()}
}

// keyed refuses a table whose rows a copy could not name.
func (k *keeping) keyed() error {
	if len(k.of.Key) == 0 {
		return fmt.Errorf("table %s has no primary key: the copy could not name its rows", k.of.Name)
	}
	return nil
}

// checkCopy says where a target's copy is kept, or why it could not be.
func (n *night) checkCopy(ctx context.Context, c Copy) (lines []string, err error) {
	var errs []error
	for _, k := range n.keepings(c) {
		if len(k.of.Fields) == 0 { // the table was not looked at, for want of the registry or of the source, which is said already
			continue
		}
		err := k.keyed()
		if err == nil && k.Table {
			var keeper connectors.CopyKeeper
			if keeper, err = k.keepable(); err == nil {
				err = keeper.CheckCopy(ctx, k.copy())
			}
			if errors.Is(err, connectors.ErrOutdated) { // it is made anew
				err = nil
			}
		}
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%w: sync.%s: %w", ErrSource, c.Target, err))
		case k.Table:
			line := fmt.Sprintf("sync %s: table %s has its copy in %s, with the views", c.Target, k.of.Name, k.name())
			for _, v := range k.views() {
				line += " " + v.Name
			}
			lines = append(lines, line)
		}
	}
	if c.Files != "" {
		lines = append(lines, fmt.Sprintf("sync %s: snapshots are written to %s", c.Target, c.Files))
	}
	return lines, errors.Join(errs...)
}

// withoutTable goes on with the files alone where the table could not be kept: what was withdrawn reaches them all the same. The failure is that of the delivery.
func (k *keeping) withoutTable(failure error) error {
	if k.files == nil {
		return failure
	}
	k.failed, k.keeper, k.table = failure, nil, connectors.Table{}
	return nil
}

func (k *keeping) opened(t connectors.Table) (err error) {
	k.table = t
	k.builder, err = connectors.NewBuilder(t, nil)
	return err
}

// name is that of the copy's table: lethe_TARGET_TABLE.
func (k *keeping) name() string { return copyPrefix + k.Target + "_" + k.of.Name }

// views are the purpose-bound views: what a purpose covers of the rows that may be used for it today.
func (k *keeping) views() []connectors.CopyView {
	var views []connectors.CopyView
	for _, silo := range slices.Sorted(maps.Keys(k.groups)) {
		for _, purpose := range k.Grants[silo] {
			name := k.name() + "_" + purpose
			if len(k.groups) > 1 { // rows of several silos in one table
				name = k.name() + "_" + silo + "_" + purpose
			}
			covers, all := k.groups[silo][0].silo.Covers(purpose, k.night.asOf)
			var fields []string
			for _, f := range k.of.Fields {
				if all || slices.Contains(covers, f.Name) || slices.Contains(k.of.Key, f.Name) {
					fields = append(fields, f.Name)
				}
			}
			views = append(views, connectors.CopyView{Name: name, Fields: fields, Where: map[string]string{"silo": silo, "purpose": purpose, "status": copyAllowed}, Until: "until"})
		}
	}
	return views
}

// want says what the copy should hold of the rows of a batch.
func (k *keeping) want(b connectors.Batch) (wanted []copyRow) {
	for row := range int(b.Rows.NumRows()) {
		record, ok := connectors.KeyOf(b.Rows, k.key, row)
		if !ok {
			continue
		}
		for _, silo := range k.silos {
			for _, g := range k.groups[silo] {
				if g.mine(b.Rows, row) {
					wanted = k.wantRow(wanted, g, b, row, record)
				}
			}
		}
	}
	return wanted
}

// wantRow says for each granted purpose whether a row may be used.
func (k *keeping) wantRow(wanted []copyRow, g *group, b connectors.Batch, row int, record connectors.Key) []copyRow {
	n, silo := k.night, g.silo.Silo.Name
	r := g.rule(b.Rows, row, n.asOf)
	if r.Reason == reason.KAnonymized {
		return wanted // nobody's any more
	}
	usable := r.Use == policy.Allowed || r.Use == policy.Limited || r.Reason == reason.KPendingAccess // a request for access changes no use
	k.permits = k.permits[:0]
	if usable {
		k.permits = decide.Permits(g.silo, g.record, n.asOf, k.permits)
	}
	for _, purpose := range k.Grants[silo] {
		c := copyRow{record: record, silo: silo, purpose: purpose, status: copyBlocked}
		if at := slices.IndexFunc(k.permits, func(p decide.Permit) bool { return p.Purpose == purpose }); at >= 0 && (!g.silo.Silo.IsMarketing(purpose) || k.list.admits(g, b.Rows, row, purpose)) {
			c.status = copyAllowed
			if ends := k.permits[at].Ends; !ends.IsZero() {
				c.until = ends.UTC().Format(time.DateTime) // a part of a second is cut off: rather too early than too late
			}
		} else if !usable && !r.WritesBlock() {
			c.status = copyUnknown
		}
		wanted = append(wanted, c)
	}
	return wanted
}

func (k *keeping) write(ctx context.Context, put []copyRow, gone []connectors.Key) error {
	if k.keeper == nil || len(put)+len(gone) == 0 {
		return nil
	}
	k.night.Crash("copy_page")
	for _, r := range put {
		values, err := r.record.Values()
		if err != nil {
			return err
		}
		until := []byte(r.until)
		for i, v := range append(values, []byte(r.silo), []byte(r.purpose), []byte(r.status), until, []byte(r.since), hex.AppendEncode(nil, r.seal[:])) {
			if i == len(values)+3 && r.until == "" {
				k.builder.AppendNull(i)
				continue
			}
			k.builder.Append(i, v)
		}
		k.builder.EndRow()
	}
	rows := k.builder.Batch("").Rows
	for attempt := 1; ; attempt++ {
		err := k.keeper.WriteCopy(ctx, k.table, rows, gone)
		if !errors.Is(err, connectors.ErrTransient) || attempt == 5 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * 100 * time.Millisecond):
		}
	}
}

// read takes a batch of the copy apart.
func (k *keeping) read(b connectors.Batch) []copyRow {
	rows := make([]copyRow, b.Rows.NumRows())
	first := len(k.of.Key)
	record := make([]int, first)
	for i := range record {
		record[i] = i
	}
	text := func(column, row int) string {
		col := b.Rows.Column(first + column).(*array.Binary)
		if col.IsNull(row) {
			return ""
		}
		return string(col.Value(row))
	}
	for row := range rows {
		r := &rows[row]
		r.record, _ = connectors.KeyOf(b.Rows, record, row)
		r.silo, r.purpose, r.status, r.until, r.since = text(0, row), text(1, row), text(2, row), text(3, row), text(4, row)
		if seal, err := hex.DecodeString(text(5, row)); err == nil && len(seal) == len(r.seal) {
			r.seal = [16]byte(seal)
		}
	}
	return rows
}

// seal is the keyed digest of a row, under the silo's key.
func (k *keeping) seal(r copyRow) (seal [16]byte) {
	content := r.record + connectors.MakeKey([]byte(r.purpose), []byte(r.status), []byte(r.until), []byte(r.since))
	ref := k.groups[r.silo][0].match.Fixed("copy of "+k.Target+" "+k.object(), []byte(content))
	copy(seal[:], ref[:])
	return seal
}

// booked is the silo under which a row is counted: its own, or the first where somebody wrote one of a silo that is not granted.
func (k *keeping) booked(r copyRow) string {
	if _, granted := k.groups[r.silo]; granted {
		return r.silo
	}
	return k.silos[0]
}

// acknowledge records that the copy holds what it should: every change of it was committed.
func (k *keeping) acknowledge(ctx context.Context) error {
	n := k.night
	if !n.opts.Apply {
		return nil
	}
	for silo, line := range k.lines {
		want := k.wanted[silo]
		d := registry.Delivery{Target: k.Target, Object: k.object(), SentSeq: line.HeadSeq, AckedSeq: line.HeadSeq, Rows: want.rows, Digest: want.digest, SentAt: n.asOf, AckedAt: n.asOf}
		if err := n.registry.PutDelivery(ctx, silo, d); err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		k.was[silo], line.AckedSeq, line.Attempts = d, d.AckedSeq, 0
	}
	n.Crash("copy_acknowledged")
	return nil
}

// drift compares what was found in a copy with what it was known to hold: rows that are missing, that Lethe never wrote, or that are not as it left them. What a
// delivery that was cut off wrote is no drift; of such a copy only the seals can be judged.
func (k *keeping) drift(line *audit.ConsentSync) {
	if k.failed != nil { // nobody knows how much of it was seen
		return
	}
	was, found, want := k.was[line.Silo], k.found[line.Silo], k.wanted[line.Silo]
	line.LocalRows, line.CopyDigest, line.LastCompare = found.rows, found.digest[:], k.night.asOf
	line.ExpectedRows, line.ExpectedDigest = want.rows, want.digest[:]
	if !k.clean[line.Silo] {
		line.DriftDifferent = found.unsound
		return
	}
	if !k.Table { // files alone: they are checked when the next ones are written
		return
	}
	line.DriftMissing, line.DriftExtra = max(0, was.Rows-found.rows+found.foreign), max(found.foreign, found.rows-was.Rows)
	line.DriftDifferent = max(0, found.unsound-line.DriftExtra)
	if line.DriftMissing+line.DriftExtra+line.DriftDifferent == 0 && found.digest != was.Digest {
		line.DriftDifferent = 1 // at least: a row that Lethe once wrote is back
	}
}

// report puts a copy's line into the report, with findings where it drifted or lags.
func (k *keeping) report(silo string, err error) {
	n, line, was := k.night, k.lines[silo], k.was[silo]
	line.Error = syncCode(err)
	maxLag := k.MaxLag
	if maxLag.IsZero() {
		maxLag = calendar.Period{Days: 1}
	}
	since := was.AckedAt
	if since.IsZero() {
		since = n.asOf
	}
	acked := calendar.DateOf(since, n.Zone)
	line.MaxLagSeconds = int64(calendar.EndOf(acked, maxLag)-acked) * 86400
	if line.AckedSeq < line.HeadSeq || err != nil {
		line.LagSeconds = int64(n.asOf.Sub(since).Seconds())
	}
	n.bookSync(line)
	if drifted := line.DriftMissing + line.DriftExtra + line.DriftDifferent; drifted > 0 {
		n.find(audit.Finding{Kind: "F_SYNC_DRIFT", Severity: "high", Source: k.store.Name, Object: k.name(), Count: drifted, Article: "Art. 5(1)(f)",
			Words: fmt.Sprintf("The copy of the consents of silo %s was not as Lethe left it: %d rows missing, %d added, %d altered. %s", silo, line.DriftMissing, line.DriftExtra, line.DriftDifferent, repaired(n.opts.Apply, err))})
	}
	if err != nil && calendar.EndOf(acked, maxLag) < n.today {
		n.find(audit.Finding{Kind: "F_SYNC_LAG", Severity: "high", Source: k.store.Name, Object: k.name(), Article: "Art. 7(3)",
			Words: fmt.Sprintf("%s works with consents of silo %s as of %s: the copy could not be brought up to date since.", k.Target, silo, acked)})
	}
}

// bookSync puts a line into the report; that of a second delivery in one night takes up what the first one said.
func (n *night) bookSync(line *audit.ConsentSync) {
	for i, l := range n.facts.ConsentSync {
		if l.Target == line.Target && l.Silo == line.Silo && l.Source == line.Source && l.Object == line.Object {
			line.Changed += l.Changed
			line.DriftMissing, line.DriftExtra, line.DriftDifferent = line.DriftMissing+l.DriftMissing, line.DriftExtra+l.DriftExtra, line.DriftDifferent+l.DriftDifferent
			n.facts.ConsentSync[i] = line
			return
		}
	}
	n.facts.ConsentSync = append(n.facts.ConsentSync, line)
}

func repaired(apply bool, err error) string {
	if apply && err == nil {
		return "It was repaired."
	}
	return "It is not repaired yet."
}

// syncCode names in a word why a delivery failed.
func syncCode(err error) string {
	if err == nil {
		return ""
	}
	for _, c := range []struct {
		err  error
		code string
	}{{connectors.ErrUnreachable, "E_UNREACHABLE"}, {connectors.ErrDenied, "E_DENIED"}, {connectors.ErrTransient, "E_TRANSIENT"}, {connectors.ErrRefused, "E_REFUSED"},
		{connectors.ErrSchemaChanged, "E_SCHEMA_CHANGED"}, {errors.ErrUnsupported, "E_UNSUPPORTED"}, {context.Canceled, "E_CANCELLED"}} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return "E_FAILED"
}

// syncErased delivers anew where the night erased rows: they are in no copy either.
func (n *night) syncErased(ctx context.Context) error {
	for _, c := range n.Copies {
		if slices.ContainsFunc(n.stores, func(s *store) bool { return s.Name == c.Source && s.erased && s.err == nil }) {
			if err := n.syncTarget(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// revoke drops the copies of targets that are granted nothing any more.
func (n *night) revoke(ctx context.Context) error {
	granted := func(silo, target, object string) bool {
		return slices.ContainsFunc(n.kept, func(k *keeping) bool {
			_, has := k.groups[silo]
			return has && k.Target == target && k.object() == object
		})
	}
	for _, silo := range slices.Sorted(maps.Keys(n.silos)) {
		deliveries, err := n.registry.Deliveries(ctx, silo)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		for _, d := range deliveries {
			if granted(silo, d.Target, d.Object) {
				continue
			}
			if err := n.dropCopy(ctx, d); err != nil {
				n.problem(fmt.Errorf("%w: copy of %s for %s, which is no longer granted: %w", ErrSource, d.Object, d.Target, err))
				continue
			}
			if err := n.registry.DropDelivery(ctx, silo, d.Target, d.Object); err != nil {
				return fmt.Errorf("%w: %w", ErrRegistry, err)
			}
		}
	}
	return nil
}

// dropCopy drops the table of a delivery, unless another silo's rows are still granted there: those of this one are gone by then.
func (n *night) dropCopy(ctx context.Context, d registry.Delivery) error {
	source, table, _ := strings.Cut(d.Object, ".")
	if slices.ContainsFunc(n.kept, func(k *keeping) bool { return k.Table && k.Target == d.Target && k.object() == d.Object }) {
		return nil
	}
	i := slices.IndexFunc(n.stores, func(s *store) bool { return s.Name == source })
	if i < 0 {
		return nil // the source left the configuration with all it holds
	}
	if n.stores[i].err != nil {
		return n.stores[i].err
	}
	if keeper, ok := n.stores[i].open.(connectors.CopyKeeper); ok {
		return keeper.DropCopy(ctx, copyPrefix+d.Target+"_"+table)
	}
	return nil
}

// page reads one batch of a query and hands it over; next is "" when there was none. The scan is over when page returns, so that what was read may be written to.
func page(ctx context.Context, source connectors.Source, q connectors.Query, do func(connectors.Batch) error) (next connectors.Cursor, err error) {
	for b, err := range source.Scan(ctx, q) {
		if err != nil {
			return "", err
		}
		if b.Rows.NumRows() == 0 {
			continue
		}
		return b.Next, do(b)
	}
	return "", nil
}
