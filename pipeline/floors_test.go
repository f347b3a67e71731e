package pipeline_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// floor says which packages of this module a package may import: those named, and no other. A folder that ends in /...
// stands for all below it. A package of the pipeline may besides import those on lower floors of the house.
type floor struct {
	pkg  string
	may  []string
	pure bool // no input or output, no clock
	test bool // only tests and the demo use it: it may import test packages
}

// house is the packages of the pipeline, the lowest floor first. A package may import those below its own floor, and none
// beside it.
var house = [][]string{
	// days, names, reasons, values, durable state, keys, identifiers, a database, tables: no package of ours
	{"registry/keystore/nh", "registry/keystore/cmac", "registry/keystore/private", "journal/packed", "registry/identifier/scripts", "registry/identifier/residue", "registry/identifier/signs"},
	{"numbered", "dependents/circles", "policy/calendar", "policy/names", "policy/reason", "policy/subject", "anonymize", "registry/keystore",
		"registry/identifier",
		"registry/internal/database", "audit", "audit/page/lang", "audit/page/chart", "shown"},
	{"journal/sealed"},
	{"journal", "audit/spool", "registry/person"}, // sealed with a key; rows of the evidence, until a report is made
	{"answers", "policy/law", "policy/intake", "policy/instant", "registry/event", "registry/internal/tables", "audit/figures", "audit/page/fill"},
	{"policy", "registry/seal", "answers/adoption"}, // the rules; what keeps rows from being believed that somebody else wrote
	{"policy/decide", "policy/starts", "registry/receipt", "registry/hashed", "audit/picture",
		"audit/queries", "audit/page/tonight"},
	{"policy/words", "registry/delivery", "audit/page/details", "audit/page/matters", "audit/page/plots"},
	{"policy/lint", "registry/chain", "audit/page/night"},
	{"registry/cases", "audit/page/month", "audit/page/index"},
	{"registry/standings"},
	{"registry/retention", "registry/whole"},
	{"registry", "audit/tilelog", "audit/stamp", "audit/page", "audit/parquet", "audit/sealed"},
	{"audit/expiry", "audit/receipts"},
	{"audit/manifest"},
	{"audit/evidence", "audit/publish"},
	{"audit/witness"},
	{"setup", "via"},                   // what a night is wired with; identifiers that stand in other tables
	{"state", "suppression", "review"}, // what earlier nights left, and what a person is asked of it
	{"vouched"},                        // what the runner signs for itself
	{"engines", "tried", "lent", "chronicle", "notes", "silos", "aside", "adopted", "judge/cells", "judge/crowd", "judge/roots", "waiting"}, // what this one notes, what the registry says, and what databases refused
	{"census", "judge/targets", "judge/traces"}, // the people and rows that the night meets
	{"judge"},                        // one row
	{"change", "stores", "remnants"}, // a change of a row; the open sources; people in fields that no silo governs
	{"dependents/edges"},             // how rows refer to each other
	{"dependents", "scan", "intake"},
	{"plan", "copies/snapshot"},
	{"execute/verdict"},                 // what may happen to a changed row now
	{"orders"},                          // what people let nights do unasked
	{"sanitize/maker", "sanitize/part"}, // values that are made up; rows that are chosen
	{"report", "limits", "findings", "clock", "copies", "execute", "plan/rows", "plan/values", "requests"},
	{"erased"}, // what is said of an erasure that was done
	{"planner", "apply", "forget", "duties", "keys", "balance", "terms", "incidents", "proofs", "tidy", "sanitize", "handover"},
	{"restored", "fulfil", "letters"}, // what a copy brought back; what one person asked, and is told
	{"ask/backups", "ask/trial", "ask/allowed", "ask/whatif", "ask/lint", "ask/zones", "ask/processing", "ask/joins"},
	{"ask"},
}

// floors has a line for every package that stands in no house; the first that fits holds. A package without a line fails the
// test: a new one gets its floor here first.
var floors = []floor{
	{pkg: "jobs/cmd/lethe", may: []string{"jobs"}},
	{pkg: "jobs", may: []string{"jobs/config", "jobs/doctor", "jobs/draft", "jobs/metrics", "jobs/schedule", "pipeline", "pipeline/...", "classifiers", "connectors", "connectors/delimited",
		"connectors/conformance", "connectors/signature"}},
	{pkg: "jobs/config", may: []string{"jobs/schedule", "pipeline", "pipeline/...", "classifiers", "connectors", "connectors/..."}},
	{pkg: "jobs/draft", may: []string{"pipeline/setup", "pipeline/judge", "pipeline/anonymize", "pipeline/ask/joins", "pipeline/ask/zones", "pipeline/policy/instant", "classifiers", "connectors"}},
	{pkg: "jobs/schedule", may: []string{"pipeline/setup"}},
	{pkg: "jobs/metrics", may: []string{"pipeline/ask", "pipeline/audit", "pipeline/setup", "pipeline/state"}},
	{pkg: "jobs/doctor", may: []string{"pipeline/ask", "pipeline/ask/backups", "pipeline/policy/calendar", "pipeline/setup"}},
	{pkg: "pipeline", may: []string{"pipeline/..."}},
	{pkg: "pipeline/policy/policytest", may: []string{"pipeline/policy", "pipeline/policy/calendar"}, test: true},
	{pkg: "pipeline/policy", pure: true},
	{pkg: "pipeline/policy/...", pure: true},
	{pkg: "pipeline/anonymize", may: []string{"connectors"}, pure: true},
	{pkg: "pipeline/registry"},
	{pkg: "pipeline/registry/event", pure: true},
	{pkg: "pipeline/registry/identifier", may: []string{"classifiers/ident"}, pure: true}, // the check digits of national numbers
	{pkg: "pipeline/registry/internal/database", may: []string{"connectors/wire"}},        // how long a server is waited for
	{pkg: "pipeline/registry/delivery", may: []string{"connectors/delimited"}},            // CSV is read alike wherever it is read
	{pkg: "pipeline/registry/..."},
	{pkg: "pipeline/journal"},
	{pkg: "pipeline/journal/..."},
	{pkg: "pipeline/audit"},
	{pkg: "pipeline/audit/audittest", may: []string{"pipeline/audit", "pipeline/audit/figures",
		"pipeline/registry/keystore"}, test: true},
	{pkg: "pipeline/audit/..."},
	{pkg: "pipeline/pipelinetest", may: []string{"pipeline/setup", "pipeline/policy", "pipeline/policy/calendar",
		"pipeline/registry", "pipeline/registry/event", "pipeline/registry/keystore", "connectors", "connectors/mem", "classifiers"}, test: true},
	{pkg: "pipeline/findings", may: []string{"connectors", "connectors/signature", "classifiers"}}, // what lies beside backups
	{pkg: "pipeline/ask/backups", may: []string{"connectors/signature"}},
	{pkg: "pipeline/sanitize", may: []string{"connectors", "classifiers", "classifiers/ident"}},     // numbers that are nobody's
	{pkg: "pipeline/remnants", may: []string{"connectors", "classifiers", "classifiers/container"}}, // encodings that hide an address
	{pkg: "pipeline/...", may: []string{"connectors", "classifiers"}},
	{pkg: "classifiers", may: []string{"classifiers/container", "classifiers/gazetteer", "classifiers/ident"}, pure: true},
	{pkg: "classifiers/container", pure: true},
	{pkg: "classifiers/ident", pure: true},
	{pkg: "classifiers/gazetteer", may: []string{"classifiers/gazetteer/internal/fold"}, pure: true},
	{pkg: "classifiers/gazetteer/internal/fold", pure: true},
	{pkg: "classifiers/gazetteer/gen", may: []string{"classifiers/gazetteer", "classifiers/gazetteer/internal/fold"}},
	{pkg: "connectors"},
	{pkg: "connectors/conformance", may: []string{"connectors", "connectors/conformance/..."}},
	{pkg: "connectors/conformance/require"},
	{pkg: "connectors/connectortest", may: []string{"connectors", "connectors/conformance"}, test: true},
	{pkg: "connectors/delimited"},
	{pkg: "connectors/internal/dumpfile", may: []string{"connectors", "connectors/internal/keyset", "connectors/internal/packed", "connectors/internal/textfile"}},
	{pkg: "connectors/internal/packed", may: []string{"connectors", "connectors/signature"}},
	{pkg: "connectors/internal/keyset", may: []string{"connectors"}},
	{pkg: "connectors/internal/locked", may: []string{"connectors"}},
	{pkg: "connectors/internal/paging", may: []string{"connectors", "connectors/internal/keyset"}},
	{pkg: "connectors/internal/textfile", may: []string{"connectors", "connectors/internal/packed"}},
	{pkg: "connectors/internal/scratch"},
	{pkg: "connectors/internal/pgarchive", may: []string{"connectors"}},
	{pkg: "connectors/internal/anew", may: []string{"connectors", "connectors/internal/packed", "connectors/internal/textfile"}},
	{pkg: "connectors/signature", may: []string{"connectors"}}, // what files and folders are, wherever they lie
	{pkg: "connectors/shelf", may: []string{"connectors"}},
	{pkg: "connectors/shelf/...", may: []string{"connectors", "connectors/shelf", "connectors/wire"}},
	{pkg: "connectors/wire"}, // connections, whatever speaks on them
	{pkg: "connectors/restore", may: []string{"connectors", "connectors/internal/pgarchive", "connectors/internal/scratch", "connectors/mysql", "connectors/postgres", "connectors/sqlite"}}, // opens what it put back
	{pkg: "connectors/...", may: []string{"connectors", "connectors/delimited", "connectors/wire", "connectors/signature", "connectors/internal/...",
		"connectors/conformance", "connectors/conformance/..."}},
	{pkg: "fixtures/...", may: []string{"..."}, test: true},
}

// below lists the packages of the pipeline on the floors under that of a package; false for one that has no floor.
func below(pkg string) (lower []string, ok bool) {
	for _, floor := range house {
		if slices.Contains(floor, strings.TrimPrefix(pkg, "pipeline/")) {
			return lower, true
		}
		for _, p := range floor {
			lower = append(lower, "pipeline/"+p)
		}
	}
	return nil, false
}

// Test files stand on the floor of their package, and may besides import these.
var testsMay = []string{"connectors/connectortest", "connectors/...", "fixtures/...", "connectors", "pipeline/...", "classifiers", "jobs", "jobs/config"}

// outside says who may import what is not of this module; what is not in it, everybody may. The engine of a store is its connector's business, the
// command line is the job's.
var outside = []struct {
	module string
	by     []string
}{
	{"github.com/go-sql-driver/mysql", []string{"connectors/mysql", "connectors/restore", "pipeline/registry/internal/database"}},
	{"github.com/microsoft/go-mssqldb", []string{"connectors/sqlserver"}},
	{"github.com/aws/aws-sdk-go-v2", []string{"connectors/shelf/s3"}},
	{"github.com/pkg/sftp", []string{"connectors/shelf/sftp"}},
	{"golang.org/x/crypto/ssh", []string{"connectors/shelf/sftp"}},
	{"github.com/jackc/pgx", []string{"connectors/postgres", "connectors/restore", "pipeline/registry/internal/database"}},
	{"github.com/ncruces/go-sqlite3", []string{"connectors/sqlite", "pipeline/registry/internal/database", "pipeline/registry/internal/tables",
		"pipeline/journal", "pipeline/journal/sealed"}},
	{"database/sql", []string{"connectors/mysql", "connectors/restore", "connectors/wire", "connectors/sqlite", "connectors/postgres", "connectors/sqlserver", "pipeline/registry", "pipeline/registry/cases",
		"pipeline/registry/chain", "pipeline/registry/retention", "pipeline/registry/internal/database", "pipeline/journal"}},
	{"github.com/pierrec/lz4", []string{"connectors/internal/packed", "connectors/internal/pgarchive", "connectors/signature"}},
	{"github.com/ulikunitz/xz", []string{"connectors/internal/packed"}},
	{"github.com/dsnet/compress", []string{"connectors/internal/packed"}},
	{"github.com/xitongsys", []string{"pipeline/audit/parquet"}},
	{"github.com/apache/arrow/go/v15/parquet", []string{"pipeline/audit/parquet"}},
	{"github.com/apache/arrow/go/v15/parquet/pqarrow", nil}, // brings grpc: 14 MB
	{"github.com/digitorus", []string{"pipeline/audit/stamp"}},
	{"golang.org/x/mod/sumdb", []string{"pipeline/audit/tilelog"}},
	{"html/template", nil},                                  // calls methods by name, so that all are linked: 5 MB
	{"text/template", []string{"pipeline/audit/page/fill"}}, // its parser
	{"github.com/spf13/cobra", []string{"jobs"}},
	{"github.com/goccy/go-yaml", []string{"jobs/config"}},
	{"github.com/robfig/cron", []string{"jobs/schedule"}},
	{"net/smtp", []string{"jobs/schedule"}},
	{"github.com/prometheus", []string{"jobs/metrics"}},
	{"github.com/vbauerster/mpb", []string{"jobs"}},
	{"golang.org/x/term", []string{"jobs"}},
	{"golang.org/x/sys", []string{"connectors/internal/anew", "jobs"}},
	{"testing", nil},
	{"github.com/stretchr/testify", nil},
	{"pgregory.net/rapid", nil},
	{"github.com/rogpeppe/go-internal", nil},
}

// impure is what a pure package may not import, and clocks are the functions of package time that it may not call.
var (
	impure = []string{"os", "io/fs", "net", "net/http", "syscall", "database/sql", "log", "log/slog", "os/exec", "math/rand", "math/rand/v2", "crypto/rand", "golang.org/x/sys"}
	clocks = []string{"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker"}
)

func TestImportsDoNotClimb(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	files := 0
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "var" || d.Name() == "bin") && file != root {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		files++
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		climbs, err := climbs(filepath.ToSlash(name), nil, root)
		for _, c := range climbs {
			t.Error(c)
		}
		return err
	})
	require.NoError(t, err)
	require.Greater(t, files, 100, "the walk found the module")
}

func TestImportsThatClimbAreFound(t *testing.T) {
	for _, c := range []struct{ file, source, want string }{
		{"pipeline/policy/x.go", `import "lethe/pipeline/registry"`, "may not import lethe/pipeline/registry"},
		{"pipeline/judge/x.go", `import "lethe/pipeline/stores"`, "may not import lethe/pipeline/stores"},
		{"pipeline/findings/x.go", `import "lethe/pipeline/limits"`, "may not import lethe/pipeline/limits"}, // one beside it
		{"pipeline/stores/x.go", `import "lethe/pipeline/judge"`, ""},
		{"pipeline/new/x.go", ``, "has no floor"},
		{"pipeline/policy/x.go", `import "lethe/jobs"`, "may not import lethe/jobs"},
		{"pipeline/policy/x_test.go", `import "lethe/jobs/cmd/lethe"`, "may not import lethe/jobs/cmd/lethe"},
		{"pipeline/policy/x.go", `import "os"`, "is pure"},
		{"pipeline/policy/decide/x.go", `import "os"`, "is pure"},
		{"pipeline/policy/x.go", `import "lethe/pipeline/policy/decide"`, "may not import lethe/pipeline/policy/decide"},
		{"pipeline/policy/lint/x.go", `import "lethe/pipeline/policy/policytest"`, "may not import"},
		{"pipeline/registry/chain/x.go", `import "github.com/ncruces/go-sqlite3/driver"`, "is for others"},
		{"pipeline/registry/chain/x.go", `import "lethe/pipeline/registry/standings"`, "may not import lethe/pipeline/registry/standings"},
		{"pipeline/registry/event/x.go", `import "time"; var _ = time.Now`, "reads the clock"},
		{"pipeline/policy/x.go", `import clock "time"; var _ = clock.Now`, "reads the clock"},
		{"classifiers/x.go", `import "lethe/connectors"`, "may not import lethe/connectors"},
		{"pipeline/x.go", `import "lethe/connectors/mysql"`, "may not import lethe/connectors/mysql"},
		{"pipeline/x.go", `import _ "lethe/connectors/connectortest"`, "may not import lethe/connectors/connectortest"},
		{"connectors/mysql/x.go", `import "lethe/connectors/sqlite"`, "may not import lethe/connectors/sqlite"},
		{"connectors/mysql/x.go", `import "github.com/stretchr/testify/require"`, "is for others"},
		{"jobs/draft/x.go", `import "lethe/jobs/config"`, "may not import lethe/jobs/config"},
		{"jobs/x.go", `import "github.com/goccy/go-yaml"`, "is for others"},
		{"jobs/x.go", `import "testing"`, "is for others"},
		{"jobs/x.go", `import "lethe/fixtures/servers"`, "may not import lethe/fixtures/servers"},
		{"pipeline/x.go", `import "github.com/ncruces/go-sqlite3/driver"`, "is for others"},
		{"connectors/new/x.go", `import "github.com/spf13/cobra"`, "is for others"},
		{"surprise/x.go", ``, "has no floor"},
		{"pipeline/audit/page/x.go", `import "html/template"`, "is for others"},
		{"pipeline/audit/parquet/x.go", `import "github.com/apache/arrow/go/v15/parquet/pqarrow"`, "is for others"},
		{"pipeline/audit/page/x.go", `import "lethe/pipeline/audit/audittest"`, "may not import"},
		{"pipeline/audit/page/chart/x.go", `import "lethe/pipeline/audit"`, "may not import"},
		{"pipeline/x.go", `import "lethe/pipeline/pipelinetest"`, "may not import"},
		{"connectors/new/x.go", `func init() {}`, "init"},
		{"connectors/mysql/x.go", `import "lethe/connectors"`, ""},
		{"connectors/mysql/x_test.go", `import "lethe/connectors/connectortest"`, ""},
		{"connectors/mysql/x.go", `import "lethe/connectors/connectortest"`, "may not import lethe/connectors/connectortest"},
		{"connectors/mysql/x.go", `import "lethe/connectors/conformance"`, ""},
		{"connectors/conformance/x.go", `import "testing"`, "is for others"},
		{"connectors/conformance/x.go", `import "lethe/connectors/mem"`, "may not import lethe/connectors/mem"},
		{"pipeline/policy/x.go", `import "time"; var _ = time.Time{}`, ""},
	} {
		t.Run(c.file+" "+c.source, func(t *testing.T) {
			got, err := climbs(c.file, []byte("package x\n"+c.source), "")
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.Contains(t, got[0], c.want)
		})
	}
}

// climbs reads one file (or source, where it is given) and says what it imports that its floor does not allow.
func climbs(name string, source []byte, root string) ([]string, error) {
	var src any
	if source != nil {
		src = source
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	pkg, test := path.Dir(name), strings.HasSuffix(name, "_test.go")
	i := slices.IndexFunc(floors, func(f floor) bool { return under(pkg, f.pkg) })
	if i < 0 {
		return []string{fmt.Sprintf("package %s has no floor: give it a line in floors_test.go", pkg)}, nil
	}
	floor := floors[i]
	may := append(slices.Clone(floor.may), pkg)
	if strings.HasPrefix(pkg, "pipeline/") && !floor.test {
		lower, ok := below(pkg)
		if !ok {
			return []string{fmt.Sprintf("package %s has no floor: give it its place in the house of floors_test.go", pkg)}, nil
		}
		may = append(may, lower...)
	}
	if test {
		may = append(may, testsMay...)
	}
	var wrong []string
	say := func(format string, args ...any) {
		wrong = append(wrong, name+": "+fmt.Sprintf(format, args...))
	}
	clock := ""
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if own, ok := strings.CutPrefix(imported, "lethe/"); ok {
			allowed := slices.ContainsFunc(may, func(m string) bool { return under(own, m) })
			if !allowed || !test && !floor.test && testOnly(own) {
				say("%s may not import %s", pkg, imported)
			}
			continue
		}
		if test || floor.test {
			continue
		}
		if floor.pure && slices.ContainsFunc(impure, func(m string) bool { return imported == m }) {
			say("%s is pure: it may not import %s", pkg, imported)
			continue
		}
		for _, o := range outside {
			if (imported == o.module || strings.HasPrefix(imported, o.module+"/")) && !slices.Contains(o.by, pkg) {
				say("%s is for others, not for %s", imported, pkg)
			}
		}
		if floor.pure && imported == "time" {
			clock = "time"
			if spec.Name != nil {
				clock = spec.Name.Name
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && clock != "" && x.Name == clock && slices.Contains(clocks, n.Sel.Name) {
				say("%s is pure: it reads the clock with time.%s", pkg, n.Sel.Name)
			}
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				say("%s has an init: nothing registers itself", pkg)
			}
		}
		return true
	})
	return wrong, nil
}

// testOnly reports whether a package of this module is for tests and the demo only.
func testOnly(pkg string) bool {
	return under(pkg, "connectors/connectortest") || under(pkg, "pipeline/audit/audittest") ||
		under(pkg, "pipeline/pipelinetest") || under(pkg, "pipeline/policy/policytest") || under(pkg, "fixtures/...")
}

// under reports whether a package is the one named, or, where the name ends in /..., below it.
func under(pkg, name string) bool {
	if name == "..." {
		return true
	}
	if folder, ok := strings.CutSuffix(name, "/..."); ok {
		return strings.HasPrefix(pkg, folder+"/")
	}
	return pkg == name
}
