package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/subject"
)

var update = flag.Bool("update", false, "write schema.json anew")

type object = map[string]any

// asWritten are the types that a text or a mapping is read into by a method of theirs.
var asWritten = map[reflect.Type]object{
	reflect.TypeFor[calendar.Period](): {"type": "string", "pattern": `^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?$`,
		"examples": []string{"P2Y", "P24M", "P4W", "P30D"}},
	reflect.TypeFor[Holiday](): {"type": "string", "pattern": `^(\d{4}-)?\d{2}-\d{2}$`},
	reflect.TypeFor[Roles]():   {"type": "array", "items": object{"type": []string{"string", "object"}}},
	reflect.TypeFor[subject.Written](): {"anyOf": []object{{"type": "object"}, {"type": "array",
		"items": object{"type": "object"}}}},
	reflect.TypeFor[intake.Cell](): {"anyOf": []object{anyText, {"type": "object", "additionalProperties": false, "properties": object{
		"field": object{"type": "string"}, "words": object{"type": "object", "additionalProperties": anyText}}}}},
}

// anyText is a text, which YAML may write without quotes so that it looks like something else: $defs/text.
var anyText = object{"$ref": "#/$defs/text"}

// oneOf are the fields that hold one of some words.
func oneOf() map[string][]string {
	var names []string
	for _, k := range Connectors() {
		names = append(names, k.Name)
	}
	var bases []string
	for _, b := range []policy.Basis{policy.Consent, policy.Contract, policy.LegalObligation, policy.VitalInterest, policy.PublicTask,
		policy.LegitimateInterest} {
		bases = append(bases, string(b))
	}
	return map[string][]string{"Source.connector": names, "Source.environment": environments, "Rule.basis": bases,
		"Source.tls": {"waived"}, "Source.old_versions": {"delete", "keep"}, "Source.dates": {"dmy", "mdy"},
		"Dependent.do": {"delete", "set_null"}, "Remnant.do": {policy.ClearRemnant, policy.ReplaceRemnant, policy.DeleteRemnant}}
}

// maker makes the schema of the configuration from its types, and what they say of themselves.
type maker struct {
	t     *testing.T
	words map[string][]string
	defs  object
	said  map[string]map[string]string // package: what stands beside or above a type or a field
}

func (m *maker) of(t reflect.Type) object {
	if s, ok := asWritten[t]; ok {
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": m.of(t.Elem())}
	case reflect.Map:
		values := m.of(t.Elem())
		if t.Elem().Kind() == reflect.Pointer && t.Elem().Elem().Kind() == reflect.String {
			values = object{"anyOf": []object{anyText, {"type": "null"}}}
		}
		return object{"type": "object", "additionalProperties": values}
	case reflect.Struct:
		if m.defs[t.Name()] == nil {
			m.defs[t.Name()] = true // while its fields are made
			properties := object{}
			m.fields(t, properties)
			m.defs[t.Name()] = object{"type": "object", "additionalProperties": false, "properties": properties,
				"description": m.comment(t, t.Name())}
		}
		return object{"$ref": "#/$defs/" + t.Name()}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return anyText
	case reflect.Interface:
		return object{}
	}
	m.t.Fatalf("a field of type %s: say how it is written", t)
	return nil
}

func (m *maker) fields(t reflect.Type, into object) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, how, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case how == "inline":
			m.fields(f.Type, into)
		case name != "" && name != "-":
			s := object{}
			for k, v := range m.of(f.Type) {
				s[k] = v
			}
			if list := m.words[t.Name()+"."+name]; list != nil {
				s = object{"enum": list}
			}
			if about := m.comment(t, t.Name()+"."+f.Name); about != "" {
				s["description"] = about
			}
			into[name] = s
		}
	}
}

// comment is what the source says of a type, or of a field of one.
func (m *maker) comment(t reflect.Type, name string) string {
	pkg := t.PkgPath()
	if m.said[pkg] == nil {
		m.said[pkg] = map[string]string{}
		files, err := filepath.Glob(filepath.Join("..", "..", strings.TrimPrefix(pkg, "lethe/"), "*.go"))
		require.NoError(m.t, err)
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			require.NoError(m.t, err)
			m.comments(f, m.said[pkg])
		}
	}
	return m.said[pkg][name]
}

func (m *maker) comments(f *ast.File, into map[string]string) {
	flat := func(groups ...*ast.CommentGroup) string {
		for _, g := range groups {
			if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
				return text
			}
		}
		return ""
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			typ, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			into[typ.Name.Name] = flat(typ.Doc, g.Doc)
			fields, ok := typ.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					into[typ.Name.Name+"."+name.Name] = flat(field.Comment, field.Doc)
				}
			}
		}
	}
}

// TestSchemaIsThatOfTheTypes: `go test ./jobs/config -run TestSchema -update` writes it.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	m := &maker{t: t, words: oneOf(), defs: object{"text": object{"type": []string{"string", "number", "boolean"}}}, said: map[string]map[string]string{}}
	root := m.of(reflect.TypeFor[Config]())
	root["$schema"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", m.defs
	root["title"] = "The configuration of lethe"
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	require.NoError(t, e.Encode(root))
	if *update {
		require.NoError(t, os.WriteFile("schema.json", want.Bytes(), 0o644))
	}
	require.True(t, want.String() == Schema, "the types say something else: write it anew")
}

// fits holds a configuration against the schema.
func fits(t *testing.T, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("lethe.json", doc))
	s, err := c.Compile("lethe.json")
	require.NoError(t, err)
	inJSON, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(inJSON))
	require.NoError(t, err)
	return s.Validate(value)
}

func TestWhatIsReadFitsTheSchema(t *testing.T) {
	require.NoError(t, fits(t, Example))
	for _, file := range []string{"testdata/complete.yaml", "../../fixtures/company/lethe.yaml", "../cmd/lethe/testdata/company.yaml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, fits(t, string(text)), file)
	}
	for name, text := range map[string]string{
		"an unknown key":            "controler: {name: A}",
		"an unknown key in a rule":  "silos: {a: {rules: [{basiss: consent}]}}",
		"a list for a text":         "state: [a]",
		"a period in hours":         "registry: {max_age: PT3H}",
		"an unknown environment":    "sources: {a: {environment: prod}}",
		"an unknown connector":      "sources: {a: {connector: oracle}}",
		"a text for a number":       "breakers: {max_rows: many}",
		"a mapping for a mapping's": "sources: {a: [x]}",
	} {
		require.Error(t, fits(t, text), name)
	}
}
