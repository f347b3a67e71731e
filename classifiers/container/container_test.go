package container

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func walker() *Walker {
	return &Walker{Most: 256, Name: func(key string) string {
		if strings.ContainsAny(key, ".@") || key == "" {
			return "*"
		}
		return key
	}}
}

// read walks a document and returns its leaves as lines.
func read(doc string, cut bool) (Format, []string) {
	f, leaves := walker().Walk([]byte(doc), cut)
	var list []string
	for _, l := range leaves {
		list = append(list, l.Path+"="+string(l.Value)+" ("+l.In+")")
	}
	return f, list
}

func TestDocuments(t *testing.T) {
	in64 := base64.StdEncoding.EncodeToString([]byte(`a:1:{s:4:"mail";s:6:"a@b.eu";}`))
	for _, k := range []struct {
		name, doc string
		format    Format
		want      []string
	}{
		{"json", `{"a":{"b":[1,{"c":"x"},true,null]},"a.b":"y"}`, JSON,
			[]string{"a.b=1 (json)", "a.b.c=x (json)", "a.b=true (json)", "*=y (json)"}},
		{"json, cut off", `{"to":"a@b.eu","text":"and so`, JSON, []string{"to=a@b.eu (json)"}},
		{"json and more", `{"a":"b"} is what he wrote`, "", nil},
		{"a text in brackets", `[ ] to do`, "", nil},
		{"xml", `<?xml version="1.0"?><x no="7"><to>a@b.eu</to><c/></x>`, XML,
			[]string{"x.no=7 (xml)", "x.to=a@b.eu (xml)"}},
		{"xml, cut off", `<x><to>a@b.eu</to><text>and s`, XML, []string{"x.to=a@b.eu (xml)", "x.text=and s (xml)"}},
		{"a nick", `<hildegard> good morning`, "", nil},
		{"html", `<p>no. 7<br><a href="mailto:a@b.eu">write</a>`, HTML,
			[]string{"p=no. 7 (html)", "p.a.href=mailto:a@b.eu (html)", "p.a=write (html)"}},
		{"html that never closes", strings.Repeat("<p>x", 40), HTML, nil},
		{"php", `a:3:{s:5:"email";s:6:"a@b.eu";s:1:"n";i:7;s:4:"tags";a:2:{i:0;s:1:"x";i:1;N;}}`, PHP,
			[]string{"email=a@b.eu (php)", "n=7 (php)", "tags=x (php)"}},
		{"php object", "O:4:\"User\":2:{s:7:\"\x00*\x00mail\";s:6:\"a@b.eu\";s:2:\"ok\";b:1;}", PHP,
			[]string{"mail=a@b.eu (php)", "ok=1 (php)"}},
		{"php, lengths of another character set", `a:2:{s:4:"city";s:9:"Zürich";s:1:"n";i:1;}`, PHP,
			[]string{"city=Zürich (php)", "n=1 (php)"}},
		{"php, wrong length of json", `a:1:{s:4:"data";s:9:"{"to":"a@b.eu"}";}`, PHP, []string{"data.to=a@b.eu (json in php)"}},
		{"php enumeration", `a:2:{s:4:"mood";E:9:"Mood:Glad";s:1:"n";i:1;}`, PHP, []string{"n=1 (php)"}},
		{"php, cut off", `a:2:{s:4:"mail";s:6:"a@b.eu";s:4:"text";s:900:"and so`, PHP,
			[]string{"mail=a@b.eu (php)", "text=and so (php)"}},
		{"php session", `user|a:1:{s:4:"mail";s:6:"a@b.eu";}count|i:4;`, PHP, []string{"user.mail=a@b.eu (php)", "count=4 (php)"}},
		{"php, a count that lies", `a:999999999:{s:1:"a";s:1:"b";}`, PHP, []string{"a=b (php)"}},
		{"a text that looks like php", `a:1 is a score`, "", nil},
		{"form", `user[mail]=a%40b.eu&n=1&name=Ada+Neri`, Form,
			[]string{"user.mail=a@b.eu (form)", "n=1 (form)", "name=Ada Neri (form)"}},
		{"form of one", `mail=a%40b.eu`, Form, []string{"mail=a@b.eu (form)"}},
		{"an equation", `a=b`, "", nil},
		{"card", "BEGIN:VCARD\r\nFN:Ada Neri\r\nitem1.EMAIL;TYPE=work:a@b\r\n .eu\r\nN:Neri;Ada;;;\r\nEND:VCARD\r\n", Card,
			[]string{"fn=Ada Neri (vcard)", "email=a@b.eu (vcard)", "n=Neri Ada (vcard)"}},
		{"card, quoted", "BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:a=40b.eu=\n and more\nEND:VCARD", Card,
			[]string{"note=a@b.eu and more (vcard)"}},
		{"calendar", "BEGIN:VCALENDAR\nATTENDEE;CN=\"Ada Neri\":mailto:a@b.eu\nEND:VCALENDAR", Card,
			[]string{"attendee=mailto:a@b.eu (vcard)", "attendee.cn=Ada Neri (vcard)"}},
		{"yaml", "---\nuser:\n  mail: a@b.eu\n  tags:\n    - x\nn: 1\n", YAML,
			[]string{"user.mail=a@b.eu (yaml)", "user.tags=x (yaml)", "n=1 (yaml)"}},
		{"yaml of ruby", "--- !ruby/hash:Params\n:mail: 'a@b.eu'\n:n: 1\n", YAML, []string{"mail=a@b.eu (yaml)", "n=1 (yaml)"}},
		{"a form sent by mail", "First name: Ada\nE-mail: a@b.eu\n", YAML,
			[]string{"First name=Ada (yaml)", "E-mail=a@b.eu (yaml)"}},
		{"prose of lines", "Called today.\nNote: will pay\nDone: no", "", nil},
		{"one line", "Note: will pay", "", nil},
		{"ini", "; mail\n[smtp]\nfrom = a@b.eu\nport=25\n", Settings, []string{"smtp.from=a@b.eu (ini)", "smtp.port=25 (ini)"}},
		{"headers", "From: =?utf-8?Q?Ada?= <a@b.eu>\nReceived: from x\n by y\nSubject: hi\n\nDear Bea,\nbye", Headers,
			[]string{"From=Ada <a@b.eu> (headers)", "Received=from x by y (headers)", "Subject=hi (headers)",
				"body=Dear Bea,\nbye (headers)"}},
		{"json in php", `a:1:{s:4:"data";s:15:"{"to":"a@b.eu"}";}`, PHP, []string{"data.to=a@b.eu (json in php)"}},
		{"php in base64", in64, Base64, []string{"mail=a@b.eu (php in base64)"}},
		{"text in base64", "d3JpdGUgdG8gYUBiLmV1", Base64, []string{"base64=write to a@b.eu (base64)"}},
		{"digest", "q4J8bVx0Zk3mT1nQw7yLpA==", "", nil},
		{"escaped in a form", `d=%7B%22to%22%3A%22a%2540b.eu%22%7D&n=1`, Form,
			[]string{"d.to=a@b.eu (json in form)", "n=1 (form)"}},
		{"number", "1234567890", "", nil},
		{"words", "item 7 is in state 3", "", nil},
	} {
		f, list := read(k.doc, false)
		require.Equal(t, k.format, f, k.name)
		if k.want != nil {
			require.Equal(t, k.want, list, k.name)
		}
		require.Equal(t, k.format == "", len(list) == 0, k.name)
	}
}

func TestEncodings(t *testing.T) {
	for text, want := range map[string]string{
		"a%40b.eu":                    "a@b.eu",
		"a%2540b.eu":                  "a@b.eu",
		"a&#64;b.eu":                  "a@b.eu",
		"a&#064;b.eu":                 "a@b.eu",
		"a&#x40;b&period;eu":          "a@b.eu",
		"a&commat;b.eu":               "a@b.eu",
		"a&amp;commat;b.eu":           "a@b.eu",
		`a\u0040b.eu`:                 "a@b.eu",
		`a\\u0040b.eu`:                "a@b.eu",
		`a\x40b.eu`:                   "a@b.eu",
		`a\u{40}b.eu`:                 "a@b.eu",
		"=?utf-8?B?YUBiLmV1?=":        "a@b.eu",
		"=?iso-8859-1?q?a=40b.eu?= x": "a@b.eu x",
		"a=40b.eu":                    "a@b.eu",
		"tel%2B39":                    "tel+39",
	} {
		require.True(t, Encoded([]byte(text)), text)
		got, sure := Decode(nil, []byte(text))
		require.Equal(t, want, string(got), text)
		require.Equal(t, text != "a=40b.eu", sure, text)
	}
	_, sure := Decode(nil, []byte("Content-Transfer-Encoding: quoted-printable\n\na=40b.eu"))
	require.True(t, sure)
	for _, text := range []string{"100 % of 40", "a & b; c", `C:\users\x`, "x = 40", "", "%", "&", `\`, "=", "a&#6b",
		"a&b=4"} {
		require.False(t, Encoded([]byte(text)), text)
	}
	for _, text := range []string{"100%40", "&#64", `\u00`, "=?a?b?", "=?utf-8?B?????=", "=?utf-8?B?" + strings.Repeat("A", 999),
		"&#99999999999;", `\u{fffffff}`, "%4", "&#x;", "&#;"} {
		got, _ := Decode(nil, []byte(text))
		require.LessOrEqual(t, len(got), len(text)+8, text)
	}
	got, _ := Decode([]byte("kept "), []byte("a%40b.eu"))
	require.Equal(t, "a@b.eu", string(got))
}

// hostile are beginnings and units that could make a reader take long.
var hostile = []string{"{\"a\":", "[", "[[", "<a>", "<p>", "<a b=\"", "a:1:{s:1:\"a\";", "a:9:{i:0;", "s:9999:\"", "O:1:\"a\":1:{",
	"x|a:1:{", "a=b&", "a[b]=c&", "a: b\n", "a:\n  ", "- a\n", "[s]\n", "a=b\n", "From: x\n ", "BEGIN:VCARD\n", "A;QUOTED-PRINTABLE:=\n",
	"%25", "&amp;", "\\\\", "=?a?q?", "=?utf-8?B?", "=40", "&#64;", "QUFB", "\n", " ", "\x00", "s:1:\"\";"}

func TestHostileDocumentsTakeLinearTime(t *testing.T) {
	for _, open := range append(hostile, "a:1:{s:1:\"a\";s:90000:\"", `{"a":"`, "---\n", "BEGIN:VCARD\nA;QUOTED-PRINTABLE:") {
		for _, unit := range hostile {
			took := func(n int) time.Duration {
				doc := []byte(open + strings.Repeat(unit, n))
				start := time.Now()
				for range 3 {
					f, leaves := walker().Walk(doc, true)
					require.LessOrEqual(t, len(leaves), 256)
					require.True(t, f != "" || len(leaves) == 0)
				}
				Decode(nil, doc)
				Encoded(doc)
				return time.Since(start)
			}
			small := took(200)
			require.Less(t, took(4000), 80*small+500*time.Millisecond, "%q, then %q", open, unit)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	doc := `"a@b.eu"`
	for range 9 {
		doc = fmt.Sprintf(`{"d":%q}`, doc)
	}
	f, leaves := walker().Walk([]byte(doc), false)
	require.Equal(t, JSON, f)
	require.Len(t, leaves, 1)
	require.Equal(t, "json in json in json in json", leaves[0].In)

	deep := strings.Repeat(`{"a":`, 60) + `"a@b.eu"` + strings.Repeat(`}`, 60)
	f, _ = walker().Walk([]byte(deep), false)
	require.Empty(t, f)
}

func FuzzWalk(f *testing.F) {
	for _, s := range hostile {
		f.Add([]byte(s+s+s), false)
	}
	for _, s := range []string{`a:2:{s:5:"email";s:6:"a@b.eu";s:1:"x";a:1:{i:0;s:9:"{\"a\":\"b\"}";}}`,
		"email=a%40b.eu&x=1", "---\na: b\nc:\n  - d\n", "BEGIN:VCARD\nN:a;b\nEND:VCARD", "<p>a<br>b</p>", `{"a":["b",{"c":1}]}`} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut bool) {
		w := walker()
		format, leaves := w.Walk(b, cut)
		require.LessOrEqual(t, len(leaves), 256)
		require.Empty(t, w.stack)
		require.True(t, format != "" || len(leaves) == 0)
		for _, l := range leaves {
			require.NotEmpty(t, l.Path)
			require.NotEmpty(t, l.In)
			require.LessOrEqual(t, strings.Count(l.Path, "."), maxDepth+2)
			require.LessOrEqual(t, strings.Count(l.In, " in "), maxNest-1)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range append(hostile, "a%2540b.eu", "=?utf-8?B?YUBiLmV1?=", `\u{40}`) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := string(b)
		text, _ := Decode(nil, b)
		require.LessOrEqual(t, len(text), 2*len(b)+16) // a broken rune is three bytes where it was two
		require.Equal(t, before, string(b), "the text is changed")
		if !Encoded(b) && !strings.ContainsAny(before, `%&\=`) {
			require.Equal(t, before, string(text))
		}
	})
}
