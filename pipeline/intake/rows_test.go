package intake

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

var now = time.Date(2026, 5, 10, 2, 0, 0, 0, time.UTC)

func text(s string) *string { return &s }

// said are the events that the rows of a table become, or why a row is refused. A row is
// id, email, phone, opt_in, opt_in_at, opt_out_at, how, shown, proof, created_at, act.
func said(t *testing.T, m intake.Mapping, rows ...[]any) (events []string, ids []string,
	unproven map[event.Reason]int) {
	t.Helper()
	return saidBy(t, setup.Source{Name: "crm"}, m, rows...)
}

// saidBy is said, of a source that says in which zone it writes.
func saidBy(t *testing.T, of setup.Source, m intake.Mapping, rows ...[]any) (events []string, ids []string,
	unproven map[event.Reason]int) {
	t.Helper()
	table := mem.Table{Def: connectors.Table{Name: "signups", Key: []string{"id"}}}
	for _, name := range []string{"id", "email", "phone", "opt_in", "opt_in_at", "opt_out_at", "how", "shown",
		"proof", "created_at", "act"} {
		f := connectors.Field{Name: name, Kind: connectors.Text, Type: "text", Nullable: true}
		if strings.HasSuffix(name, "_at") {
			f.Kind, f.Type = connectors.Timestamp, "timestamp"
		}
		table.Def.Fields = append(table.Def.Fields, f)
	}
	for _, row := range rows {
		table.Rows = append(table.Rows, mem.Row(row))
	}
	source := mem.New("crm", table)
	m.Source, m.Table, m.Purpose = "crm", "signups", "news"
	silo := &policy.Compiled{Silo: policy.Silo{Name: "news", Rules: []policy.Rule{{Purpose: "news", Marketing: true}}}}
	in := &Intake{setup: &setup.Setup{Zone: time.UTC}, now: now}
	r, err := in.newRowReader(silo, &m, of, connectors.Tables{table.Def})
	require.NoError(t, err)
	next, stop := iter.Pull2(source.Scan(t.Context(), connectors.Query{Table: m.Table, Fields: r.fields, MaxRows: 2}))
	defer stop()
	r.next = next

	for {
		e := event.Event{}
		err := r.event(&e)
		var refused *event.RefusedError
		switch {
		case errors.Is(err, io.EOF):
			return events, ids, r.unproven
		case errors.As(err, &refused):
			events = append(events, fmt.Sprintf("refused %s %s", refused.Reason, refused.Column))
			continue
		}
		require.NoError(t, err)
		words := []string{string(e.Type), e.Purpose, e.OccurredAt.UTC().Format(time.DateTime)}
		for _, s := range e.Subjects {
			words = append(words, s.Kind+"="+s.Value)
		}
		for _, part := range [][2]string{{"how", e.Method}, {"shown", e.Notice}, {"proof", e.Evidence},
			{"act", e.Collection}} {
			if part[1] != "" {
				words = append(words, part[0]+"="+part[1])
			}
		}
		if e.Marketing {
			words = append(words, "marketing")
		}
		if e.Undated {
			words = append(words, "undated")
		}
		events, ids = append(events, strings.Join(words, " ")), append(ids, e.ID)
	}
}

// mapping is of a table with a flag and two dates.
func mapping(change func(*intake.Mapping)) intake.Mapping {
	m := intake.Mapping{Subject: map[string]string{"email": "email"}, Created: "created_at",
		Given:     &intake.State{When: map[string]*string{"opt_in": text("1")}, At: "opt_in_at"},
		Withdrawn: &intake.State{At: "opt_out_at"},
		Method:    &intake.Cell{Field: "how"}, Notice: &intake.Cell{Field: "shown"}, Evidence: &intake.Cell{
			Field: "proof"}, Trust: intake.ProvenByRow}
	if change != nil {
		change(&m)
	}
	return m
}

// TestTimesOfASource reads times in the zone of the source, and of one that the clocks repeat the first for a consent,
// the last for a withdrawal.
func TestTimesOfASource(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	crm := setup.Source{Name: "crm", Times: setup.Times{Zone: rome}}
	// id, email, phone, opt_in, opt_in_at, opt_out_at, how, shown, proof, created_at, act
	row := func(in, at, out any) []any {
		return []any{"1", "ada@lago.it", nil, in, at, out, "web", "v1", "f1", nil, nil}
	}
	got, _, _ := saidBy(t, crm, mapping(nil), row("1", "2025-10-26 02:30:00", nil))
	require.Equal(t, []string{"given news 2025-10-26 00:30:00 email=ada@lago.it how=web shown=v1 proof=f1"}, got)
	got, _, _ = saidBy(t, crm, mapping(nil), row("0", nil, "2025-10-26 02:30:00"))
	require.Equal(t, []string{"withdrawn news 2025-10-26 01:30:00 email=ada@lago.it"}, got)
}

func TestRowsBecomeEvents(t *testing.T) {
	const at, out, born = "2026-03-01 10:00:00", "2026-04-01 11:00:00", "2026-03-01 09:00:00"
	row := func(cells ...any) []any { return append([]any{"1", "ada@lago.it", "0391"}, cells...) }
	tests := map[string]struct {
		change   func(*intake.Mapping)
		row      []any // opt_in, opt_in_at, opt_out_at, how, shown, proof, created_at, act
		want     []string
		unproven map[event.Reason]int
	}{
		"a proven yes": {row: row("1", at, nil, "web", "v1", "f1", born, nil),
			want: []string{"given news 2026-03-01 10:00:00 email=ada@lago.it how=web shown=v1 proof=f1"}},
		"a yes, and a later no": {row: row("1", at, out, "web", "v1", "f1", born, nil),
			want: []string{"given news 2026-03-01 10:00:00 email=ada@lago.it how=web shown=v1 proof=f1",
				"withdrawn news 2026-04-01 11:00:00 email=ada@lago.it"}},
		"neither":                 {row: row("0", at, nil, "web", "v1", "f1", born, nil)},
		"a date of zeros is none": {row: row("0", nil, "0000-00-00 00:00:00", nil, nil, nil, nil, nil)},
		"a proof that is no text": {row: row("1", at, nil, "web", "v1", "\xff\x01", born, nil),
			want: []string{"given news 2026-03-01 10:00:00 email=ada@lago.it how=web shown=v1 proof=ff01"}},
		"no proof": {row: row("1", at, nil, "web", "v1", " ", born, nil),
			unproven: map[event.Reason]int{"E_CONSENT_STATED": 1},
			want:     []string{"given news 2026-03-01 10:00:00 email=ada@lago.it how=web shown=v1"}},
		"an application that is not believed": {change: func(m *intake.Mapping) {
			m.Trust = intake.StatedByRow
		}, row: row("1", at, nil, "web", "v1", "f1", born, nil),
			unproven: map[event.Reason]int{"E_CONSENT_STATED": 1}, want: []string{"given news 2026-03-01 " +
				"10:00:00 email=ada@lago.it how=web shown=v1"}},
		"without a date, the row's own": {row: row("1", nil, nil, "web", "v1", "f1", born, nil),
			unproven: map[event.Reason]int{"E_CONSENT_DEFAULT": 1},
			want:     []string{"given news 2026-03-01 09:00:00 email=ada@lago.it how=web shown=v1"}},
		"without any date, now": {row: row("1", nil, nil, "web", "v1", "f1", nil, nil),
			unproven: map[event.Reason]int{"E_CONSENT_DEFAULT": 1},
			want:     []string{"given news 2026-05-10 02:00:00 email=ada@lago.it how=web shown=v1 undated"}},
		"at the instant of the row, by nobody": {row: row("1", born, nil, nil, "v1", "f1", born, nil),
			unproven: map[event.Reason]int{"E_CONSENT_DEFAULT": 1},
			want:     []string{"given news 2026-03-01 09:00:00 email=ada@lago.it shown=v1"}},
		"at the instant of the row, by an act": {row: row("1", born, nil, "web", "v1", "f1", born, nil),
			want: []string{"given news 2026-03-01 09:00:00 email=ada@lago.it how=web shown=v1 proof=f1"}},
		"ahead of the clock": {row: row("0", nil, "2026-05-10 02:05:01", nil, nil, nil, nil, nil),
			unproven: map[event.Reason]int{"E_CONSENT_AHEAD": 1},
			want:     []string{"withdrawn news 2026-05-10 02:05:01 email=ada@lago.it"}},
		"a no of today": {row: row("0", nil, "2026-05-10", nil, nil, nil, nil, nil),
			want: []string{"withdrawn news 2026-05-10 23:59:59 email=ada@lago.it"}},
		"a no of yesterday": {row: row("0", nil, "2026-05-09", nil, nil, nil, nil, nil),
			want: []string{"withdrawn news 2026-05-09 23:59:59 email=ada@lago.it"}},
		"ahead by what clocks differ": {row: row("0", nil, "2026-05-10 02:05:00", nil, nil, nil, nil, nil),
			want: []string{"withdrawn news 2026-05-10 02:05:00 email=ada@lago.it"}},
		"nobody was shown anything": {row: row("1", at, nil, "web", nil, "f1", born, nil),
			want: []string{"refused E_NO_NOTICE shown"}},
		"no act of a person's": {row: row("1", at, nil, "preticked", "v1", "f1", born, nil),
			want: []string{"refused E_IMPLIED_CONSENT how"}},
		"no date in the field": {row: row("1", "yesterday", nil, "web", "v1", "f1", born, nil),
			want: []string{"refused E_TIME opt_in_at"}},
		"a day that stands for none says nothing": {row: row("1", at, "1970-01-01 00:00:00", "web", "v1", "f1", born, nil),
			want: []string{"given news 2026-03-01 10:00:00 email=ada@lago.it how=web shown=v1 proof=f1"}},
		"nor does one west of Greenwich": {row: row("0", nil, "1969-12-31 23:59:59-00:01", nil, nil, nil, nil, nil)},
		"an opt-in on a day that stands for none is not dated": {
			row: row("1", "1900-01-01 00:00:00", nil, "web", "v1", "f1", nil, nil), unproven: map[event.Reason]int{"E_CONSENT_DEFAULT": 1},
			want: []string{"given news 2026-05-10 02:00:00 email=ada@lago.it how=web shown=v1 undated"}},
		"an offset": {row: row("0", nil, "2026-04-01T11:00:00+0200", nil, nil, nil, nil, nil),
			want: []string{"withdrawn news 2026-04-01 09:00:00 email=ada@lago.it"}},
		"seconds since 1970": {row: row("0", nil, "1775034000", nil, nil, nil, nil, nil),
			want: []string{"withdrawn news 2026-04-01 09:00:00 email=ada@lago.it"}},
		"rows of the mapping only": {change: func(m *intake.Mapping) {
			m.Where = map[string]*string{"act": text("news")}
		}, row: row("1", at, nil, "web", "v1", "f1", born, "shop")},
		"not rows where it is not": {
			change: func(m *intake.Mapping) { m.Where = map[string]*string{"act": nil} },
			row:    row("1", at, nil, "web", "v1", "f1", born, "17"),
		},
		"NULL is no empty text": {
			change: func(m *intake.Mapping) { m.Where = map[string]*string{"act": text("")} },
			row:    row("1", at, nil, "web", "v1", "f1", born, nil),
		},
		"rows where a field is NULL": {change: func(m *intake.Mapping) {
			m.Where = map[string]*string{"act": nil}
		}, row: row("1", at, nil, "web", "v1", "f1", born, nil),
			want: []string{"given news 2026-03-01 10:00:00 email=ada@lago.it how=web shown=v1 proof=f1"}},
		"two identifiers, an act, words of the application's": {change: func(m *intake.Mapping) {
			m.Subject["phone"], m.Collection = "phone", "act"
			m.Method = &intake.Cell{Field: "how", Words: map[string]string{"W": "web"}}
			m.Notice = &intake.Cell{Text: "v9"}
		}, row: row("1", at, nil, " W ", "v1", "f1", born, " 17 "),
			want: []string{"given news 2026-03-01 10:00:00 email=ada@lago.it phone=0391 how=web shown=v9 " +
				"proof=f1 act=17"}},
		"an objection to marketing": {change: func(m *intake.Mapping) {
			m.Objected, m.Withdrawn = &intake.State{At: "opt_out_at"}, nil
		}, row: row("0", nil, out, nil, nil, nil, nil, nil),
			want: []string{"objected news 2026-04-01 11:00:00 email=ada@lago.it marketing"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, _, unproven := said(t, mapping(tt.change), tt.row)
			require.Equal(t, tt.want, got)
			if tt.unproven == nil {
				tt.unproven = map[event.Reason]int{}
			}
			require.Equal(t, tt.unproven, unproven)
		})
	}
}

// What a row says is recognised: the same again has the same id, and anything else in it another.
func TestRowsAreRecognised(t *testing.T) {
	row := func(change int, value string) []any {
		cells := []any{"1", "ada@lago.it", "0391", "1", "2026-03-01 10:00:00", nil, "web", "v1", "f1",
			"2026-03-01 09:00:00", "17"}
		if change >= 0 {
			cells[change] = value
		}
		return cells
	}
	m := mapping(func(m *intake.Mapping) { m.Collection = "act" })
	_, first, _ := said(t, m, row(-1, ""))
	_, again, _ := said(t, m, row(-1, ""))
	require.Equal(t, first, again)
	_, unread, _ := said(t, m, row(2, "0392")) // the mapping does not name the phone
	require.Equal(t, first, unread)
	for field, value := range map[int]string{0: "2", 1: "eve@lago.it", 4: "2026-03-02 10:00:00", 6: "paper", 7: "v2",
		8: "f2", 10: "18"} {
		_, other, _ := said(t, m, row(field, value))
		require.Len(t, other, 1)
		require.NotEqual(t, first, other, field)
	}
}
