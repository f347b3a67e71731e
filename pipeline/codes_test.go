package pipeline_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
)

// TestEveryCodeIsListed looks for codes of decisions, exceptions, questions and stops in the sources: each stands in the list, with its article and its words.
func TestEveryCodeIsListed(t *testing.T) {
	listed := map[string]pipeline.CodeMeaning{}
	for _, c := range pipeline.Codes() {
		require.NotContains(t, listed, c.Code)
		listed[c.Code] = c
		require.Regexp(t, `^(Art\.|Recital) \d`, c.Article, c.Code)
		require.Regexp(t, `^[A-Z].*\.$`, c.Words, c.Code)
	}
	seen := 0
	for _, pattern := range []string{"*.go", "policy/*.go", "policy/*/*.go", "registry/event/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if ok, _ := filepath.Match("*_test.go", filepath.Base(file)); ok || file == "sync.go" { // whose codes are of copies that could not be reached
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`"([KDXEIB]_[A-Z][A-Z_0-9]*[A-Z0-9])"`).FindAllStringSubmatch(string(source), -1) {
				require.Contains(t, listed, m[1], file)
				seen++
			}
		}
	}
	require.Greater(t, seen, len(listed))
	require.Contains(t, listed, "E_SUPPRESSED")
	require.Contains(t, listed, "E_CONSENT_ID_CONFLICT", "a statement's, beside E_ID_CONFLICT of a row")
}
