package pipeline_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The house rules in numbers, for code that is no test: what grows over one of them is two things by now.
const (
	packageLines = 1500
	fileLines    = 600
	columns      = 120 // a tab is four
	complexity   = 20  // of a function: 1, and one for each way that it can branch (McCabe, IEEE TSE SE-2(4), 1976)
)

func TestNothingGrowsOutOfBounds(t *testing.T) {
	lines, files := map[string]int{}, 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		files++
		lines[filepath.Dir(path)] += bytes.Count(source, []byte("\n"))
		for _, fault := range outOfBounds(t, path, source) {
			t.Error(fault)
		}
		return nil
	}))
	for pkg, n := range lines {
		require.LessOrEqual(t, n, packageLines, "package %s", pkg)
	}
	require.Greater(t, files, 100)
}

// outOfBounds says what of a file is too large.
func outOfBounds(t *testing.T, path string, source []byte) (faults []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	if bytes.Count(source, []byte("\n")) > fileLines {
		faults = append(faults, path+": too many lines")
	}
	at := 0
	for line := range bytes.Lines(source) {
		at++
		line = bytes.TrimRight(line, "\n")
		if utf8.RuneCount(line)+3*bytes.Count(line, []byte("\t")) > columns {
			faults = append(faults, path+": a line is too long: "+string(bytes.TrimSpace(line)))
		}
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && complexityOf(fn) > complexity {
			faults = append(faults, path+": "+fn.Name.Name+" branches too often")
		}
	}
	return faults
}

func complexityOf(fn *ast.FuncDecl) int {
	n := 1
	ast.Inspect(fn, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

func TestWhatIsOutOfBoundsIsFound(t *testing.T) {
	branches := strings.Repeat("if a && b { }\n", 10)
	for _, c := range []struct{ name, source, says string }{
		{"lines", "package p\n" + strings.Repeat("\n", fileLines), "too many lines"},
		{"columns", "package p\n\n//" + strings.Repeat("x", columns-1), "a line is too long"},
		{"tabs", "package p\n\nfunc f() {\n\t//" + strings.Repeat("x", columns-5) + "\n}\n", "a line is too long"},
		{"branches", "package p\n\nfunc f(a, b bool) {\n" + branches + "}\n", "f branches too often"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := outOfBounds(t, "p.go", []byte(c.source))
			require.Len(t, found, 1)
			require.Contains(t, found[0], c.says)
		})
	}
	within := "package p\n\n//" + strings.Repeat("x", columns-2) + "\nfunc f(a, b bool) {\n" +
		strings.Repeat("if a && b { }\n", 9) + "if a { }\n}\n"
	require.Empty(t, outOfBounds(t, "p.go", []byte(within)))
}
