package draft

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/subject"
)

// applications are those whose tables stand in testdata, as far as their presets speak of them: a line for each table,
// with its fields as name:kind, ? for those that may be NULL, * for those of the key, and ->TABLE.FIELD for a foreign
// key; `lacks` names tables of other versions. Written from the applications' public schemas.
func applications(t *testing.T) (names []string) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".txt"))
	}
	require.NotEmpty(t, names)
	return names
}

var kinds = map[string]connectors.Kind{"int": connectors.Integer, "number": connectors.Decimal, "text": connectors.Text,
	"date": connectors.Date, "time": connectors.Timestamp, "bool": connectors.Bool}

// tablesOf are the tables of an application, with another prefix where it has one and renamed says so.
func tablesOf(t *testing.T, p Preset, renamed string) (tables []connectors.Table, lacks []string) {
	text, err := os.ReadFile("testdata/" + p.ID + ".txt")
	require.NoError(t, err)
	name := func(s string) string {
		if p.Prefix == "" || !strings.HasPrefix(s, p.Prefix) {
			return s
		}
		return renamed + strings.TrimPrefix(s, p.Prefix)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		words := strings.Fields(line)
		if words[0] == "lacks" {
			for _, w := range words[1:] {
				lacks = append(lacks, name(w))
			}
			continue
		}
		table := connectors.Table{Name: name(words[0])}
		for _, w := range words[1:] {
			w, ref, isRef := strings.Cut(w, "->")
			field, kind, ok := strings.Cut(w, ":")
			require.True(t, ok, "%s: %s", words[0], w)
			if kind, ok = strings.CutSuffix(kind, "*"); ok {
				table.Key = append(table.Key, field)
			}
			f := connectors.Field{Name: field}
			kind, f.Nullable = strings.CutSuffix(kind, "?")
			f.Kind, ok = kinds[kind]
			require.True(t, ok, "%s.%s: %s", words[0], field, kind)
			table.Fields = append(table.Fields, f)
			if isRef {
				to, of, _ := strings.Cut(ref, ".")
				table.ForeignKeys = append(table.ForeignKeys, connectors.ForeignKey{Fields: []string{field}, RefTable: name(to),
					RefFields: []string{of}})
			}
		}
		tables = append(tables, table)
	}
	return tables, lacks
}

func draftOf(p Preset, tables []connectors.Table) *Draft {
	k := connectors.Connector{Name: "mysql", Schemes: []string{"mysql"}}
	return New(k, connectors.Options{Name: p.ID, DSN: p.ID}, tables, nil, today)
}

var blank = regexp.MustCompile(`(period|max_age|article|because|owner|notice): ""`)

var missing = regexp.MustCompile(`# The preset knows of tables[a-z ]* that are not here: (.*)\.\n`)

// named is what a pattern names in a text; "" where it is not there.
func named(pattern *regexp.Regexp, text string) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// silosOf reads the silos that a draft proposes, with its blanks filled in.
func silosOf(t *testing.T, text string) map[string]policy.Silo {
	fill := map[string]string{"period": "P2Y", "max_age": "P2Y"}
	text = blank.ReplaceAllStringFunc(text, func(s string) string {
		key, _, _ := strings.Cut(s, ":")
		if v, ok := fill[key]; ok {
			return key + ": " + v
		}
		return key + ": as-decided"
	})
	var file struct {
		Silos map[string]policy.Silo `yaml:"silos"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &file))
	require.NotEmpty(t, file.Silos)
	return file.Silos
}

// Each application is recognised by its tables, under another prefix too, and what its preset says builds and is of
// tables and fields that are there.
func TestPresetsFitTheirApplications(t *testing.T) {
	list, err := Presets()
	require.NoError(t, err)
	for _, app := range applications(t) {
		i := slices.IndexFunc(list, func(p Preset) bool { return p.ID == app })
		require.GreaterOrEqual(t, i, 0, app)
		p := list[i]
		prefixes := []string{p.Prefix}
		if p.Prefix != "" {
			prefixes = append(prefixes, "old_", "")
		}
		for _, prefix := range prefixes {
			t.Run(app+"/"+prefix, func(t *testing.T) {
				tables, lacks := tablesOf(t, p, prefix)
				d := draftOf(p, tables)
				found, ok := d.Recognise(list)
				require.True(t, ok)
				require.Equal(t, app, found.ID)
				text := d.Text()
				require.NotContains(t, text, "# decide: these refer to it as well", "every foreign key to a record is named")
				require.Equal(t, strings.Join(lacks, ", "), named(missing, text), "nothing is named that is not there")
				require.NotRegexp(t, `SOURCE|REVIEW`, text[strings.Index(text, "\nsilos:"):])
				for name, s := range silosOf(t, text) {
					s.Name = name
					checkSilo(t, s, tables)
				}
			})
		}
	}
}

// checkSilo checks a silo against the tables of its application.
func checkSilo(t *testing.T, s policy.Silo, tables []connectors.Table) {
	if s.Suppression {
		require.NoError(t, policy.CheckSuppression(s))
		return
	}
	compiled, err := policy.Compile(s, today.Location(), "IT")
	require.NoError(t, err)
	for _, r := range compiled.Silo.Records {
		record := fieldsOf(t, tables, r.Table, s.Name)
		for _, rule := range s.Rules {
			record(rule.At)
			for _, f := range rule.Fields {
				record(f)
			}
		}
		record(r.Collected)
		followed(t, tables, r.Table, r.Subject, r.Via)
		for f := range r.Where {
			record(f)
		}
		if r.Block != nil {
			for f := range r.Block.Set {
				record(f)
			}
		}
		for f, technique := range s.Anonymize {
			if field := record(f); technique == nil {
				require.True(t, field.Nullable, "%s.%s cannot be NULL", r.Table, f)
			}
		}
		for _, dep := range r.Dependents {
			child := fieldsOf(t, tables, dep.Table, s.Name)
			for _, f := range dep.FK {
				field := child(f)
				require.True(t, dep.Do != "set_null" || field.Nullable, "%s.%s cannot be NULL", dep.Table, f)
			}
			foreign := slices.ContainsFunc(tables, func(t connectors.Table) bool {
				return t.Name == dep.Table && slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
					return slices.Equal(fk.Fields, dep.FK)
				})
			})
			require.NotEqual(t, foreign, dep.References != "", "%s (%v): references is for those without a foreign key",
				dep.Table, dep.FK)
		}
	}
	for _, m := range s.Consents {
		row := fieldsOf(t, tables, m.Table, s.Name)
		for _, f := range m.Fields() {
			row(f)
		}
		followed(t, tables, m.Table, m.Subject, m.Via)
		require.True(t, slices.ContainsFunc(s.Rules, func(r policy.Rule) bool { return r.Purpose == m.Purpose }))
	}
}

// followed follows the ways to the identifiers of a table's rows.
func followed(t *testing.T, tables []connectors.Table, table string, fields map[string]string, via []subject.Via) {
	row := fieldsOf(t, tables, table, "subject")
	for _, f := range fields {
		row(f)
	}
	for _, v := range via {
		at, hop := table, row
		for _, step := range v.Path {
			if step.From != "" {
				hop(step.From)
			}
			at = step.Table
			hop = fieldsOf(t, tables, at, "subject of "+table)
			hop(step.Field)
		}
		for _, f := range v.Fields {
			hop(f)
		}
	}
}

// fieldsOf finds the fields of a table, which has to be there with each that is asked for.
func fieldsOf(t *testing.T, tables []connectors.Table, table, where string) func(string) connectors.Field {
	i := slices.IndexFunc(tables, func(t connectors.Table) bool { return t.Name == table })
	require.GreaterOrEqual(t, i, 0, "%s: there is no table %s", where, table)
	return func(field string) connectors.Field {
		if field == "" {
			return connectors.Field{}
		}
		j := slices.IndexFunc(tables[i].Fields, func(f connectors.Field) bool { return f.Name == field })
		require.GreaterOrEqual(t, j, 0, "%s: %s has no field %s", where, table, field)
		return tables[i].Fields[j]
	}
}
