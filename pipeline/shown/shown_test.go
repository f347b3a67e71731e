package shown

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
)

func names(t require.TestingT, secret string) *Names {
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	return New(catalogue, func(message []byte) []byte {
		sum := sha256.Sum256(append([]byte(secret), message...))
		return sum[:]
	})
}

func TestNamesAreShownWithoutWhatTheyHold(t *testing.T) {
	n := names(t, "a")
	for _, c := range []struct{ name, want string }{ // ~ stands for a digest
		{"crm", "crm"}, {"customers", "customers"}, {"Größe", "Größe"}, {"顧客", "顧客"}, {"odd `name`. \"x\"", "odd `name`. \"x\""},
		{"", ""}, {"back\\slash", "back\\slash"}, {"crm-2026-11-20.sql.gz", "crm-2026-11-20.sql.gz"},
		{"ada@lago.it", "email~"}, {"dump of ada@lago.it (old)", "dump of email~ (old)"},
		{"/backups/ada@lago.it/crm.sql", "/backups/email~/crm.sql"},
		{"IBAN DE89370400440532013000", "IBAN iban~"}, {"4111111111111111.csv", "credit_card~.csv"},
		{"\x1b[31mred", `\x1b[31mred`}, {"a\nb\tc\x00", `a\x0ab\x09c\x00`}, {"\xff\xfe", `\xff\xfe`}, {"a\u202eb", `a\u202eb`},
		{"zero\u200bwidth", `zero\u200bwidth`}, {"nb\u00a0sp", `nb\u00a0sp`}, {"\u0085", `\u0085`},
		{"ada@la\u200bgo.it", "email~"}, {"ada\x1b@lago.it", "email~"}, {"ada@lago.it\x1b", "email~"},
		{"ada@lago.itȺ", "email~"}, {"@home", "@home"}, {"a @ b.c", "a @ b.c"},
	} {
		got := n.Of(c.name)
		require.Equal(t, c.want, regexp.MustCompile(`~[a-z2-7]{8}`).ReplaceAllString(got, "~"), "%q", c.name)
		require.Equal(t, got, n.Of(c.name))
		require.Equal(t, got, names(t, "a").Of(c.name), "it is stable")
	}
	require.NotEqual(t, n.Of("ada@lago.it"), names(t, "b").Of("ada@lago.it"), "it is keyed")
	require.NotEqual(t, n.Of("ada@lago.it"), n.Of("bob@lago.it"))
	require.Equal(t, "set/"+n.Of("ada@lago.it"), n.Of("set/ada@lago.it"))
	require.Equal(t, `\x1b`, (*Names)(nil).Of("\x1b"))
	require.Equal(t, "ada@lago.it", (*Names)(nil).Sentence("ada@lago.it"))
	require.Equal(t, "user lethe@10.0.0.5, account '"+n.Of("ada@lago.it")+"'@'%'",
		n.Sentence("user lethe@10.0.0.5, account 'ada@lago.it'@'%'"))
	unkeyed := New(n.catalogue, nil)
	require.Equal(t, "email~1", unkeyed.Of("ada@lago.it"))
	require.Equal(t, "email~2", unkeyed.Of("bob@lago.it"))
	require.Equal(t, "email~1", unkeyed.Of("ada@lago.it"))
}

// Whatever a name holds, its shown form passes the gate, is printed as it is, and is the same when shown again.
func TestAnyNameCanBeShown(t *testing.T) {
	n := names(t, "a")
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"ada@lago.it", "\x1b[2J", "\u200b", "@", "4111111111111111",
			"DE89370400440532013000", " ", ".", "/", "\xff", "x", "AKIAIOSFODNN7EXAMPLE", "=", "password"}))
		name := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
		shown := n.Of(name)
		require.True(t, utf8.ValidString(shown))
		require.NotContains(t, shown, "\x1b")
		require.NotContains(t, shown, "ada@lago.it")
		for part := range strings.SplitSeq(shown, "/") {
			require.Empty(t, Gated(n.catalogue, part), "%q", shown)
		}
		require.Equal(t, shown, n.Of(shown))
	})
}

// What is JSON stays JSON, whatever names it holds.
func TestJSONStaysJSON(t *testing.T) {
	catalogue := names(t, "a").catalogue
	rapid.Check(t, func(t *rapid.T) {
		n := New(catalogue, nil)
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"tag\U000e0041", "\x1b", "z\u200b", "\u009b", "a\u202eb", "\\",
			"ada@lago.it\"\x00"})).Draw(t, "name")
		shown := n.Of(name)
		text, err := json.Marshal([]string{"see " + name, name})
		require.NoError(t, err)
		var back []string
		require.NoError(t, json.Unmarshal([]byte(n.Text(string(text))), &back), "%q", text)
		// a name of a letter may stand in the other word; one of white space stands in every text, and is left as it is
		if len(name) > 3 && strings.TrimSpace(name) != "" {
			require.Equal(t, []string{"see " + shown, shown}, back)
		}
	})
}

func TestTextsShowTheNamesThatAreKnown(t *testing.T) {
	n := names(t, "a")
	path, odd := "/backups/ada@lago.it.sql", "odd\x1b<name>\"ada@lago.it"
	for _, name := range []string{"ada@lago.it.sql", path, odd, "plain"} {
		n.Of(name)
	}
	require.Equal(t, "open "+n.Of(path)+": no such file", n.Text("open "+path+": no such file"))
	require.Equal(t, n.Of("ada@lago.it.sql")+" and plain", n.Text("ada@lago.it.sql and plain"))
	line, err := json.Marshal(map[string]string{"source": odd})
	require.NoError(t, err)
	var back map[string]string
	require.NoError(t, json.Unmarshal([]byte(n.Text(string(line))), &back))
	require.Equal(t, map[string]string{"source": n.Of(odd)}, back)
	require.Equal(t, `"`+n.Of("tag\U000e0041")+`"`, n.Text(fmt.Sprintf("%q", "tag\U000e0041")))
	require.Equal(t, "write bob@lago.it", n.Text("write bob@lago.it"), "what is no name is not touched")
	require.Equal(t, "line\n\ttab \\x1b[0m \\u202e \\xff à la carte\u00a0: 😀", n.Text("line\n\ttab \x1b[0m \u202e \xff à la carte\u00a0: 😀"))

	var out bytes.Buffer
	w := Writer{&out, func() *Names { return n }}
	written, err := w.Write([]byte("see " + path + "\n"))
	require.NoError(t, err)
	require.Equal(t, len(path)+5, written)
	require.Equal(t, "see "+n.Of(path)+"\n", out.String())
}
