package classifiers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{"a":{"b":[1,{"c":"x"},true,null]},"a.b":"y"}`,
		`[{"email":"a@b.eu"},{"email":"c@d.eu"}]`, `<?xml version="1.0"?><a b="1"><c>text</c><c/></a>`, `{"a":"`,
		`<a><b>`, `<!DOCTYPE x [<!ENTITY e "v">]><x>&e;</x>`, strings.Repeat(`{"a":`, 50)} {
		f.Add([]byte(s))
	}
	c, err := New()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		var w walker
		w.walk(b, len(b)%2 == 0)
		require.LessOrEqual(t, len(w.list), 4*maxPaths)
		for _, l := range w.list {
			require.LessOrEqual(t, strings.Count(l.path, "."), maxDepth+2)
		}
		s := c.Scan(Table{Name: "t", Fields: []Field{{Name: "c", Kind: "text"}}})
		s.columns[0].sample.add(hashBytes(b), b)
		require.LessOrEqual(t, len(c.Verdicts(s)[0].Fields), maxPaths+1)
	})
}
