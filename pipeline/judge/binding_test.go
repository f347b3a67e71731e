package judge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// TestBindRefusesWhatASourceCannotServe names in its error every field and table that is wrong.
func TestBindRefusesWhatASourceCannotServe(t *testing.T) {
	record := func(edit func(*policy.Records)) func(*policy.Silo) {
		return func(s *policy.Silo) { edit(&s.Records[0]) }
	}
	hash := "hash"
	for _, test := range []struct {
		name  string
		edit  func(*policy.Silo)
		words []string // none: it is served
	}{
		{name: "as it is", edit: func(*policy.Silo) {}},
		{name: "with all that there is", edit: record(func(r *policy.Records) {
			r.Owns = []policy.Owned{{Table: "addresses", FK: []string{"address"}}}
			r.Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"person"}, Do: "delete"}}
		})},
		{name: "no table", edit: record(func(r *policy.Records) { r.Table = "persons" }),
			words: []string{"no table persons"}},
		{name: "no subject", edit: record(func(r *policy.Records) { r.Subject = map[string]string{"email": "mail"} }),
			words: []string{"no field mail"}},
		{name: "no discriminator", edit: record(func(r *policy.Records) { r.Where = map[string]string{"sort": "x"} }),
			words: []string{"no field sort"}},
		{name: "no day of collecting", edit: record(func(r *policy.Records) { r.Collected = "made" }),
			words: []string{"no field made"}},
		{name: "no collection", edit: record(func(r *policy.Records) { r.Collection = "form" }),
			words: []string{"no field form"}},
		{name: "no block", edit: record(func(r *policy.Records) {
			r.Block = &policy.Block{Set: map[string]string{"off": "1"}, Unset: map[string]string{"off": "0"}}
		}), words: []string{"no field off"}},
		{name: "no start", edit: func(s *policy.Silo) { s.Rules[1].At = "over" }, words: []string{"no field over"}},
		{name: "a start that moves", edit: func(s *policy.Silo) { s.Rules[1].At = "moment" },
			words: []string{"field moment", "set anew at every update"}},
		{name: "a day of collecting that moves", edit: record(func(r *policy.Records) { r.Collected = "moment" }),
			words: []string{"field moment", "set anew at every update"}},
		{name: "a technique that does not fit",
			edit:  func(s *policy.Silo) { s.Anonymize = map[string]*string{"active": nil} },
			words: []string{"source crm table people", "active"}},
		{name: "a key to be anonymized", edit: func(s *policy.Silo) { s.Anonymize = map[string]*string{"id": &hash} },
			words: []string{"part of the key"}},
		{name: "a field of another table",
			edit: func(s *policy.Silo) { s.Anonymize = map[string]*string{"elsewhere": nil} }},
		{name: "no owned table", edit: record(func(r *policy.Records) {
			r.Owns = []policy.Owned{{Table: "houses", FK: []string{"address"}}}
		}), words: []string{"owned table houses is not in source crm"}},
		{name: "no field of the owned", edit: record(func(r *policy.Records) {
			r.Owns = []policy.Owned{{Table: "addresses", FK: []string{"house"}}}
		}), words: []string{"no field house"}},
		{name: "no dependent table", edit: record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "visits", FK: []string{"person"}, Do: "delete"}}
		}), words: []string{"dependent table visits is not in source crm"}},
		{name: "no field of the dependent", edit: record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"who"}, Do: "delete"}}
		}), words: []string{"dependent table clicks of source crm has no field who"}},
		{name: "a dependent that cannot forget", edit: record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"person"}, Do: "set_null"}}
		}), words: []string{"clicks of source crm: field person cannot be NULL"}},
		{name: "a reference that is none, by kind", edit: record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"at"}, Do: "delete"}}
		}), words: []string{"dependent clicks: field at (timestamp) cannot hold what people.id does (integer)"}},
		{name: "a reference that is none, by number", edit: record(func(r *policy.Records) {
			r.Dependents = []policy.Dependent{{Table: "clicks", FK: []string{"person", "at"}, Do: "delete"}}
		}), words: []string{"dependent clicks: fk has 2 fields, and the key of people has 1 (id)"}},
		{name: "several",
			edit:  record(func(r *policy.Records) { r.Table, r.Collected, r.Collection = "people", "made", "form" }),
			words: []string{"no field made", "no field form"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Bind(source(), catalog(), compiled(t, test.edit), records(test.edit), &silos.Silo{}, time.UTC)
			if test.words == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, setup.ErrConfig)
			for _, words := range test.words {
				require.ErrorContains(t, err, words)
			}
		})
	}
}

// TestAnOwnedParentIsFoundByItsPrimaryKey refuses a foreign key of the catalog that refers to another one.
func TestAnOwnedParentIsFoundByItsPrimaryKey(t *testing.T) {
	tables := catalog()
	tables[0].ForeignKeys = []connectors.ForeignKey{
		{Fields: []string{"address"}, RefTable: "addresses", RefFields: []string{"code"}},
	}
	_, err := Bind(source(), tables, compiled(t, owning), records(owning), &silos.Silo{}, time.UTC)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "owned table addresses: a foreign key must refer to its key")

	tables[0].ForeignKeys[0].RefFields = []string{"id"}
	_, err = Bind(source(), tables, compiled(t, owning), records(owning), &silos.Silo{}, time.UTC)
	require.NoError(t, err)
}

// TestWhatABindingResolves finds the columns of a policy's names: a rule's own start, else that of collecting.
func TestWhatABindingResolves(t *testing.T) {
	byCollecting := func(s *policy.Silo) { s.Rules[1].Start, s.Rules[1].At = policy.Collected, "" }
	for _, test := range []struct {
		name   string
		edits  []func(*policy.Silo)
		starts []string
		clears []string // fields that clearing may change
		always []string // and those that anonymizing changes
	}{
		{name: "starts at a field", starts: []string{"", "ended"}, clears: []string{"phone", "note"}},
		{name: "starts at collecting", edits: edits(byCollecting), starts: []string{"", "since"},
			clears: []string{"phone", "note"}},
		{name: "anonymizes", edits: edits(anonymizing), starts: []string{"", "ended"},
			always: []string{"phone", "name", "note"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy, records := compiled(t, test.edits...), records(test.edits...)
			b, err := Bind(source(), catalog(), policy, records, &silos.Silo{}, time.UTC)
			require.NoError(t, err)
			require.Equal(t, []int{0}, b.Key)
			require.Equal(t, column(t, "since"), b.collected)
			require.Equal(t, -1, b.collection)
			for i, field := range test.starts {
				want := -1
				if field != "" {
					want = column(t, field)
				}
				got := -1
				if b.Starts[i] != nil {
					got = b.Starts[i].Column
				}
				require.Equal(t, want, got)
			}
			var clears, always []string
			for _, target := range b.Targets {
				require.Equal(t, column(t, target.Field), target.Column)
				if target.Anonymize {
					always = append(always, target.Field)
				} else {
					clears = append(clears, target.Field)
				}
			}
			require.Equal(t, test.clears, clears)
			require.Equal(t, test.always, always)
		})
	}
}

// TestMethodNamesHowAChangeIsCarriedOut for the report.
func TestMethodNamesHowAChangeIsCarriedOut(t *testing.T) {
	g := newCourt(t).judge(anonymizing)
	for change, want := range map[Change]string{
		None: "", Block: "block_flag", Unblock: "block_flag", Delete: "sql_delete", SetNull: "null_fields",
		Anonymize: "null_fields;constant",
	} {
		require.Equal(t, want, g.Method(change), change)
	}
	backup := *g.Binding
	backup.Source.Of = "crm"
	require.Equal(t, "rewrite;sql_delete", NewJudge(&backup).Method(Delete))
}
