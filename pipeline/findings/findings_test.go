package findings

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// today is the night of the tests.
var today = calendar.DateOf(time.Date(2026, 5, 10, 0, 0, 0, 0, time.UTC), time.UTC)

// company is what a night read: one table, people, of one source, crm, with its inventory.
type company struct {
	setup   setup.Setup
	source  setup.Source
	reading scan.Reading
	store   *stores.Store
	read    *scan.Source
	fields  []audit.Inventory
}

// newCompany is a table without personal data of a source in production that nobody governs.
func newCompany() *company {
	c := &company{source: setup.Source{Name: "crm", Application: "crm", Environment: "production"}}
	table := connectors.Table{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{{Name: "id"},
		{Name: "code"}, {Name: "more"}}}
	c.reading = scan.Reading{Table: table, State: "scanned", Rows: 10}
	c.setup = setup.Setup{Log: slog.New(slog.DiscardHandler), Zone: time.UTC}
	c.store = stores.NewStore(setup.Source{})
	c.store.Tables = connectors.Tables{table}
	c.read = &scan.Source{Store: c.store}
	return c
}

// holds adds a field with data of a category to the table.
func (c *company) holds(column string, category classifiers.Category) *audit.Inventory {
	c.fields = append(c.fields, audit.Inventory{Object: "people", Column: column, State: "scanned", Rows: 10,
		NonEmpty: 9, Distinct: 8,
		Category: string(category), Class: string(category.Class())})
	return &c.fields[len(c.fields)-1]
}

// governs lets a silo decide the rows of tables, by rules for the fields; none is all of them.
func (c *company) governs(silo string, fields []string, tables ...string) {
	s := policy.Silo{Name: silo, Rules: []policy.Rule{{Fields: fields}}}
	for _, t := range tables {
		s.Records = append(s.Records, policy.Records{Source: c.source.Name, Table: t})
		if t == "people" {
			c.reading.Silos = append(c.reading.Silos, silo)
		}
	}
	c.setup.Silos = append(c.setup.Silos, &policy.Compiled{Silo: s})
}

// found is what the inspector finds: kind, severity, what it is about, how many.
func (c *company) found(t *testing.T) []string {
	t.Helper()
	c.setup.Sources = append(c.setup.Sources, c.source)
	c.store.Source = c.source
	tonight := setup.Tonight{Today: today}
	require.NoError(t, stores.New(&c.setup, tonight, nil, silos.New(&c.setup, tonight, nil)).Mapped(t.Context(), c.store))
	c.read.Readings = []*scan.Reading{&c.reading}
	in := &Inspector{Setup: &c.setup, Tonight: tonight, Notes: &notes.Notes{Tonight: tonight}, Scanner: &scan.Scanner{}}

	in.Inspect(c.read, c.fields)

	found := []string{}
	for _, f := range in.Notes.Facts.Findings {
		found = append(found, fmt.Sprintf("%s %s %s.%s.%s %d", f.Kind, f.Severity, f.Source, f.Object, f.Column,
			f.Count))
	}
	for _, e := range in.Notes.Facts.Exceptions {
		found = append(found, fmt.Sprintf("%s %d", e.Code, e.Count))
	}
	return found
}

func TestInspect(t *testing.T) {
	all := []string(nil) // a rule for every field
	tests := map[string]struct {
		given func(*company)
		want  []string
	}{
		"nothing personal": {func(c *company) { c.holds("code", classifiers.None) }, nil},
		"personal data that nobody governs": {func(c *company) { c.holds("code", classifiers.PersonName) },
			[]string{"F_UNMAPPED medium crm.people. 10", "E_NO_POLICY 10"}},
		"of a company, not a person": {func(c *company) {
			c.holds("code", classifiers.PersonName).Company = true
		}, nil},
		"in a table that was not read": {func(c *company) {
			c.holds("code", classifiers.PersonName)
			c.reading.State = "failed"
		}, nil},
		"personal data that a silo governs": {func(c *company) {
			c.holds("code", classifiers.PersonName)
			c.governs("news", all, "people")
		}, nil},
		"rows that no silo of the table takes": {func(c *company) {
			c.holds("code", classifiers.PersonName)
			c.governs("news", all, "people")
			c.store.Governed["people"] = []*judge.Judge{{Tally: judge.Tally{Rows: 6}}, {Tally: judge.Tally{Rows: 1}}}
		}, []string{"F_UNMAPPED medium crm.people. 3", "E_NO_POLICY 3"}},
		"every row is some silo's": {func(c *company) {
			c.holds("code", classifiers.PersonName)
			c.governs("news", all, "people")
			c.store.Governed["people"] = []*judge.Judge{{Tally: judge.Tally{Rows: 10}}}
		}, nil},
		"special data that nobody governs or approved": {func(c *company) { c.holds("code", classifiers.Health) },
			[]string{"F_UNMAPPED high crm.people. 10", "F_SPECIAL_UNAPPROVED high crm.people. 10", "E_NO_POLICY 10"}},
		"special data that is approved": {func(c *company) {
			c.holds("code", classifiers.Health)
			c.governs("news", all, "people")
			c.source.ApprovedFor = []string{"special"}
		}, nil},
		"criminal records, approved for other special data": {func(c *company) {
			c.holds("code", classifiers.OtherPersonal).Class = string(classifiers.Criminal)
			c.governs("news", all, "people")
			c.source.ApprovedFor = []string{"special"}
		}, []string{"F_SPECIAL_UNAPPROVED high crm.people. 10"}},
		"an empty field of special data": {func(c *company) {
			c.holds("code", classifiers.Health).NonEmpty = 0
			c.governs("news", all, "people")
		}, nil},
		"card numbers in the clear": {func(c *company) {
			c.holds("code", classifiers.CreditCard).Detectors = "name.card;x.card"
			c.governs("news", all, "people")
		}, []string{"F_CLEAR_PAN high crm.people.code 9"}},
		"card numbers beside something else": {func(c *company) {
			f := c.holds("code", classifiers.Phone)
			f.Also, f.Detectors = "name;"+string(classifiers.CreditCard), "x.card"
			c.governs("news", all, "people")
		}, []string{"F_CLEAR_PAN high crm.people.code 9"}},
		"card numbers by name only, as masked ones are": {func(c *company) {
			c.holds("code", classifiers.CreditCard).Detectors = "name.card"
			c.governs("news", all, "people")
		}, nil},
		"card numbers of tests": {func(c *company) {
			f := c.holds("code", classifiers.CreditCard)
			f.Detectors, f.Fictitious = "x.card", 8
			c.governs("news", all, "people")
		}, []string{"F_TEST_ID_IN_PROD low crm.people.code 8"}},
		"test values in production": {func(c *company) {
			c.holds("code", classifiers.Email).Fictitious = 2
			c.governs("news", all, "people")
		}, []string{"F_TEST_ID_IN_PROD low crm.people.code 2"}},
		"real people in a test system": {func(c *company) {
			c.holds("code", classifiers.Email)
			c.source.Environment = "test"
		}, []string{"F_PII_IN_TEST high crm.people. 10"}},
		"seven of eight values are of tests, which is less than nine of ten": {func(c *company) {
			c.holds("code", classifiers.Email).Fictitious = 7
			c.source.Environment = "test"
		}, []string{"F_PII_IN_TEST high crm.people. 10"}},
		"names in a development system": {func(c *company) {
			c.holds("code", classifiers.PersonName)
			c.source.Environment = "development"
		}, []string{"F_PII_IN_TEST medium crm.people. 10"}},
		"names beside addresses of tests": {func(c *company) {
			c.holds("code", classifiers.PersonName)
			c.holds("more", classifiers.Email).Fictitious = 8
			c.source.Environment = "test"
		}, nil},
		"nothing in the field of a test system": {func(c *company) {
			c.holds("code", classifiers.Email).NonEmpty = 0
			c.source.Environment = "test"
		}, nil},
		"a field that no rule needs": {func(c *company) {
			c.holds("id", classifiers.NationalID) // the key: a row cannot be without
			c.holds("code", classifiers.PersonName)
			c.holds("more", classifiers.Phone)
			c.governs("news", []string{"more"}, "people")
		}, []string{"F_SURPLUS_FIELD medium crm.people.code 9"}},
		"nothing in the table can be named": {func(c *company) {
			c.reading.Table.Key = nil
			c.governs("news", all, "people")
		}, []string{"F_NO_DELETE_PATH medium crm.people. 10"}},
		"nothing in the source can be changed": {func(c *company) {
			c.source.ReadOnly = true
			c.governs("news", all, "people")
		}, []string{"F_NO_DELETE_PATH medium crm.people. 10"}},
		"a backup cannot be changed row by row anyway": {func(c *company) {
			c.source.ReadOnly, c.source.Environment, c.source.Of = true, "backup", "live"
			c.setup.Sources = []setup.Source{{Name: "live", Environment: "production"}}
			c.reading.Silos = []string{"news"}
		}, nil},
		"a view of two silos": {func(c *company) {
			c.governs("news", all, "people")
			c.governs("staff", all, "employees")
			c.read.Views = []connectors.View{{Name: "everybody", Tables: []string{"people", "employees"}}}
		}, []string{"F_SILO_JOIN high crm.everybody. 0"}},
		"a view of one silo": {func(c *company) {
			c.governs("news", all, "people", "letters")
			c.read.Views = []connectors.View{{Name: "sent", Tables: []string{"people", "letters"}}}
		}, nil},
		"a view of one table that two silos share": {func(c *company) {
			c.governs("news", all, "people")
			c.governs("staff", all, "people")
			c.read.Views = []connectors.View{{Name: "names", Tables: []string{"people", "words"}}}
		}, nil},
		"a view that nobody may look into": {func(c *company) { c.read.Views = []connectors.View{{Name: "secret"}} },
			[]string{"F_VIEW_UNREAD low crm.secret. 0"}},
		"no view could be read": {func(c *company) { c.read.ViewsErr = errors.New("denied") },
			[]string{"F_VIEW_UNREAD low crm.. 0"}},
		"a backup of an application without a live source": {func(c *company) { c.source.Environment = "backup" },
			[]string{"F_BACKUP_ORPHAN medium crm.. 1"}},
		"a backup that does not say of what": {func(c *company) {
			c.source.Environment, c.source.Set = "backup", "dumps"
			c.setup.Sources = []setup.Source{{Name: "live", Application: "crm", Environment: "production"}}
		}, []string{"F_BACKUP_ORPHAN medium dumps.. 1"}},
		"a backup of what is configured no more": {func(c *company) {
			c.source.Environment, c.source.Of = "backup", "live"
		},
			[]string{"F_BACKUP_ORPHAN medium crm.. 1"}},
		"a review that ran out": {func(c *company) {
			c.setup.Reviews = []setup.Review{{Source: "crm", Table: "people", Field: "code", Until: today - 1}}
		}, []string{"F_REVIEW_EXPIRED low crm.people.code 0"}},
		"a review of what the field no longer is": {func(c *company) {
			c.setup.Reviews = []setup.Review{{Source: "crm", Table: "people", Field: "code", Until: today, SawType: "text",
				Saw: classifiers.Email}}
			c.fields = append(c.fields, audit.Inventory{Object: "people", Column: "code", State: "scanned"})
		}, []string{"F_REVIEW_CHANGED low crm.people.code 0"}},
		"a review of a path in documents": {func(c *company) {
			c.setup.Reviews = []setup.Review{{Source: "crm", Table: "people.code.a", Field: "b", Until: today}}
		}, nil},
		"a review on its last day": {func(c *company) {
			c.setup.Reviews = []setup.Review{{Source: "crm", Table: "people", Field: "code", Until: today}}
		}, nil},
		"reviews of what is not there": {func(c *company) {
			c.setup.Reviews = []setup.Review{{Source: "crm", Table: "people", Field: "gone", Until: today},
				{Source: "crm", Table: "nobody", Field: "code", Until: today}, {Source: "shop", Table: "nobody",
					Until: today}}
		}, []string{"F_REVIEW_UNKNOWN low crm.people.gone 0", "F_REVIEW_UNKNOWN low crm.nobody.code 0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCompany()
			tt.given(c)
			require.ElementsMatch(t, tt.want, c.found(t))
		})
	}
}

func TestFilesOfOneSetAreOneOrphan(t *testing.T) {
	in := &Inspector{Setup: &setup.Setup{}, Notes: &notes.Notes{}}
	for _, file := range []string{"dumps/1", "dumps/2", "dumps/3"} {
		in.orphan(&scan.Source{Store: stores.NewStore(setup.Source{Name: file, Set: "dumps", Environment: "backup"})})
	}
	require.Len(t, in.Notes.Facts.Findings, 1)
	require.EqualValues(t, 3, in.Notes.Facts.Findings[0].Count)
}
