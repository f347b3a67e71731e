package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// column fills a table of 30 rows with values made from their numbers.
func column(name string, fields []connectors.Field, value func(i int) []any) mem.Table {
	var rows [][]any
	for i := range 30 {
		rows = append(rows, append([]any{fmt.Sprint(i)}, value(i)...))
	}
	return table(name, append([]connectors.Field{id}, fields...), nil, rows...)
}

// luhn ends a card number with its check digit.
func luhn(number string) string {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return number + fmt.Sprint((10-sum%10)%10)
}

func real(i int) string { return fmt.Sprintf("anna.%d@lagoblu.it", i) }
func test(i int) string { return fmt.Sprintf("anna.%d@example.com", i) }

func TestFindings(t *testing.T) {
	mails := func(make func(int) string) mem.Table {
		return column("mails", []connectors.Field{email}, func(i int) []any { return []any{make(i)} })
	}
	cards := func(number func(i int) string) mem.Table {
		return column("cards", []connectors.Field{field("card_number", connectors.Text, true)},
			func(i int) []any { return []any{number(i)} })
	}
	names := column("names", []connectors.Field{field("last_name", connectors.Text, true),
		field("first_name", connectors.Text, true)}, func(i int) []any {
		return []any{[]string{"Rossi", "Bianchi", "Ferrari", "Esposito", "Romano"}[i%5],
			[]string{"Maria", "Anna", "Luca", "Marco", "Giulia", "Paolo"}[i%6]}
	})
	sick := column("patients", []connectors.Field{email, field("diagnosis_code", connectors.Text, true)},
		func(i int) []any {
			return []any{real(i), []string{"E11.9", "I10", "F32.1", "J45.0", "C50.9"}[i%5]}
		})
	for _, c := range []struct {
		name    string
		table   mem.Table
		alter   func(*setup.Source)
		want    []string
		notWant string
	}{
		{"personal data in no silo", mails(real), nil, []string{"F_UNMAPPED medium mails"}, ""},
		{"health data in no silo", sick, nil,
			[]string{"F_SPECIAL_UNAPPROVED high patients", "F_UNMAPPED high patients"}, ""},
		{"health data that is approved", sick, func(s *setup.Source) { s.ApprovedFor = []string{"special"} },
			[]string{"F_UNMAPPED high patients"}, ""},
		{"card numbers", cards(func(i int) string { return luhn(fmt.Sprintf("45399%010d", 7919*i+137)) }), nil,
			[]string{"F_CLEAR_PAN high cards.card_number"}, ""},
		{"masked card numbers", cards(func(i int) string { return fmt.Sprintf("**** **** **** %04d", 1000+i) }), nil,
			nil, "F_CLEAR_PAN"},
		{"test identifiers in production", mails(test), nil,
			[]string{"F_TEST_ID_IN_PROD low mails.email", "F_UNMAPPED medium mails"}, ""},
		{"real people in a test system", mails(real), func(s *setup.Source) { s.Environment = "test" },
			[]string{"F_PII_IN_TEST high mails"}, ""},
		{"test identifiers in a test system", mails(test), func(s *setup.Source) { s.Environment = "test" }, nil, "F_"},
		{"real people among test identifiers", mails(func(i int) string {
			if i%2 == 0 {
				return test(i)
			}
			return real(i)
		}), func(s *setup.Source) { s.Environment = "test" }, []string{"F_PII_IN_TEST high mails"}, ""},
		{"names in a development system", names, func(s *setup.Source) { s.Environment = "development" },
			[]string{"F_PII_IN_TEST medium names"}, ""},
		{"a backup of nothing", mails(real), func(s *setup.Source) { s.Environment, s.Set = "backup", "dumps" },
			[]string{"F_BACKUP_ORPHAN medium "}, "F_UNMAPPED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(func(s *policy.Silo) { s.Records[0].Source = "nowhere" }))
			w.Live = mem.New("crm", c.table)
			if c.alter != nil {
				c.alter(&w.Setup.Sources[0])
			}
			got := kinds(w.discover())
			require.Subset(t, got, c.want)
			for _, k := range got {
				if c.notWant != "" {
					require.NotContains(t, k, c.notWant)
				}
			}
			if c.notWant == "F_" {
				require.Empty(t, got)
			}
		})
	}
}

func TestFindingNamesTheCategories(t *testing.T) {
	w := newWorld(t, news(nil), people(), contacts(30, -1))
	f := w.discover()
	i := slices.IndexFunc(f.Findings, func(x audit.Finding) bool { return x.Kind == "F_UNMAPPED" })
	require.GreaterOrEqual(t, i, 0)
	require.Contains(t, f.Findings[i].Words, "(email)")
	require.Equal(t, int64(30), f.Findings[i].Count)
	require.Len(t, f.Exceptions, 1)
	first := f.Findings[i].FirstSeen
	w.Now = w.Now.AddDate(0, 0, 3)
	f = w.discover()
	require.Equal(t, first, f.Findings[i].FirstSeen, "a finding keeps the night that first had it")
}

func TestAnEmptyTableHasNoRowsWithoutAPolicy(t *testing.T) {
	w := newWorld(t, news(nil), people(),
		table("old_contacts", []connectors.Field{id, email, field("last_name", connectors.Text, true)}, nil))
	f := w.discover()
	require.Equal(t, "email", at(t, f, "old_contacts", "email").Category)
	require.Contains(t, kinds(f), "F_UNMAPPED medium old_contacts")
	require.Empty(t, f.Exceptions)
}

func TestDependentsAndOwnedTablesAreGoverned(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records[0].Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"person"}, Do: "delete"}}
	}), people(), table("clicks", []connectors.Field{id, field("person", connectors.Integer, true), email},
		[]connectors.ForeignKey{fk("people", "person")}, []any{"1", "1", "ada@lago.it"}))
	f := w.discover()
	require.Equal(t, "news", at(t, f, "clicks", "email").Silo)
	require.Empty(t, kinds(f))
}

func TestSurplusFieldsAndTablesWithoutAWayToDelete(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) { s.Rules[0].Fields = []string{"email"} }), people())
	require.Equal(t, []string{"F_SURPLUS_FIELD medium people.name"}, kinds(w.discover()))
	w.Setup.Sources[0].ReadOnly = true
	require.Equal(t, []string{"F_NO_DELETE_PATH medium people", "F_SURPLUS_FIELD medium people.name"},
		kinds(w.discover()))
	w.Setup.Sources[0].ReadOnly = false
	keyless := people()
	keyless.Def.Key = nil
	w.Live = mem.New("crm", keyless)
	require.Equal(t, []string{"F_NO_DELETE_PATH medium people", "F_SURPLUS_FIELD medium people.name"},
		kinds(w.discover()))
}

func TestBackupOfATableThatProductionNoLongerHas(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.Setup.Sources = append(w.Setup.Sources,
		setup.Source{Name: "dump", Application: "crm", Environment: "backup", Encrypted: "yes", AuditLog: "yes", Of: "crm",
			Open: func(context.Context) (connectors.Source, error) {
				return mem.New("crm", people(), contacts(30, -1)), nil
			}})
	require.Equal(t, []string{"F_UNMAPPED medium contacts"}, kinds(w.discover()))
	w.Setup.Sources[1].Of = "crm-that-was"
	require.Contains(t, kinds(w.discover()), "F_BACKUP_ORPHAN medium ")
}

func TestViewsThatJoinSilos(t *testing.T) {
	staff := people()
	staff.Def.Name = "staff"
	other := people()
	other.Def.Name = "letters"
	mixed := people()
	mixed.Def.Name = "mixed"
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records = append(s.Records, policy.Records{Source: "crm", Table: "letters",
			Subject: map[string]string{"email": "email"}, Collected: "created"},
			policy.Records{Source: "crm", Table: "mixed", Subject: map[string]string{"email": "email"},
				Where: map[string]string{"status": "reader"}})
	}), people(), staff, other, mixed)
	hr := news(func(s *policy.Silo) {
		s.Name, s.Records[0].Table = "hr", "staff"
		s.Records = append(s.Records, policy.Records{Source: "crm", Table: "mixed",
			Subject: map[string]string{"email": "email"}, Where: map[string]string{"status": "staff"}})
	})
	require.NoError(t, w.Setup.Keys.EnsureSilo("hr"))
	compiled, err := policy.Compile(hr, rome, "IT")
	require.NoError(t, err)
	w.Setup.Silos = append(w.Setup.Silos, compiled)
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return lame{Store: w.Live, views: []connectors.View{{Name: "everybody", Tables: []string{"people", "staff"}},
			{Name: "hidden"}, {Name: "news_only", Tables: []string{"letters", "people"}},
			{Name: "none", Tables: []string{}}, {Name: "one_table", Tables: []string{"mixed"}}}}, nil
	}
	require.Equal(t, []string{"F_SILO_JOIN high everybody", "F_UNIFORM_RETENTION medium all silos",
		"F_VIEW_UNREAD low hidden"}, kinds(w.discover()))
}

func TestSoftDeletionAndRowDates(t *testing.T) {
	text, date, stamp, number := connectors.Text, connectors.Date, connectors.Timestamp, connectors.Integer
	for i, c := range []struct {
		field    connectors.Field
		values   []any
		column   string // "" the field is no mark
		inactive int64
	}{
		{field("deleted_at", stamp, true), []any{nil, "2026-01-02 03:04:05", "0000-00-00 00:00:00"}, "deleted_at", 1},
		{field("is_deleted", number, true), []any{"0", "1", "1"}, "is_deleted", 2},
		{field("isArchived", connectors.Bool, true), []any{"f", "t", nil}, "isArchived", 1},
		{field("geloescht_am", date, true), []any{nil, nil, "2026-01-02"}, "geloescht_am", 1},
		{field("gelöscht", connectors.Bit, true), []any{"0", "1", "0"}, "gelöscht", 1},
		{field("fecha_baja", date, true), []any{nil, "2026-01-02", nil}, "fecha_baja", 1},
		{field("ACTIVE", number, true), []any{"1", "0", nil}, "ACTIVE", 1},
		{field("attivo", text, true), []any{"si", "no", "si"}, "attivo", 1},
		{field("status", text, true), []any{"active", "inactive", "Deleted"}, "status", 2},
		{field("stan", text, true), []any{"aktywny", "usunięty", "nowy"}, "stan", 1},
		{field("status", text, true), []any{"open", "paid", "shipped"}, "", 0},
		{field("deleted_by", number, true), []any{nil, "7", nil}, "", 0},
		{field("undeleted", number, true), []any{"0", "1", "2"}, "", 0},
		{field("activity", text, true), []any{"run", "swim", "ride"}, "", 0},
	} {
		var rows [][]any
		for k, v := range c.values {
			rows = append(rows, []any{fmt.Sprint(k), v})
		}
		w := newWorld(t, news(func(s *policy.Silo) { s.Records[0].Source = "nowhere" }),
			table("things", []connectors.Field{id, c.field}, nil, rows...))
		row := at(t, w.discover(), "things", "")
		require.Equal(t, c.column, row.SoftDelete, "case %d: %s", i, c.field.Name)
		require.Equal(t, c.inactive, row.Inactive, "case %d: %s", i, c.field.Name)
	}

	var many [][]any
	for i := range 40 {
		many = append(many, []any{fmt.Sprint(i), fmt.Sprintf("deleted %d", i)})
	}
	things := table("things", []connectors.Field{id, field("removed", text, true)}, nil, many...)
	dates := table("orders", []connectors.Field{id, field("birth_date", date, true),
		field("updated_at", stamp, true), field("order_date", date, true), field("created_on", stamp, true)}, nil,
		[]any{"1", "1950-01-01", "2026-11-19 00:00:00", "2026-02-02", "2024-05-06 07:08:09"},
		[]any{"2", nil, nil, "2020-02-02", "2025-05-06 00:00:00"},
		[]any{"3", nil, nil, nil, "9999-12-31 00:00:00"}, []any{"4", nil, nil, nil, "0000-00-00 00:00:00"},
		[]any{"5", nil, nil, nil, nil})
	sold := table("sold", []connectors.Field{id, field("last_update", stamp, true), field("OrderDate", date, true)},
		nil, []any{"1", "2020-01-01 00:00:00", "2021-03-04"})
	w := newWorld(t, news(nil), people(), things, dates, sold)
	f := w.discover()
	require.Empty(t, at(t, f, "things", "").SoftDelete, "no mark has so many values")
	require.Equal(t, []string{"2024-05-06", "2025-05-06"},
		[]string{at(t, f, "orders", "").OldestRow, at(t, f, "orders", "").NewestRow})
	require.Equal(t, "2021-03-04", at(t, f, "sold", "").OldestRow)
	require.Equal(t, []string{"2023-01-01", "2026-01-01"},
		[]string{at(t, f, "people", "").OldestRow, at(t, f, "people", "").NewestRow})
	w.UsualEvents()
	_, err := w.night()
	require.NoError(t, err)
	f = w.facts()
	require.Equal(t, []string{"2023-01-01", "2026-01-01"},
		[]string{at(t, f, "people", "").OldestRow, at(t, f, "people", "").NewestRow}, "as the judge saw them")
}
