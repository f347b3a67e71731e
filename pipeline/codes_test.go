package pipeline_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/notes"
)

// TestEveryCodeIsListed looks for codes of decisions, exceptions, questions and stops in the sources: each
// stands in the list, with its article and its words.
func TestEveryCodeIsListed(t *testing.T) {
	listed := map[string]notes.CodeMeaning{}
	for _, c := range notes.Codes() {
		require.NotContains(t, listed, c.Code)
		listed[c.Code] = c
		require.Regexp(t, `^(Art\.|Recital) \d`, c.Article, c.Code)
		require.Regexp(t, `^[A-Z].*\.$`, c.Words, c.Code)
	}
	seen := 0
	for _, pattern := range []string{"*.go", "*/*.go", "ask/*/*.go", "policy/*/*.go", "registry/*/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			// whose codes are of copies that could not be reached
			if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "copies/") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			code := regexp.MustCompile(`"([KDXEIB]_[A-Z][A-Z_0-9]*[A-Z0-9])"`)
			for _, m := range code.FindAllStringSubmatch(string(source), -1) {
				require.Contains(t, listed, m[1], file)
				seen++
			}
		}
	}
	require.Greater(t, seen, len(listed))
	require.Contains(t, listed, "E_SUPPRESSED")
	require.Contains(t, listed, "E_CONSENT_ID_CONFLICT", "a statement's, beside E_ID_CONFLICT of a row")
}

// TestEveryFindingHasAMessage looks for kinds of findings in the sources, and for codes of exceptions: each has a sentence
// in the catalogue, with what to do, so that no page says it in English alone. Only what tables say of consents and the
// registry refuses shares one, which names the code.
func TestEveryFindingHasAMessage(t *testing.T) {
	w, err := lang.In(lang.English)
	require.NoError(t, err)
	seen := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "audittest") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`"(F_[A-Z][A-Z_]*[A-Z])"`).FindAllStringSubmatch(string(source), -1) {
			seen[m[1]] = true
		}
		return err
	}))
	require.Greater(t, len(seen), 80)
	delete(seen, "F_ORDER") // the beginning of several
	for _, stop := range []string{notes.StopNoMatch, notes.StopUnparseable, notes.StopShrunk} {
		seen[stop] = true
	}
	for kind := range seen {
		for _, weight := range []string{"high", "medium", "low"} {
			require.NotEmpty(t, w.Finding(kind, weight, "crm.people", 2), kind)
		}
	}
	for _, c := range notes.Codes() {
		exception := strings.HasPrefix(c.Code, "E_") || strings.HasPrefix(c.Code, "X_")
		if exception && !strings.HasPrefix(c.Words, "A table's rows say of consents what the registry refuses") {
			require.True(t, w.Has("exception."+c.Code) || w.Has("reason."+c.Code), c.Code)
		}
	}
}
