package intake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/subject"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
	"lethe/pipeline/via"
)

// rowReader turns the rows of a table into events.
type rowReader struct {
	ctx      context.Context
	in       *Intake
	silo     *policy.Compiled
	mapping  *intake.Mapping
	key      *keystore.SiloKey
	fields   []string
	columns  map[string]int // by field
	writings map[string]instant.Writing
	defaults map[string]string
	keys     []int
	next     func() (connectors.Batch, error, bool)
	batch    connectors.Batch
	row      int
	queue    []saying   // what the row still has to say
	via      *via.Index // identifiers in other tables; nil where the row holds all of them
	unproven map[event.Reason]int
	said     int // rows that say again, without a date, what the registry knows

	standings *standings.Standings // loaded when a row without a date needs them
	standing  policy.Standing
	buf       []byte
}

// saying is a state that a row is in, and of whom it says so.
type saying struct {
	state  string
	people []event.Subject
	shared bool // other rows have them too
	alone  bool // and the row has nothing else
}

// FromTable reads an application's table and records what its rows say of consents: each row once for
// each thing it says, however often it is read. An error that wraps ErrSource is the source's.
func (in *Intake) FromTable(ctx context.Context, silo *policy.Compiled, m *intake.Mapping, dryRun bool) (t Taken,
	err error) {
	t = Taken{Silo: silo.Silo.Name, Source: m.Source, Table: m.Table}
	i := slices.IndexFunc(in.setup.Sources, func(s setup.Source) bool { return s.Name == m.Source })
	if i < 0 {
		return t, fmt.Errorf("%w: silo %s: no source %q", setup.ErrConfig, silo.Silo.Name, m.Source)
	}
	source, err := in.setup.Sources[i].Open(ctx)
	if err != nil {
		return t, setup.SourceError(err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	tables, err := source.Tables(ctx)
	if err != nil {
		return t, setup.SourceError(err)
	}
	if err := stores.NoRegistry(m.Source, tables); err != nil {
		return t, err
	}

	r, err := in.newRowReader(silo, m, in.setup.Sources[i], tables)
	if err != nil {
		return t, err
	}
	if r.key, err = in.setup.Keys.SiloKey(silo.Silo.Name); err != nil {
		return t, err
	}
	r.ctx = ctx
	if err := r.readCarried(ctx, source, tables); err != nil {
		return t, err
	}
	next, stop := iter.Pull2(source.Scan(ctx, connectors.Query{Table: m.Table, Fields: r.fields}))
	defer stop()
	r.next = next
	t, err = in.Import(ctx, silo.Silo.Name, delivery.Import{Source: m.Source + "." + m.Table,
		Country: silo.Jurisdiction.Code, DryRun: dryRun, Next: r.event})

	t.Source, t.Table, t.Unproven = m.Source, m.Table, r.unproven
	t.Lines, t.Duplicates = t.Lines+r.said, t.Duplicates+r.said
	named := make(map[event.RefusedError]int, len(t.Reasons))
	for reason, n := range t.Reasons {
		named[event.RefusedError{Reason: reason.Reason, Column: r.fieldOf(reason.Column), Why: reason.Why}] += n
	}
	t.Reasons = named
	return t, err
}

// newRowReader resolves the names of a mapping against the catalog.
func (in *Intake) newRowReader(silo *policy.Compiled, m *intake.Mapping, source setup.Source,
	tables connectors.Tables) (*rowReader, error) {
	table, err := stores.IntakeTable(silo, m, tables)
	if err != nil {
		return nil, err
	}
	r := &rowReader{in: in, silo: silo, mapping: m, fields: m.Fields(), columns: map[string]int{},
		writings: map[string]instant.Writing{}, defaults: map[string]string{}, unproven: map[event.Reason]int{}}
	if len(m.Via) > 0 { // paths start at any field
		r.fields = nil
		for _, f := range table.Fields {
			r.fields = append(r.fields, f.Name)
		}
	}
	for _, f := range table.Key {
		if !slices.Contains(r.fields, f) {
			r.fields = append(r.fields, f)
		}
	}
	for i, name := range r.fields {
		r.columns[name] = i
		f, _ := table.Field(name)
		r.writings[name], r.defaults[name] = source.Writing(table.Name, f, in.setup.Zone), f.Default
	}
	for _, f := range table.Key {
		r.keys = append(r.keys, r.columns[f])
	}
	return r, nil
}

// event yields what the next row says.
func (r *rowReader) event(e *event.Event) error {
	for {
		for len(r.queue) == 0 {
			if err := r.advance(); err != nil {
				return err
			}
		}
		said := r.queue[0]
		r.queue = r.queue[1:]
		news, err := r.says(said, e)
		if err != nil || news && !said.shared {
			return err
		}
		if !news {
			e.OccurredAt = r.in.now
		}
		r.in.list.Note(&r.silo.Silo, e) // who said no before there was a list, or with others
		switch {
		case said.alone:
			return event.Refuse(event.SharedIdentifier, r.fieldOf(r.mapping.Via[0].Kind()))
		case !said.shared:
			r.said++
		}
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
			return fmt.Errorf("%w: %w", setup.ErrConfig, err)
		case err != nil:
			return fmt.Errorf("%w: %w", setup.ErrSource, err)
		}
		r.batch, r.row = batch, 0
	}
	if !r.holds(r.mapping.Where) {
		return nil
	}
	for _, state := range r.mapping.States() {
		dated := r.dated(state.At)
		if r.holds(state.When) && (len(state.When) > 0 || dated) {
			r.queue = append(r.queue, r.sayings(state.Type)...)
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
		if col.IsNull(r.row) != (want == nil) || want != nil && !subject.Holds(*want, col.Value(r.row)) {
			return false
		}
	}
	return true
}

// dated reports whether a field of a state holds what is meant for an instant: not one that stands for none, nor
// what the schema itself fills in.
func (r *rowReader) dated(field string) bool {
	text, ok := r.cell(field)
	if !ok || text == r.defaults[field] {
		return false
	}
	at, err := r.writings[field].Read([]byte(text))
	return err != nil || !at.None()
}

// instant reads a field: zero where it says nothing. Of a time that the clocks repeat, or skip, a grant was at
// the first of the two instants, and what ends one at the last; a no with a day alone at its last moment.
func (r *rowReader) instant(field string, of event.Type) (time.Time, error) {
	if !r.dated(field) {
		return time.Time{}, nil
	}
	text, _ := r.cell(field)
	at, err := r.writings[field].Read([]byte(text))
	switch {
	case err != nil:
		return time.Time{}, &event.RefusedError{Reason: event.BadTime, Column: field, Why: err.Error()}
	case of.Kind().Grants:
		return at.First, nil
	case of.Closes():
		return at.End(), nil
	}
	return at.Last, nil
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
func (r *rowReader) says(said saying, e *event.Event) (news bool, err error) {
	m, state := r.mapping, said.state
	if said.alone && event.Type(state) == event.Given {
		return false, event.Refuse(event.SharedIdentifier, r.fieldOf(m.Via[0].Kind()))
	}
	e.Type, e.Purpose, e.Zone = event.Type(state), m.Purpose, ""
	e.Marketing = e.Type == event.Objected && r.silo.Silo.IsMarketing(m.Purpose)
	e.Subjects = append(e.Subjects, said.people...)
	if id, ok := r.cell(m.Collection); ok {
		e.Collection = strings.TrimSpace(id)
	}
	named := m.States()
	at := named[slices.IndexFunc(named, func(s intake.NamedState) bool { return s.Type == state })].At
	if e.OccurredAt, err = r.instant(at, e.Type); err != nil {
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
	if r.in.ahead(e) {
		r.unproven[notes.ConsentAhead]++
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
	created, err := r.instant(m.Created, event.Given)
	if err != nil {
		return err
	}
	proof := r.text(m.Evidence)
	switch {
	case m.Trust == intake.SetByDefault, e.Undated, !created.IsZero() && e.OccurredAt.Equal(created) && e.Method == "":
		r.unproven[notes.ConsentDefault]++
		if e.Undated && !created.IsZero() {
			e.OccurredAt, e.Undated = created, false
		}
	case m.Trust != intake.ProvenByRow || proof == "":
		r.unproven[notes.ConsentStated]++
	case utf8.ValidString(proof):
		e.Evidence = proof
	default:
		e.Evidence = hex.EncodeToString([]byte(proof))
	}
	return nil
}

// known reports whether the registry knows what a row says that has no date of its own, and else
// which consent it ends: so that the row is recorded once, and once more when the person has
// changed their mind and back.
func (r *rowReader) known(e *event.Event) (ends string, known bool, err error) {
	if err := r.loadStandings(); err != nil {
		return "", false, err
	}
	row := standings.Row{SiloScope: true}
	for _, s := range e.Subjects {
		// what is none is refused when it is recorded
		row.Identifiers, _ = r.standings.Names(row.Identifiers, r.key, s.Kind, []byte(s.Value), e.Country, &r.buf)
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
			known := p.Objection != policy.NoObjection && !p.Since.After(p.ObjectedAt)
			return fmt.Sprint(p.Since.UnixMicro()), known, nil
		case p.State == policy.ConsentState(e.Type):
			return "", true, nil
		case p.State == policy.Given || p.State == policy.Renewed:
			return fmt.Sprint(p.Since.UnixMicro()), false, nil
		}
	}
	return "", false, nil
}

// id names what a row says: the row's key, the state, and all that is recorded of it. Where it comes from
// the importer adds, under the silo's key.
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
	for _, v := range m.Via {
		if field, ok := v.Fields[column]; ok {
			return v.Last().Table + "." + field
		}
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
