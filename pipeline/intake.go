package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Intake brings events into the registry: from files, one by one, and from the tables in which applications keep consents themselves. All of them
// pass the suppression list.
type Intake struct {
	*Pipeline
	registry *registry.Registry
	list     *suppression
	now      time.Time
	owned    bool // the registry was opened for it
}

// OpenIntake opens the registry to write, also an empty one.
func (p *Pipeline) OpenIntake(ctx context.Context) (*Intake, error) {
	config := p.Registry
	config.AllowEmpty, config.Now = true, p.Now
	r, err := registry.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	in, err := p.intake(ctx, r, config, p.Now())
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	in.owned = true
	return in, nil
}

func (p *Pipeline) intake(ctx context.Context, r *registry.Registry, config registry.Config, now time.Time) (*Intake, error) {
	list, err := p.openSuppression(ctx, config, now)
	return &Intake{Pipeline: p, registry: r, list: list, now: now}, err
}

// Close closes what was opened.
func (in *Intake) Close() error {
	if in.owned {
		return errors.Join(in.list.close(), in.registry.Close())
	}
	return in.list.close()
}

// Taken says what became of a delivery, or of the rows of a table.
type Taken struct {
	Silo   string
	Source string // who delivered; of a table the source
	Table  string // "" of a file
	delivery.Report

	Unproven   map[event.Reason]int       // consents recorded without evidence, by what they lack
	Reasons    map[event.RefusedError]int // the refused, by reason and column, or field of the table
	Suppressed int                        // identifiers that are new on the suppression list
}

// What a table's consents lack. They are recorded, decide as D_CONSENT_UNPROVEN, and are reported each night.
const (
	consentStated  event.Reason = "E_CONSENT_STATED"
	consentDefault event.Reason = "E_CONSENT_DEFAULT"
	consentAhead   event.Reason = "E_CONSENT_AHEAD"
)

var takenWords = map[event.Reason]string{
	consentStated:  "It is said that people consented, without a proof of it. It is recorded, and does not count as consent (Art. 7(1)).",
	consentAhead:   "Consents or withdrawals are said to lie in the future. They are recorded, and never relied on: correct their dates.",
	consentDefault: "An application's consents come from a default that no person set: no date of the choice, or that of the row. They are recorded, and do not count (Art. 4(11)).",
}

// Words says what a reason of Taken means.
func (Taken) Words(r event.Reason) string {
	return wordsOf(string(r))
}

// Plus adds up what became of two mappings of one table.
func (t Taken) Plus(o Taken) Taken {
	if t.Silo == "" {
		return o
	}
	t.Lines, t.Events, t.Duplicates, t.Refused, t.Suppressed = t.Lines+o.Lines, t.Events+o.Events, t.Duplicates+o.Duplicates, t.Refused+o.Refused, t.Suppressed+o.Suppressed
	for reason, n := range o.Unproven {
		t.Unproven[reason] += n
	}
	for reason, n := range o.Reasons {
		t.Reasons[reason] += n
	}
	return t
}

// silo finds a silo of the policy, also the suppression list, which is no *policy.Compiled.
func (in *Intake) silo(name string) *policy.Silo {
	if name == in.Suppression.Name {
		return &in.Suppression
	}
	if i := slices.IndexFunc(in.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == name }); i >= 0 {
		return &in.Silos[i].Silo
	}
	return nil
}

// Import records a delivery in a silo. Zone, purposes and keys are those of the policy. What a delivery to the suppression list says is who: each
// line puts its identifiers on it. In other silos, a new consent to marketing by somebody on the list is refused, and who withdraws from marketing, or
// objects to it, is put on the list.
func (in *Intake) Import(ctx context.Context, silo string, d delivery.Import) (Taken, error) {
	s := in.silo(silo)
	if s == nil {
		return Taken{}, fmt.Errorf("%w: silo %q is not under silos", ErrConfig, silo)
	}
	t := Taken{Silo: silo, Source: d.Source, Unproven: map[event.Reason]int{}, Reasons: map[event.RefusedError]int{}}
	key, err := in.Keys.SiloKey(silo)
	if err != nil {
		return t, err
	}
	d.Keys, d.Zone = key, in.Zone
	d.Rejected = func(r delivery.Reject) { t.Reasons[event.RefusedError{Reason: r.Reason, Column: r.Column}]++ }
	if s.Suppression {
		t.Report, err = in.list.deliver(ctx, d, in.now)
		t.Suppressed = t.Events
		return t, err
	}
	for _, rule := range s.Rules {
		d.Purposes = append(d.Purposes, rule.Purpose)
	}
	d.Admit = func(e *event.Event) error {
		in.list.bar(s, e)
		return link(s, key, e)
	}
	d.Recorded = func(e *event.Event) {
		in.list.note(s, e)
		if (e.Type == event.Given || e.Type == event.Renewed) && e.Evidence == "" {
			t.Unproven[consentStated]++
		}
		if e.OccurredAt.After(in.now.Add(clockTolerance)) {
			t.Unproven[consentAhead]++
		}
	}
	t.Report, err = in.registry.Import(ctx, d)
	// The list is written at the end, so that an import that was cut off is resumed on the list that it began with. What is recorded is listed also
	// when the delivery fails.
	added, failed := in.list.flush(context.WithoutCancel(ctx), d.DryRun)
	t.Suppressed = added
	return t, errors.Join(err, failed)
}

// link reads which row of a governed table an event is about: SOURCE.TABLE:KEY, where a key of several fields is a list of JSON. Nothing else of it is stored than the
// keyed reference by which a night finds the row's collection.
func link(s *policy.Silo, keys *keystore.SiloKey, e *event.Event) error {
	if e.Record == "" {
		return nil
	}
	refused := &event.RefusedError{Reason: event.BadRecord, Column: "record"}
	place, id, ok := strings.Cut(e.Record, ":")
	source, table, named := strings.Cut(place, ".")
	if !ok || !named || id == "" || !slices.ContainsFunc(s.Records, func(r policy.Records) bool { return r.Source == source && r.Table == table }) {
		return refused
	}
	parts := []string{id}
	if strings.HasPrefix(id, "[") && json.Unmarshal([]byte(id), &parts) != nil {
		return refused
	}
	values := make([][]byte, len(parts))
	for i, part := range parts {
		values[i] = []byte(part)
	}
	e.Link = event.Link{Record: keys.Record(source, table, []byte(connectors.MakeKey(values...))), System: source, Object: table}
	return nil
}

// Record records one event, and returns its position, 0 for one that was recorded before, and how many identifiers are new on the suppression list.
func (in *Intake) Record(ctx context.Context, silo string, e event.Event) (seq int64, listed int, err error) {
	s := in.silo(silo)
	switch {
	case s == nil:
		return 0, 0, fmt.Errorf("%w: silo %q is not under silos", ErrConfig, silo)
	case s.Suppression:
		return 0, 0, fmt.Errorf("%w: %s is the suppression list: record the objection in the silo where it was said, or import a list with `lethe consent import --silo %[2]s`", ErrConfig, silo)
	case e.Purpose != "" && !slices.ContainsFunc(s.Rules, func(r policy.Rule) bool { return r.Purpose == e.Purpose }):
		// A withdrawal from it would end nothing.
		return 0, 0, fmt.Errorf("%w: silo %s has no rule for the purpose %q: `lethe policy explain %[2]s` shows its purposes", ErrConfig, silo, e.Purpose)
	}
	key, err := in.Keys.SiloKey(silo)
	if err != nil {
		return 0, 0, err
	}
	in.list.bar(s, &e)
	if seq, err = in.registry.Append(ctx, key, e); err != nil {
		return 0, 0, err
	}
	in.list.note(s, &e)
	listed, err = in.list.flush(context.WithoutCancel(ctx), false)
	return seq, listed, err
}

// FromTable reads an application's table and records what its rows say of consents: each row once for each thing it says, however often it is
// read. An error that wraps ErrSource is the source's.
func (in *Intake) FromTable(ctx context.Context, silo *policy.Compiled, m *intake.Mapping, dryRun bool) (t Taken, err error) {
	t = Taken{Silo: silo.Silo.Name, Source: m.Source, Table: m.Table}
	i := slices.IndexFunc(in.Sources, func(s Source) bool { return s.Name == m.Source })
	if i < 0 {
		return t, fmt.Errorf("%w: silo %s: no source %q", ErrConfig, silo.Silo.Name, m.Source)
	}
	source, err := in.Sources[i].Open(ctx)
	if err != nil {
		return t, sourceError(err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	tables, err := source.Tables(ctx)
	if err != nil {
		return t, sourceError(err)
	}
	if err := noRegistry(m.Source, tables); err != nil {
		return t, err
	}
	r, err := in.newRowReader(silo, m, tables)
	if err != nil {
		return t, err
	}
	next, stop := iter.Pull2(source.Scan(ctx, connectors.Query{Table: m.Table, Fields: r.fields}))
	defer stop()
	r.next = next
	if r.key, err = in.Keys.SiloKey(silo.Silo.Name); err != nil {
		return t, err
	}
	r.ctx = ctx
	t, err = in.Import(ctx, silo.Silo.Name, delivery.Import{Source: m.Source + "." + m.Table, Country: silo.Jurisdiction.Code, DryRun: dryRun, Next: r.event})
	t.Source, t.Table, t.Unproven = m.Source, m.Table, r.unproven
	t.Lines, t.Duplicates = t.Lines+r.said, t.Duplicates+r.said
	named := make(map[event.RefusedError]int, len(t.Reasons))
	for reason, n := range t.Reasons {
		named[event.RefusedError{Reason: reason.Reason, Column: r.fieldOf(reason.Column)}] += n
	}
	t.Reasons = named
	return t, err
}

// sourceError tells a source that does not serve the policy from one that cannot be read.
func sourceError(err error) error {
	if errors.Is(err, connectors.ErrConfig) || errors.Is(err, connectors.ErrPlaintext) {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return fmt.Errorf("%w: %w", ErrSource, err)
}

// rowReader turns the rows of a table into events.
type rowReader struct {
	ctx      context.Context
	in       *Intake
	silo     *policy.Compiled
	mapping  *intake.Mapping
	key      matcher
	zone     *time.Location
	fields   []string
	columns  map[string]int // by field
	zones    map[string]*time.Location
	keys     []int
	next     func() (connectors.Batch, error, bool)
	batch    connectors.Batch
	row      int
	queue    []string // states that the row still has to say
	unproven map[event.Reason]int
	said     int // rows that say again, without a date, what the registry knows

	standings *standings.Standings // loaded when a row without a date needs them
	standing  policy.Standing
	buf       []byte
}

// clockTolerance is by how much an event may be ahead of its recording (the registry trusts none that is more).
const clockTolerance = 5 * time.Minute

// matcher makes references.
type matcher interface {
	Match(kind string, normalised []byte) keystore.Ref
}

// newRowReader resolves the names of a mapping against the catalog.
func (in *Intake) newRowReader(silo *policy.Compiled, m *intake.Mapping, tables []connectors.Table) (*rowReader, error) {
	table, err := intakeTable(silo, m, tables)
	if err != nil {
		return nil, err
	}
	r := &rowReader{in: in, silo: silo, mapping: m, zone: in.Zone, fields: m.Fields(), columns: map[string]int{}, zones: map[string]*time.Location{}, unproven: map[event.Reason]int{}}
	for _, f := range table.Key {
		if !slices.Contains(r.fields, f) {
			r.fields = append(r.fields, f)
		}
	}
	for i, name := range r.fields {
		r.columns[name] = i
		f, _ := table.Field(name)
		r.zones[name] = engineZone(f, in.Zone)
	}
	for _, f := range table.Key {
		r.keys = append(r.keys, r.columns[f])
	}
	return r, nil
}

// intakeTable finds the table of a mapping, and checks that it has the fields.
func intakeTable(silo *policy.Compiled, m *intake.Mapping, tables []connectors.Table) (connectors.Table, error) {
	i := slices.IndexFunc(tables, func(t connectors.Table) bool { return t.Name == m.Table })
	if i < 0 {
		return connectors.Table{}, fmt.Errorf("%w: silo %s: consents: source %s has no table %s: name a table that the source has", ErrConfig, silo.Silo.Name, m.Source, m.Table)
	}
	var errs []error
	for _, name := range m.Fields() {
		if _, ok := tables[i].Field(name); !ok {
			errs = append(errs, fmt.Errorf("%w: silo %s: consents: table %s of source %s has no field %s: name a field that the source has", ErrConfig, silo.Silo.Name, m.Table, m.Source, name))
		}
	}
	return tables[i], errors.Join(errs...)
}

// event yields what the next row says.
func (r *rowReader) event(e *event.Event) error {
	for {
		for len(r.queue) == 0 {
			if err := r.advance(); err != nil {
				return err
			}
		}
		state := r.queue[0]
		r.queue = r.queue[1:]
		news, err := r.says(state, e)
		if err != nil || news {
			return err
		}
		r.said++
		e.OccurredAt = r.in.now
		r.in.list.note(&r.silo.Silo, e) // who said no before there was a list
		*e = event.Event{Source: e.Source, Country: e.Country, Subjects: e.Subjects[:0]}
	}
}

// advance goes to the next row, and looks which states it is in.
func (r *rowReader) advance() error {
	r.row++
	for r.batch.Rows == nil || r.row >= int(r.batch.Rows.NumRows()) {
		batch, err, ok := r.next()
		switch {
		case !ok:
			return io.EOF
		case errors.Is(err, connectors.ErrSchemaChanged):
			return fmt.Errorf("%w: %w", ErrConfig, err)
		case err != nil:
			return fmt.Errorf("%w: %w", ErrSource, err)
		}
		r.batch, r.row = batch, 0
	}
	if !r.holds(r.mapping.Where) {
		return nil
	}
	for _, state := range r.mapping.States() {
		_, dated := r.cell(state.At)
		if r.holds(state.When) && (len(state.When) > 0 || dated) {
			r.queue = append(r.queue, state.Type)
		}
	}
	return nil
}

// cell is the text of a field; false for NULL, for what is empty, and for a field that is none.
func (r *rowReader) cell(field string) (string, bool) {
	c, ok := r.columns[field]
	if !ok {
		return "", false
	}
	col := r.batch.Rows.Column(c).(*array.Binary)
	if col.IsNull(r.row) {
		return "", false
	}
	text := string(col.Value(r.row))
	return text, strings.TrimSpace(text) != "" && !strings.HasPrefix(text, "0000-00-00")
}

// holds reports whether the row's fields have the given values.
func (r *rowReader) holds(values map[string]*string) bool {
	for field, want := range values {
		col := r.batch.Rows.Column(r.columns[field]).(*array.Binary)
		if col.IsNull(r.row) != (want == nil) || want != nil && string(col.Value(r.row)) != *want {
			return false
		}
	}
	return true
}

// instant reads a field: zero where it says nothing.
func (r *rowReader) instant(field string) (time.Time, error) {
	text, ok := r.cell(field)
	if !ok {
		return time.Time{}, nil
	}
	col := r.batch.Rows.Column(r.columns[field]).(*array.Binary)
	at := instant(col, r.row, r.zones[field] != nil, r.zone)
	if at.IsZero() && text != "" {
		return at, &event.RefusedError{Reason: event.BadTime, Column: field}
	}
	return at, nil
}

// text is what the mapping says of the row: a text of its own, or the row's.
func (r *rowReader) text(c *intake.Cell) string {
	switch {
	case c == nil:
		return ""
	case c.Field == "":
		return c.Text
	}
	text, ok := r.cell(c.Field)
	if !ok {
		return ""
	}
	text = strings.TrimSpace(text)
	if word, ok := c.Words[text]; ok {
		return word
	}
	return text
}

// says fills in the event of one state of the row; false if the registry knows it.
func (r *rowReader) says(state string, e *event.Event) (news bool, err error) {
	m := r.mapping
	e.Type, e.Purpose, e.Zone = event.Type(state), m.Purpose, ""
	e.Marketing = e.Type == event.Objected && r.silo.Silo.IsMarketing(m.Purpose)
	for _, kind := range slices.Sorted(maps.Keys(m.Subject)) {
		if value, ok := r.cell(m.Subject[kind]); ok {
			e.Subjects = append(e.Subjects, event.Subject{Kind: kind, Value: value})
		}
	}
	if id, ok := r.cell(m.Collection); ok {
		e.Collection = strings.TrimSpace(id)
	}
	named := m.States()
	at := named[slices.IndexFunc(named, func(s intake.NamedState) bool { return s.Type == state })].At
	if e.OccurredAt, err = r.instant(at); err != nil {
		return false, err
	}
	e.Undated = e.OccurredAt.IsZero()
	extra := ""
	if e.Type == event.Given {
		if err := r.given(e); err != nil {
			return false, err
		}
	} else if e.Undated {
		var known bool
		if extra, known, err = r.known(e); err != nil || known {
			return false, err
		}
	}
	if e.OccurredAt.IsZero() {
		e.OccurredAt = r.in.now
	}
	if e.OccurredAt.After(r.in.now.Add(clockTolerance)) {
		r.unproven[consentAhead]++
	}
	e.ID = r.id(e, extra)
	return true, nil
}

// given grades an opt-in. What no person did, or nobody can prove, is recorded without evidence.
func (r *rowReader) given(e *event.Event) error {
	m := r.mapping
	e.Method, e.Notice = r.text(m.Method), r.text(m.Notice)
	if e.Method != "" {
		var refused *event.RefusedError
		if err := event.Affirmative(strings.ToLower(e.Method)); errors.As(err, &refused) {
			return &event.RefusedError{Reason: refused.Reason, Column: r.fieldOf("method")}
		}
	}
	if e.Notice == "" { // refused, so its grade is not counted
		return &event.RefusedError{Reason: event.NoNotice, Column: r.fieldOf("notice")}
	}
	created, err := r.instant(m.Created)
	if err != nil {
		return err
	}
	proof := r.text(m.Evidence)
	switch {
	case m.Trust == intake.SetByDefault, e.Undated, !created.IsZero() && e.OccurredAt.Equal(created) && e.Method == "":
		r.unproven[consentDefault]++
		if e.Undated && !created.IsZero() {
			e.OccurredAt, e.Undated = created, false
		}
	case m.Trust != intake.ProvenByRow || proof == "":
		r.unproven[consentStated]++
	case utf8.ValidString(proof):
		e.Evidence = proof
	default:
		e.Evidence = hex.EncodeToString([]byte(proof))
	}
	return nil
}

// known reports whether the registry knows what a row says that has no date of its own, and else which consent it ends: so that the row is
// recorded once, and once more when the person has changed their mind and back.
func (r *rowReader) known(e *event.Event) (ends string, known bool, err error) {
	if r.standings == nil {
		if r.standings, err = r.in.registry.Standings(r.ctx, r.silo.Silo.Name, r.in.now, endings(r.silo)); err != nil {
			return "", false, err
		}
	}
	row := standings.Row{SiloScope: true}
	for _, s := range e.Subjects {
		value, ok := identifier.Normalise(s.Kind, []byte(s.Value), e.Country, r.buf[:0])
		if r.buf = value; ok {
			row.Identifiers = append(row.Identifiers, r.key.Match(s.Kind, value))
		}
	}
	match := r.standings.Match(row)
	if match.Identity != policy.Matched || !r.standings.At(match.Collection, &r.standing) {
		return "", false, nil
	}
	for i := range r.standing.Purposes {
		p := &r.standing.Purposes[i]
		switch {
		case p.Purpose != e.Purpose:
		case e.Type == event.Objected:
			return fmt.Sprint(p.Since.UnixMicro()), p.Objection != policy.NoObjection && !p.Since.After(p.ObjectedAt), nil
		case p.State == policy.ConsentState(e.Type):
			return "", true, nil
		case p.State == policy.Given || p.State == policy.Renewed:
			return fmt.Sprint(p.Since.UnixMicro()), false, nil
		}
	}
	return "", false, nil
}

// id names what a row says: the row's key, the state, and all that is recorded of it. Where it comes from the importer adds, under the silo's key.
func (r *rowReader) id(e *event.Event, extra string) string {
	h := sha256.New()
	write := func(s string) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		io.WriteString(h, s)
	}
	if key, ok := connectors.KeyOf(r.batch.Rows, r.keys, r.row); ok {
		write(string(key))
	}
	at := ""
	if !e.Undated {
		at = e.OccurredAt.UTC().Format(time.RFC3339Nano)
	}
	for _, s := range []string{string(e.Type), at, e.Purpose, e.Method, e.Notice, e.Evidence, e.Collection, extra} {
		write(s)
	}
	for _, s := range e.Subjects {
		write(s.Kind)
		write(s.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// fieldOf is the table's field behind a column of the importer; the column itself where it is none.
func (r *rowReader) fieldOf(column string) string {
	m := r.mapping
	if field, ok := m.Subject[column]; ok {
		return field
	}
	for name, c := range map[string]*intake.Cell{"method": m.Method, "notice": m.Notice, "evidence": m.Evidence} {
		if name == column && c != nil && c.Field != "" {
			return c.Field
		}
	}
	if column == "collection" && m.Collection != "" {
		return m.Collection
	}
	return column
}

// takeIn reads the tables in which applications keep a silo's consents. It reports whether the silo may still be relied on: one whose consents could
// not be read for longer than registry.max_age may not, for who said yes since is not known.
func (n *night) takeIn(ctx context.Context, silo *policy.Compiled, intake *Intake) (stale bool, err error) {
	for i := range silo.Silo.Consents {
		m := &silo.Silo.Consents[i]
		t, err := intake.FromTable(ctx, silo, m, false)
		n.tookIn(silo, t)
		switch {
		case errors.Is(err, ErrSource):
			stale = n.consentsUnread(m, err) || stale
		case err != nil:
			return stale, err
		}
	}
	return stale, nil
}

// tookIn reports what a table said.
func (n *night) tookIn(silo *policy.Compiled, t Taken) {
	n.Log.Info("consents read", "run_id", n.run.ID, "silo", t.Silo, "source", t.Source, "table", t.Table, "statements", t.Lines, "recorded", t.Events, "refused", t.Refused, "suppressed", t.Suppressed)
	owner := silo.Silo.Rules[0].Owner
	for reason, count := range t.Unproven {
		n.except(audit.Exception{Silo: t.Silo, Source: t.Source, Object: t.Table, Code: string(reason), Count: int64(count), Owner: owner})
	}
	for refused, count := range t.Reasons {
		n.except(audit.Exception{Silo: t.Silo, Source: t.Source, Object: t.Table, Code: intakeCode(refused.Reason), Count: int64(count), Owner: owner})
	}
}

// intakeCode keeps what is refused of a table's consents apart from what is found of its rows.
func intakeCode(r event.Reason) string {
	if reason.Code(r).Words() != "" {
		return "E_CONSENT_" + strings.TrimPrefix(string(r), "E_")
	}
	return string(r)
}

// takenWordsOf says what a code of an exception means that comes from taking consents in.
func takenWordsOf(code string) string {
	if words, ok := takenWords[event.Reason(code)]; ok {
		return words
	}
	for _, reason := range []event.Reason{event.Reason(code), event.Reason("E_" + strings.TrimPrefix(code, "E_CONSENT_"))} {
		if words := reason.Words(); words != "" {
			return "A table's rows say of consents what the registry refuses: " + words + "."
		}
	}
	return ""
}

// consentsUnread says that a table's consents could not be read, and since when; it reports whether that is too long.
func (n *night) consentsUnread(m *intake.Mapping, err error) bool {
	n.find(audit.Finding{Kind: "F_CONSENTS_UNREAD", Severity: "high", Source: m.Source, Object: m.Table, Article: "Art. 7(3)",
		Words: "The consents that the application keeps in this table could not be read (" + failure(err) + "): who said yes or no since is not known."})
	n.problem(fmt.Errorf("consents in %s.%s: %w", m.Source, m.Table, err))
	n.Log.Error("consents not read", "run_id", n.run.ID, "source", m.Source, "table", m.Table, "error", err)
	first, _ := calendar.ParseDate(n.facts.Findings[len(n.facts.Findings)-1].FirstSeen)
	return n.RegistryAge.IsZero() || calendar.EndOf(first, n.RegistryAge) < n.today
}
