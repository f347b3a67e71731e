package handover

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/setup"
)

func text(s string) *string { return &s }

// whole is a document with something of everything.
func whole(as string) *Document {
	return &Document{Schema: SchemaID(as), As: as, Language: "it", Silo: "club", Request: "r1", Received: "2026-11-01",
		MadeOn: "2026-11-20", Controller: Company{Name: "Prova <Srl>", Address: "Via Po 9", DPO: "dpo@prova.example"},
		Purposes: []Purpose{{Purpose: "club", Basis: "consent", Article: "6(1)(a)", Term: "P24M", Starts: "consent_given",
			Because: "form", Fields: []string{}, Words: "il Suo consenso", Kept: "24 mesi"}},
		Records: []Record{{Application: "crm", Source: "crm", Table: "people", How: "own", Until: "2027-01-01", Fields: []Field{
			{Name: "name", Category: "person_name", Value: text("Ada <b>"), Words: "nome", Shown: "Ada <b>"},
			{Name: "mail", Category: "email", Value: text("ada@lago.it"), Shown: "ada@lago.it"},
			{Name: "mail2", Category: "email", Value: text("ada@home.it"), Shown: "ada@home.it"},
			{Name: "city", Category: "city", Value: text("Torino"), Shown: "Torino"},
			{Name: "face", Category: "photo_or_avatar", Value: text("/9g="), Encoding: "base64", Shown: "2 byte"},
		}}, {Application: "crm", Source: "crm", Table: "people", How: "own", Fields: []Field{
			{Name: "name", Category: "person_name", Value: text("Ada, \"née\"\nBruni"), Shown: "x"}}}},
		Consents: []Consent{{Collection: 1, Type: "given", Purpose: "club", At: "2026-01-01T10:00:00Z", Proof: true}},
		Holders:  []Holder{{Application: "crm", Location: "IT"}}, Copies: []Copy{{Of: "crm", TakenOn: "2026-11-01", Rows: 2}},
		Withheld: []Withheld{{Source: "crm", Table: "people", Field: "note", Code: ThirdParty, Words: "altri"}},
		Missing:  []string{}, Rights: []Right{{Article: "17", Words: "può"}}}
}

// TestTheFilesAreAsTheirSchemaSays holds the JSON of both answers against the schema that goes with them.
func TestTheFilesAreAsTheirSchemaSays(t *testing.T) {
	for _, as := range []string{Access, Portability} {
		files, err := whole(as).Files()
		require.NoError(t, err)
		var schema, data any
		require.NoError(t, json.Unmarshal(files["schema.json"], &schema))
		require.NoError(t, json.Unmarshal(files["data.json"], &data))
		require.Empty(t, against(schema.(map[string]any), schema.(map[string]any), data, as))
		data.(map[string]any)["more"] = 1
		require.NotEmpty(t, against(schema.(map[string]any), schema.(map[string]any), data, as))
	}
}

// against says how a value is not as a schema says, as far as these schemas go.
func against(root, s map[string]any, v any, at string) (wrong []string) {
	if ref, ok := s["$ref"].(string); ok {
		s = root["$defs"].(map[string]any)[filepath.Base(ref)].(map[string]any)
	}
	if c, ok := s["const"]; ok && c != v {
		wrong = append(wrong, fmt.Sprintf("%s is not %v", at, c))
	}
	if list, ok := s["enum"].([]any); ok && !slices.Contains(list, v) {
		wrong = append(wrong, fmt.Sprintf("%s: %v is none of %v", at, v, list))
	}
	types := map[bool][]any{true: {s["type"]}}[s["type"] != nil]
	if list, ok := s["type"].([]any); ok {
		types = list
	}
	is := map[string]any{"string": "", "boolean": false, "integer": 0.0, "null": nil}
	if len(types) > 0 && !slices.ContainsFunc(types, func(name any) bool {
		switch v.(type) {
		case map[string]any:
			return name == "object"
		case []any:
			return name == "array"
		}
		return fmt.Sprintf("%T", is[name.(string)]) == fmt.Sprintf("%T", v)
	}) {
		wrong = append(wrong, fmt.Sprintf("%s: %T is no %v", at, v, types))
	}
	if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v.(string)) {
		wrong = append(wrong, fmt.Sprintf("%s: %v does not fit %s", at, v, p))
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			wrong = append(wrong, against(root, s["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for key, item := range v {
			if properties[key] == nil {
				wrong = append(wrong, at+" has "+key)
				continue
			}
			wrong = append(wrong, against(root, properties[key].(map[string]any), item, at+"."+key)...)
		}
		for _, key := range s["required"].([]any) {
			if _, ok := v[key.(string)]; !ok {
				wrong = append(wrong, fmt.Sprint(at, " lacks ", key))
			}
		}
	}
	return wrong
}

// TestPortable puts what a person gave into the places of schema.org; what is there twice, or has no place, stands beside.
func TestPortable(t *testing.T) {
	p := whole(Portability).people()
	require.Equal(t, "Ada <b>", p.Graph[0].Name)
	require.Equal(t, "ada@lago.it", p.Graph[0].Email)
	require.Equal(t, "Torino", p.Graph[0].Address.City)
	var beside []string
	for _, a := range p.Graph[0].Additional {
		beside = append(beside, a.Name)
	}
	require.Equal(t, []string{"mail2", "face"}, beside)
	require.Nil(t, p.Graph[1].Address)
}

// TestThePage says everything in the language of the person, and lets no value be markup.
func TestThePage(t *testing.T) {
	for _, code := range lang.Languages() {
		d := whole(Access)
		d.Language = code
		odd := "x\x1b[31m\x07\u202e<i>"
		d.Records[0].Table, d.Records[0].Application, d.Records[0].Fields[0].Name = odd, odd, odd
		d.Copies[0].Of, d.Withheld[0].Field, d.Holders[0].Application = odd, odd, odd
		files, err := d.Files()
		require.NoError(t, err)
		page := string(files["index.html"])
		require.Contains(t, page, `<html lang="`+code+`">`)
		require.Contains(t, page, "Ada &lt;b&gt;")
		require.Contains(t, page, "Prova &lt;Srl&gt;")
		require.NotContains(t, page, "answer.")
		require.NotRegexp(t, `\d{4}-\d\d-\d\d`, page, "days are said as the language says them")
		require.NotContains(t, page, "Ada <b>")
		require.NotContains(t, page, "<i>")
		require.False(t, strings.ContainsAny(page, "\x1b\x07\u202e"), "a name steers a screen")
		require.Contains(t, string(files["data.json"]), `\u001b[31m`, "who asked is told what stands there")
	}
	require.Equal(t, "name,mail,mail2,city,face\r\nAda <b>,ada@lago.it,ada@home.it,Torino,/9g=\r\n"+
		"\"Ada, \"\"née\"\"\r\nBruni\",,,,\r\n", string(must(whole(Access).Files())["crm.people.csv"]))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestEveryKindOfDataHasWords says each category that the classifiers know in each language.
func TestEveryKindOfDataHasWords(t *testing.T) {
	words := must(lang.In(lang.English))
	for _, c := range []classifiers.Category{classifiers.PersonName, classifiers.Secret, classifiers.FreeText,
		classifiers.Financial, classifiers.Region, classifiers.CompanyOnly} {
		require.True(t, words.Has("cat."+string(c)), c)
	}
	for _, w := range Withholdings {
		require.True(t, words.Has("withheld."+string(w)), w)
	}
	for _, typ := range shown {
		require.True(t, words.Has("event."+string(typ)), typ)
	}
	for basis := range articles {
		require.True(t, words.Has("basis."+string(basis)), basis)
	}
}

// TestFilesAreWrittenOnce writes into a new folder or a new file only, and encrypted nothing of it is to be read.
func TestFilesAreWrittenOnce(t *testing.T) {
	files := must(whole(Access).Files())
	folder := filepath.Join(t.TempDir(), "answer")
	require.NoError(t, files.Write(folder))
	require.ErrorIs(t, files.Write(folder), setup.ErrConfig)
	info, err := os.Stat(filepath.Join(folder, "data.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	key := must(age.GenerateX25519Identity())
	path := folder + ".zip.age"
	require.NoError(t, files.Seal(path, key.Recipient()))
	require.ErrorIs(t, files.Seal(path, key.Recipient()), setup.ErrConfig)
	body := must(os.ReadFile(path))
	require.NotContains(t, string(body), "ada@lago.it")
	open := must(io.ReadAll(must(age.Decrypt(bytes.NewReader(body), key))))
	packed := must(zip.NewReader(bytes.NewReader(open), int64(len(open))))
	var names []string
	for _, f := range packed.File {
		names = append(names, f.Name)
		require.Equal(t, files[f.Name], must(io.ReadAll(must(f.Open()))), f.Name)
	}
	require.Equal(t, "crm.people.csv data.json index.html schema.json", strings.Join(names, " "))

	digest := files.Digest()
	files["data.json"] = append(files["data.json"], ' ')
	require.NotEqual(t, digest, files.Digest())
}

// TestParseWithheld reads a field, whose table may have points in its name.
func TestParseWithheld(t *testing.T) {
	p := &setup.Setup{Sources: []setup.Source{{Name: "crm"}, {Name: "old", Of: "crm"}}}
	list, err := ParseWithheld(p, []string{"crm.a.b.c=security", "crm.t.f=third_party"})
	require.NoError(t, err)
	require.Equal(t, map[string]Withholding{"crm.a.b.c": Security, "crm.t.f": ThirdParty}, list)
	for _, bad := range []string{"crm.t=security", "crm.t.f", "crm.t.f=whim", "old.t.f=security", "none.t.f=security"} {
		_, err := ParseWithheld(p, []string{bad})
		require.ErrorIs(t, err, setup.ErrUsage, bad)
	}
}
