package classifiers_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// documents makes n documents about persons of a country.
func documents(n int, format string) []string {
	r := rand.New(rand.NewSource(21))
	l := lands()[7]
	var list []string
	for i := range n {
		list = append(list,
			fmt.Sprintf(format, i, pick(r, l.given), pick(r, l.family), fmt.Sprintf("u%d@posteo.net", r.Intn(1e6)),
				pick(r, l.cities)))
	}
	return list
}

func found(v classifiers.TableVerdict) []string {
	var list []string
	for _, f := range v.Fields {
		if f.Primary != classifiers.None {
			list = append(list, fmt.Sprintf("%s %s", f.Field, f.Primary))
		}
	}
	return list
}

func TestPathsOfDocumentsAreFields(t *testing.T) {
	const customer = `"customer":{"first_name":"%s","last_name":"%s","contact":{"email":"%s"}}`
	for name, format := range map[string]string{
		"json": `{"no":%d,` + customer + `,"items":[{"sku":"A-1","city":"%s"}],"email_verified":true}`,
		"xml": `<?xml version="1.0"?><x no="%d"><customer><first_name>%s</first_name><last_name>%s</last_name>` +
			`<contact email="%s"/></customer><items city="%s"><sku>A-1</sku></items></x>`,
		"cut": `{"no":%d,` + customer + `,"items":[{"sku":"A-1","city":"%s"}],"text":"` +
			strings.Repeat("lorem ", 1200) + `"}`,
		"mixed": `{"no":%d,` + customer + `,"items":{"city":"%s"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			docs := documents(200, format)
			if name == "mixed" {
				for i := range docs {
					if i%3 == 0 {
						docs[i] = fmt.Sprintf("import of day %d failed", i)
					}
				}
			}
			v := classify(catalogue(t), "events", textFields("payload"), docs)
			prefix := "payload."
			if name == "xml" {
				prefix = "payload.x."
			}
			require.Equal(t, []string{"payload free_text_possible_pii", prefix + "customer.contact.email email",
				prefix + "customer.first_name person_name", prefix + "customer.last_name person_name",
				prefix + "items.city city"}, found(v))
			require.ElementsMatch(t, []classifiers.Category{classifiers.Email, classifiers.PersonName,
				classifiers.City}, v.Fields[0].Also)
			for _, f := range v.Fields[1:] {
				require.True(t, f.Path, f.Field)
				require.Empty(t, f.SubjectKind)
			}
		})
	}
}

func TestDocumentsWithoutPersonalDataAreNothing(t *testing.T) {
	var docs []string
	for i := range 200 {
		docs = append(docs, fmt.Sprintf(`{"sku":"A-%d","price":%d.50,"color":"red",`+
			`"product":{"name":"Desk lamp %d"},"%d":{"seen":true}}`, i, i, i, 100000+i))
	}
	v := classify(catalogue(t), "products", textFields("attributes"), docs)
	require.Empty(t, found(v))
	var paths []string
	for _, f := range v.Fields {
		paths = append(paths, f.Field)
	}
	require.Equal(t, []string{"attributes", "attributes.*.seen", "attributes.color", "attributes.price",
		"attributes.product.name", "attributes.sku"}, paths)
}

// The body of a page is no message, and its lists are no streets (ul. is one in Polish): elements for layout say nothing.
func TestLayoutOfPagesSaysNothing(t *testing.T) {
	var pages []string
	for i := range 40 {
		pages = append(pages, fmt.Sprintf("<html><body><p>Our opening hours change in week %d, please look at the list."+
			"</p><ul><li>week %d: ten to six</li></ul></body></html>", i, i+1))
	}
	v := classify(catalogue(t), "snippets", textFields("content"), pages)
	require.Empty(t, found(v))
	require.Greater(t, len(v.Fields), 2, "paths")
}

func TestPathsAreBoundedAndHoldNoValues(t *testing.T) {
	var docs []string
	for i := range 400 {
		docs = append(docs,
			fmt.Sprintf(`{"k%c%c":"x","user%d@posteo.net":"y","a":`+strings.Repeat(`{"b":`, 40)+`1`+strings.Repeat(`}`,
				40)+`}`, 'a'+i%26, 'a'+i/26%26, i))
	}
	v := classify(catalogue(t), "t", textFields("c"), docs)
	require.LessOrEqual(t, len(v.Fields), 65)
	for _, f := range v.Fields {
		require.NotContains(t, f.Field, "posteo")
	}
}
