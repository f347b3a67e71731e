package jobs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// twelve are the errors that end a command with 12, as setup.ExitCode has it.
var twelve = []string{"ErrTampered", "ErrChanged", "ErrCorrupt", "ErrAltered", "ErrBroken"}

// passedOn are places that pass on what another one says: with them goes what the guide has of that.
var passedOn = map[string][]string{
	"jobs/audit.go auditCommand":              {"lethe audit verify"},
	"jobs/audit_cosign.go witnessed":          {"the report does not hold: it is not cosigned"},
	"pipeline/answered.go openAnswers":        {"Answers of people were missing or altered"},
	"pipeline/logged.go keepLog":              {"The log of nights in the reports was altered"},
	"pipeline/silos/silos.go verify":          {"the event is missing"},
	"pipeline/silos/silos.go unusable":        {"a row without a seal"},
	"pipeline/state/answers.go Complete":      {"who acknowledged that answers are lost"},
	"pipeline/state/answers.go SeenAnswers":   {"a manifest is not as it was signed"},
	"pipeline/state/lost.go Untouched":        {"a manifest is not as it was signed"},
	"pipeline/terms/terms.go Purge":           {"the text of policy …"},
	"pipeline/registry/whole/rows.go said":    {"the row of hold …", "the row of request …"},
	"pipeline/registry/hashed/walk.go broken": {"the event is missing"},
	"pipeline/registry/seal/seal.go Broken":   {"a row without a seal"},
}

// TestEveryTwelveHasItsWayOut walks every place in the code that ends a command with 12, and finds what it says in the
// guide, in a row with a way out; and nothing in the guide that no place says.
func TestEveryTwelveHasItsWayOut(t *testing.T) {
	rows := waysOut(t)
	places := twelves(t)
	require.Greater(t, len(places), 50)
	said, wrong := map[string]bool{}, []string{}
	for _, place := range places {
		fragments := passedOn[place.where]
		if place.text != "" {
			fragments = nil
			for fragment := range rows {
				if strings.Contains(place.text, fragment) {
					fragments = append(fragments, fragment)
				}
			}
		}
		if len(fragments) == 0 {
			wrong = append(wrong, fmt.Sprintf("%s ends with 12 and says %q: say in the guide what leads on", place.where,
				place.text))
		}
		for _, fragment := range fragments {
			said[fragment] = true
		}
	}
	for fragment, out := range rows {
		if !said[fragment] {
			wrong = append(wrong, fmt.Sprintf("the guide has %q, and no place says it", fragment))
		}
		if !wayOut.MatchString(out) {
			wrong = append(wrong, fmt.Sprintf("the guide has no way out of %q", fragment))
		}
	}
	for fragment := range said {
		if rows[fragment] == "" {
			wrong = append(wrong, fmt.Sprintf("the guide lacks %q", fragment))
		}
	}
	require.Empty(t, wrong)
}

var wayOut = regexp.MustCompile("`lethe [a-z]+|copy|the next night ends as always|put it back")

// waysOut are the texts of messages that the guide has, with what leads on.
func waysOut(t *testing.T) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for line := range strings.Lines(guides(t)["jobs/docs/evidence-that-does-not-hold.md"]) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			continue
		}
		for _, code := range inlineCode.FindAllString(cells[1], -1) {
			rows[strings.Trim(code, "`")] = cells[3]
		}
	}
	require.Greater(t, len(rows), 40)
	return rows
}

// saying is a place in the code that ends a command with 12: the file and the function, and what it says, with … for
// what differs; "" only what it passes on.
type saying struct{ where, text string }

var verb = regexp.MustCompile(`%(\[\d\])?[.0-9]*[a-z]`)

// twelves finds the places: calls of fmt.Errorf with one of the errors, registry's errors with what they say of a silo,
// and sentences that are handed to those who make them.
func twelves(t *testing.T) (places []saying) {
	t.Helper()
	files := token.NewFileSet()
	require.NoError(t, fs.WalkDir(os.DirFS(".."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, filepath.Join("..", path), nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			where := path + " " + function.Name.Name
			ast.Inspect(function, func(n ast.Node) bool {
				texts, is := sentencesOf(n, strings.HasPrefix(path, "pipeline/registry/"))
				for _, text := range texts {
					if strings.Trim(text, ":… ") == "" {
						text = ""
					}
					places = append(places, saying{where, text})
				}
				if is && len(texts) == 0 {
					places = append(places, saying{where, ""})
				}
				if id, ok := n.(*ast.ReturnStmt); ok { // one that is returned bare says nothing at all
					for _, r := range id.Results {
						require.False(t, isTwelve(r), "%s returns the bare error", where)
					}
				}
				return true
			})
		}
		return nil
	}))
	return places
}

// sentencesOf are what a node says that ends a command with 12, if it is one.
func sentencesOf(n ast.Node, registry bool) (texts []string, is bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := identifierOf(n.Fun)
		switch {
		case name == "Errorf" && slices.ContainsFunc(n.Args[1:], isTwelve):
			return []string{literal(n.Args[0])}, true
		case registry && (name == "broken" || name == "Broken") && literal(n.Args[len(n.Args)-1]) != "":
			return []string{literal(n.Args[len(n.Args)-1])}, true
		}
	case *ast.CompositeLit:
		if identifierOf(n.Type) != "TamperedError" {
			return nil, false
		}
		for _, e := range n.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok && identifierOf(pair.Key) == "What" && literal(pair.Value) != "" {
				texts = append(texts, literal(pair.Value))
			}
		}
		return texts, true
	}
	return nil, false
}

// isTwelve reports whether an expression is one of the errors.
func isTwelve(e ast.Expr) bool { return slices.Contains(twelve, identifierOf(e)) }

func identifierOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// literal is the text that stands in an expression, with … for what differs.
func literal(e ast.Expr) string {
	var text strings.Builder
	ast.Inspect(e, func(n ast.Node) bool {
		if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
			s, err := strconv.Unquote(b.Value)
			if err != nil {
				panic(fmt.Sprintf("%s does not parse, which compiles", b.Value))
			}
			text.WriteString(s)
		}
		return true
	})
	return verb.ReplaceAllString(text.String(), "…")
}
