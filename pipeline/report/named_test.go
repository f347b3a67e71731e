package report

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/shown"
)

func testNames(t *testing.T) *shown.Names {
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	return shown.New(catalogue, func(message []byte) []byte {
		sum := sha256.Sum256(message)
		return sum[:]
	})
}

// Wherever a name may stand in a report, it is shown without what it holds; the facts themselves stay.
func TestNamesInAReportAreShown(t *testing.T) {
	n := testNames(t)
	const odd = "dump of ada@lago.it\x1b"
	of := func(place string) string { return place + " " + odd }
	facts := func() audit.Facts {
		f := audit.Facts{
			Run: audit.Run{Host: of("host"), PlaintextWaived: "crm;" + of("waived"), RegistryHeads: "crm:1:ff"},
			Inventory: []audit.Inventory{{Source: of("source"), Application: of("application"), Database: of("database"),
				Object: of("object"), Column: of("column"), Type: "enum('ada@lago.it')", SoftDelete: of("soft"),
				Reason: "file " + of("source") + " is damaged", RefersTo: "x." + of("column"),
				Terms: "foreign key (refers to x." + of("column") + ", which is email) +8.0"}, {RefersTo: of("object") + ".id"}},
			Findings: []audit.Finding{{FindingID: "f", Kind: "F_UNMAPPED", Source: "crm", Object: of("object"),
				Words: "Table " + of("object") + " has no rule."}},
			Summary: []audit.Summary{{Source: of("source"), Object: of("object")}},
			Plans:   []audit.Plan{{Source: of("source"), Object: of("object")}},
			Exceptions: []audit.Exception{{Source: of("source"), Object: of("object"),
				Words: "See " + of("object") + "."}},
			Backups:     []audit.Backup{{Source: of("source"), Application: of("application"), Path: "/b/" + of("path"), Why: of("path")}},
			ConsentSync: []*audit.ConsentSync{{Target: of("target"), Source: of("source"), Object: of("object")}},
		}
		return f
	}
	was := facts()
	got := named(was, n)
	require.Equal(t, facts(), was)
	require.Equal(t, n.Of(of("object")), got.Findings[0].Object)
	require.Equal(t, "Table "+n.Of(of("object"))+" has no rule.", got.Findings[0].Words)
	require.Equal(t, notes.FindingID(got.Findings[0]), got.Findings[0].FindingID)
	require.Equal(t, "crm;"+n.Of(of("waived")), got.Run.PlaintextWaived)
	require.Equal(t, "crm:1:ff", got.Run.RegistryHeads)
	everyText(t, reflect.ValueOf(got), func(place, text string) {
		require.NotContains(t, text, "lago.it", place)
		require.NotContains(t, text, "\x1b", place)
	})
	require.Equal(t, was, named(was, nil))

	plain := audit.Facts{Findings: []audit.Finding{{FindingID: "f", Source: "crm", Object: "customers", Words: "All is well."}}}
	require.Equal(t, plain, named(plain, n))

	rows := [][]audit.Action{{{Source: of("source"), System: "crm", Object: "a"}, {Source: of("source"), System: of("system"),
		Object: of("object")}}, {{Source: "crm", System: "crm", Object: "a"}}}
	var settled []string
	for batch, err := range eachNamed(func(yield func([]audit.Action, error) bool) {
		for _, batch := range rows {
			if !yield(batch, nil) {
				return
			}
		}
	}, n) {
		require.NoError(t, err)
		for _, a := range batch {
			settled = append(settled, a.Source+"|"+a.System+"|"+a.Object)
		}
	}
	source := n.Of(of("source"))
	require.Equal(t, []string{source + "|crm|a", source + "|" + n.Of(of("system")) + "|" + n.Of(of("object")), "crm|crm|a"}, settled)
}

// Every field of the tables whose name is that of a place is known to hold a name, or not to.
func TestEveryPlaceIsKnown(t *testing.T) {
	codes := []string{"Silo", "Environment", "Location"} // of the configuration, which says what they may be
	places := append(slices.Clone(codes), nameFields...)
	for _, row := range []any{audit.Inventory{}, audit.Finding{}, audit.Summary{}, audit.Plan{}, audit.Decision{}, audit.Action{},
		audit.Exception{}, audit.Backup{}, audit.ConsentSync{}} {
		typ := reflect.TypeOf(row)
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Type.Kind() == reflect.String && f.Name == "Source" || f.Name == "Object" || f.Name == "Table" ||
				f.Name == "Field" || f.Name == "Database" || f.Name == "File" || f.Name == "Folder" || f.Name == "User" {
				require.Contains(t, places, f.Name, typ.Name())
			}
		}
	}
}

func everyText(t *testing.T, v reflect.Value, look func(place, text string)) {
	switch v.Kind() {
	case reflect.Pointer:
		everyText(t, v.Elem(), look)
	case reflect.Slice:
		for i := range v.Len() {
			everyText(t, v.Index(i), look)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.String {
				look(fmt.Sprint(v.Type(), ".", v.Type().Field(i).Name), f.String())
			} else {
				everyText(t, f, look)
			}
		}
	}
}
