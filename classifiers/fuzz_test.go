package classifiers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{"a":{"b":[1,{"c":"x"},true,null]},"a.b":"y"}`,
		`[{"email":"a@b.eu"},{"email":"c@d.eu"}]`, `<?xml version="1.0"?><a b="1"><c>text</c><c/></a>`, `{"a":"`,
		`<a><b>`, `<!DOCTYPE x [<!ENTITY e "v">]><x>&e;</x>`, strings.Repeat(`{"a":`, 50),
		`a:2:{s:5:"email";s:6:"a@b.eu";s:1:"x";a:1:{i:0;s:9:"{\"a\":\"b\"}";}}`, "email=a%40b.eu&x=1", "---\na: b\nc: d\n"} {
		f.Add([]byte(s))
	}
	c, err := New()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := c.Scan(Table{Name: "t", Fields: []Field{{Name: "c", Kind: "text"}}})
		s.columns[0].sample.add(hashBytes(b), b)
		require.LessOrEqual(t, len(c.Verdicts(s)[0].Fields), maxPaths+1)
	})
}
