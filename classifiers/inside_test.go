package classifiers_test

import (
	"encoding/base64"
	"fmt"
	"math/rand"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
)

// writings are ways in which programs and people write an address into a text.
var writings = map[string]func(m string, i int) string{
	"php array": func(m string, i int) string {
		return fmt.Sprintf(`a:2:{s:5:"email";s:%d:"%s";s:4:"city";s:4:"Roma";}`, len(m), m)
	},
	"php object": func(m string, i int) string {
		return fmt.Sprintf("O:4:\"User\":2:{s:8:\"\x00*\x00email\";s:%d:\"%s\";s:1:\"n\";i:%d;}", len(m), m, i)
	},
	"php, wrong length": func(m string, i int) string {
		return fmt.Sprintf(`a:2:{s:4:"mail";s:3:"%s";s:1:"n";i:%d;}`, m, i)
	},
	"php session":  func(m string, i int) string { return fmt.Sprintf(`user|a:1:{s:4:"mail";s:%d:"%s";}`, len(m), m) },
	"list":         func(m string, i int) string { return m + ", b" + m },
	"semicolons":   func(m string, i int) string { return m + ";b" + m },
	"lines":        func(m string, i int) string { return m + "\nb" + m },
	"named list":   func(m string, i int) string { return "Ada <" + m + ">, Bea <b" + m + ">" },
	"yaml":         func(m string, i int) string { return fmt.Sprintf("---\nmail: %s\nn: %d\n", m, i) },
	"yaml of ruby": func(m string, i int) string { return fmt.Sprintf("---\n:mail: %s\n:n: %d\n", m, i) },
	"sql":          func(m string, i int) string { return fmt.Sprintf("update u set m='%s' where id=%d", m, i) },
	"vcard":        func(m string, i int) string { return "BEGIN:VCARD\nEMAIL;TYPE=work:" + m + "\nEND:VCARD" },
	"calendar": func(m string, i int) string {
		return "BEGIN:VCALENDAR\nATTENDEE;CN=Ada:mailto:" + m + "\nEND:VCALENDAR"
	},
	"json":             func(m string, i int) string { return fmt.Sprintf(`{"n":%d,"to":"%s"}`, i, m) },
	"json, cut":        func(m string, i int) string { return fmt.Sprintf(`{"n":%d,"to":"%s","text":"and so`, i, m) },
	"json in json":     func(m string, i int) string { return fmt.Sprintf(`{"n":%d,"d":"{\"to\":\"%s\"}"}`, i, m) },
	"json in text":     func(m string, i int) string { return fmt.Sprintf(`sent {"n":%d,"to":"%s"} in 3 ms`, i, m) },
	"json in php":      func(m string, i int) string { return php("data", fmt.Sprintf(`{"to":"%s"}`, m)) },
	"php in json":      func(m string, i int) string { return fmt.Sprintf(`{"d":%q}`, php("to", m)) },
	"xml":              func(m string, i int) string { return fmt.Sprintf(`<x n="%d"><to>%s</to></x>`, i, m) },
	"html":             func(m string, i int) string { return fmt.Sprintf(`<p>no. %d<br><a href="mailto:%s">write</a>`, i, m) },
	"log":              func(m string, i int) string { return fmt.Sprintf("[2026-01-02 10:11:12] INFO user=%s id=%d ok", m, i) },
	"ini":              func(m string, i int) string { return fmt.Sprintf("[smtp]\nfrom = %s\nport = %d\n", m, i) },
	"headers":          func(m string, i int) string { return fmt.Sprintf("From: %s\nSubject: no. %d\n\nhello", m, i) },
	"prose":            func(m string, i int) string { return fmt.Sprintf("please write to %s about the order", m) },
	"form":             func(m string, i int) string { return fmt.Sprintf("n=%d&mail=%s", i, url.QueryEscape(m)) },
	"url":              func(m string, i int) string { return "https://shop.it/?m=" + url.QueryEscape(m) },
	"percent, twice":   func(m string, i int) string { return "to=" + url.QueryEscape(url.QueryEscape(m)) },
	"entity":           func(m string, i int) string { return "write to " + strings.ReplaceAll(m, "@", "&#64;") },
	"entity, hex":      func(m string, i int) string { return "write to " + strings.ReplaceAll(m, "@", "&#x40;") },
	"entity, named":    func(m string, i int) string { return "write to " + strings.ReplaceAll(m, "@", "&commat;") },
	"entity, twice":    func(m string, i int) string { return "write to " + strings.ReplaceAll(m, "@", "&amp;#64;") },
	"entities only":    func(m string, i int) string { return entities(m) },
	"quoted-printable": func(m string, i int) string { return strings.ReplaceAll(m, "@", "=40") },
	"escape of json":   func(m string, i int) string { return `{"to":"` + strings.ReplaceAll(m, "@", `\u0040`) + `"}` },
	"escape in text":   func(m string, i int) string { return "to " + strings.ReplaceAll(m, "@", `\x40`) },
	"encoded word, B": func(m string, i int) string {
		return "=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(m)) + "?="
	},
	"encoded word, Q": func(m string, i int) string {
		return "To: =?utf-8?Q?" + strings.ReplaceAll(m, "@", "=40") + "?="
	},
	"alone": func(m string, i int) string { return m },
}

// php serializes an array of one text.
func php(key, value string) string {
	return fmt.Sprintf(`a:1:{s:%d:"%s";s:%d:"%s";}`, len(key), key, len(value), value)
}

// entities writes each sign of a text as an entity.
func entities(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, "&#%d;", r)
	}
	return b.String()
}

func invented(i int) string {
	return fmt.Sprintf("%s.neri%d@posta-inventata.it", []string{"ada", "bea", "cid", "dan"}[i%4], i)
}

// TestAddressesInsideTexts looks at columns in which every row, most, half and a few hold an address, in each writing,
// under headers that say nothing or something else, in fields of several kinds.
func TestAddressesInsideTexts(t *testing.T) {
	c := catalogue(t)
	for name, write := range writings {
		for _, header := range []string{"c1", "options", "cc", "description", "email", "city", "status", "value", "amount"} {
			for _, table := range []string{"t", "products"} {
				for _, rows := range []int{1, 3, 40, 6000} {
					for _, share := range []int{1, 2, 10} {
						if rows == 6000 && (header != "c1" || table != "t" || share == 2) {
							continue
						}
						var values []string
						for i := range rows {
							if i%share == 0 {
								values = append(values, write(invented(i), i))
							} else {
								values = append(values, fmt.Sprintf("item %d is in state %d", i, i%7))
							}
						}
						v := classify(c, table, textFields(header), values)
						require.True(t, v.Fields[0].Personal(), "%s: %s.%s, 1 of %d of %d rows: %v", name, table, header,
							share, rows, v.Fields[0])
						all := append([]classifiers.Category{v.Fields[0].Primary}, v.Fields[0].Also...)
						require.Contains(t, all, classifiers.Email, "%s: %s.%s: %v", name, table, header, v.Fields[0])
						require.NotContains(t, fmt.Sprint(v), "neri", name)
					}
				}
			}
		}
	}
}

// certain is a confidence beyond which more is no more: another kind may then be the better word for the field. Where
// not all values are taken apart any more, a document may leave the sample for another value, and with it what it told
// beside the address in it: such a field stays found, and is no less than probable.
func certain(rows int) float64 {
	if rows > 512 {
		return 0.8
	}
	return 0.999
}

// TestMoreEvidenceNeverFindsLess adds rows that hold something, one kind or several in whatever writing, to rows of any
// other content: the finding never becomes less. What is called a company's counts as not found; tables of companies are
// left out, where contacts are a company's by convention as long as most are.
func TestMoreEvidenceNeverFindsLess(t *testing.T) {
	c := catalogue(t)
	names := make([]string, 0, len(writings))
	for name := range writings {
		names = append(names, name)
	}
	slices.Sort(names)
	fillers := []func(i int) string{
		func(i int) string { return fmt.Sprintf("item %d is in state %d", i, i%7) },
		func(i int) string { return fmt.Sprint(100000 + i*7919) },
		func(i int) string { return fmt.Sprintf("AB-%06d-X", i) },
		func(i int) string { return fmt.Sprintf(`{"sku":"A-%d","price":%d}`, i, i) },
		func(i int) string { return []string{"open", "closed", "new"}[i%3] },
		func(i int) string { return "" },
		func(i int) string { return fmt.Sprintf("info@firma%d.it", i) },
		func(i int) string {
			return "The committee met on Monday and agreed that the timetable starts in September."
		},
	}
	// never adds rows with something in them, in a few writings, to others that a filler makes.
	never := func(t require.TestingT, header, table, kind string, filler func(i int) string, few []string, others int) {
		s := c.Scan(classifiers.Table{Name: table, Fields: []classifiers.Field{{Name: header, Kind: kind}}})
		rows := make([]string, others)
		for i := range rows {
			rows[i] = filler(i)
		}
		if others > 0 {
			s.Observe(record(rows))
		}
		last := -1.0
		for n, added := 0, 1; n < 3000; n, added = n+added, added*5 {
			rows = rows[:0]
			for i := range added {
				row := writings[few[i%len(few)]](invented(n+i), n+i)
				if (n+i)%3 == 0 {
					row += " +39 02 36618300 IT60X0542811101000000123456"
				}
				rows = append(rows, row)
			}
			s.Observe(record(rows))
			v := c.Verdicts(s)[0].Fields[0]
			most := certain(others + n + added)
			found := min(v.Confidence, most)
			switch {
			case v.Primary == classifiers.None:
				found = 1 - v.Confidence
			case !v.Personal(): // found, and called a company's
				found = 0
			}
			require.GreaterOrEqual(t, found, min(last, most), "%v of %s.%s after %d rows with an address beside %d others: %v", few,
				table, header, n+added, others, v)
			last = found
		}
		require.Greater(t, last, 0.5, "%v", few)
	}
	never(t, "c1", "t", "binary", fillers[6], []string{"yaml", "alone", "calendar"}, 700) // a document leaves the sample
	never(t, "city", "t", "timestamp", fillers[6], []string{"php object"}, 1)             // an address, and documents that hold some
	never(t, "c1", "t", "text", fillers[0], []string{"alone"}, 0)                         // nothing but the values to judge by
	never(t, "phone", "t", "binary", fillers[0], []string{"alone", "php object"}, 0)
	never(t, "comment", "products", "text", fillers[6], []string{"alone"}, 700)     // a few among many of things
	never(t, "c1", "suppliers", "text", fillers[6], []string{"encoded word, B"}, 1) // a company's address, and people's
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.SampledFrom([]string{"c1", "options", "cc", "description", "email", "city", "name", "phone",
			"amount", "status", "comment", "username", "value", "company", "birth_date", "iban", "password", "ip", "notes"}).Draw(t, "header")
		table := rapid.SampledFrom([]string{"t", "customers", "products", "logs", "countries", "settings"}).Draw(t, "table")
		kind := rapid.SampledFrom([]string{"text", "", "json", "binary", "integer", "timestamp"}).Draw(t, "kind")
		filler := rapid.SampledFrom(fillers).Draw(t, "filler")
		few := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID).Draw(t, "writings")
		others := rapid.SampledFrom([]int{0, 1, 5, 60, 700}).Draw(t, "other rows")
		never(t, header, table, kind, filler, few, others)
	})
}

// TestSeveralKindsInARowAreOneRow holds the finding to the rows that hold something, not to how much each holds.
func TestSeveralKindsInARowAreOneRow(t *testing.T) {
	c := catalogue(t)
	one, three := make([]string, 50), make([]string, 50)
	for i := range one {
		one[i], three[i] = fmt.Sprintf("item %d is in state %d", i, i%7), fmt.Sprintf("item %d is in state %d", i, i%7)
		if i < 4 {
			one[i] = "ask " + invented(i) + " first"
			three[i] = "ask " + invented(i) + " or +390236618300 first, pay to IT60X0542811101000000123456"
		}
	}
	a := classify(c, "t", textFields("c1"), one).Fields[0]
	b := classify(c, "t", textFields("c1"), three).Fields[0]
	require.Equal(t, classifiers.FreeText, a.Primary)
	require.Equal(t, a.Confidence, b.Confidence)
	require.Equal(t, []classifiers.Category{classifiers.Email}, a.Also)
	require.Equal(t, []classifiers.Category{classifiers.Email, classifiers.Phone, classifiers.IBAN}, b.Also)
}

// TestOrderOfRowsDoesNotMatterInside reads the rows that hold something first, last and mixed, more of them than are
// searched.
func TestOrderOfRowsDoesNotMatterInside(t *testing.T) {
	c := catalogue(t)
	var rows []string
	for i := range 9000 {
		rows = append(rows, fmt.Sprintf("item %d is in state %d", i, i%7))
		if i%2 == 0 {
			rows[i] = "ask " + invented(i) + " first"
		}
	}
	confidence := -1.0
	for _, order := range []func(a, b string) int{
		func(a, b string) int { return strings.Compare(a, b) }, func(a, b string) int { return strings.Compare(b, a) }, nil,
	} {
		if order == nil {
			rand.New(rand.NewSource(3)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		} else {
			slices.SortFunc(rows, order)
		}
		v := classify(c, "t", textFields("c1"), rows).Fields[0]
		require.Equal(t, classifiers.FreeText, v.Primary)
		if confidence >= 0 {
			require.Equal(t, confidence, v.Confidence)
		}
		confidence = v.Confidence
	}
}

// TestListsOfAddressesAreNoIdentifier: a field of copies to several people is of addresses, but a row of it is not of one
// person.
func TestListsOfAddressesAreNoIdentifier(t *testing.T) {
	c := catalogue(t)
	var lists, single []string
	for i := range 100 {
		lists = append(lists, invented(i)+", "+invented(i+1))
		single = append(single, invented(i))
	}
	v := classify(c, "t", textFields("email", "mail"), lists, single)
	require.Equal(t, classifiers.Email, v.Fields[0].Primary)
	require.Empty(t, v.Fields[0].SubjectKind)
	require.Equal(t, "email", v.Fields[1].SubjectKind)
}
