package subject_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/subject"
)

func TestWritten(t *testing.T) {
	for _, c := range []struct{ text, own, via, wrong string }{
		{text: `{email: email}`, own: `map[email:email]`},
		{text: `{email: mail, customer-number: id}`, own: `map[customer-number:id email:mail]`},
		{text: `{via: civicrm_email.contact_id, email: email}`, via: `civicrm_email.contact_id map[email:email]`},
		{text: `{via: [bean_rel.bean_id, email_address_id = addresses.id], email: address,
			where: {bean_rel.deleted: 0, deleted: "0"}}`,
			via: `bean_rel.bean_id map[deleted:0], email_address_id = addresses.id map[deleted:0] map[email:address]`},
		{text: `{via: partner_id=public.res_partner.id, email: email}`,
			via: `partner_id = public.res_partner.id map[email:email]`},
		{text: `[{customer-number: id}, {via: a.x, email: e}, {via: b.y, phone: p}]`,
			own: `map[customer-number:id]`, via: `a.x map[email:e]; b.y map[phone:p]`},

		{text: `{email: {field: x}}`, wrong: `email wants the name of a field`},
		{text: `{via: a.x}`, wrong: `via a.x names no identifier`},
		{text: `{via: a, email: e}`, wrong: `via "a" is no path`},
		{text: `{via: a., email: e}`, wrong: `via "a." is no path`},
		{text: `{via: "= a.x", email: e}`, wrong: `via "= a.x" is no path`},
		{text: `{via: {a: x}, email: e}`, wrong: `via wants a path`},
		{text: `{via: [a.x, b.y, a.z], email: e}`, wrong: `leads over a twice`},
		{text: `{email: e, where: {x: 1}}`, wrong: `where goes with via`},
		{text: `{via: a.x, email: e, where: x}`, wrong: `where wants fields with values`},
		{text: `{via: a.x, email: e, where: {b.z: 1}}`, wrong: `where names b.z, whose table is not on the path a.x`},
		{text: `{via: a.x, email: e, where: {z: null}}`, wrong: `where z has no value`},
		{text: `[{email: a}, {email: b}]`, wrong: `email is named twice`},
	} {
		t.Run(c.text, func(t *testing.T) {
			var doc struct {
				Subject *subject.Written `yaml:"subject"`
			}
			require.NoError(t, yaml.UnmarshalWithOptions([]byte("subject: "+strings.ReplaceAll(c.text, "\t", " ")), &doc,
				yaml.Strict()))
			if c.wrong != "" {
				require.Contains(t, strings.Join(doc.Subject.Wrong, "\n"), c.wrong)
				return
			}
			require.Empty(t, doc.Subject.Wrong)
			own := ""
			if len(doc.Subject.Fields) > 0 {
				own = fmt.Sprint(doc.Subject.Fields)
			}
			require.Equal(t, c.own, own)
			var vias []string
			for _, v := range doc.Subject.Via {
				var hops []string
				for _, h := range v.Path {
					hop := h.String()
					if len(h.Where) > 0 {
						hop += " " + fmt.Sprint(h.Where)
					}
					hops = append(hops, hop)
				}
				vias = append(vias, strings.Join(hops, ", ")+" "+fmt.Sprint(v.Fields))
			}
			require.Equal(t, c.via, strings.Join(vias, "; "))
		})
	}
}

func TestWrittenIsAMappingOrAListOfThem(t *testing.T) {
	for _, text := range []string{"email", "[email]", "7"} {
		var doc struct {
			Subject *subject.Written `yaml:"subject"`
		}
		require.ErrorContains(t, yaml.Unmarshal([]byte("subject: "+text), &doc), "[1:", text)
	}
}

func TestCheckFindsTheWayBack(t *testing.T) {
	var said []string
	via := []subject.Via{{Path: []subject.Hop{{Table: "b", Field: "a"}, {Table: "a", Field: "b"}},
		Fields: map[string]string{"email": ""}}}
	subject.Check(nil, via, "a", func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	require.Len(t, said, 2)
	require.Contains(t, said[0], "leads back to a")
	require.Contains(t, said[1], "without kind or field")
}

func TestHolds(t *testing.T) {
	for want, values := range map[string]string{
		"true":  "true True TRUE t T 1 yes Yes y on",
		"false": "false False FALSE f F 0 no NO n off",
		"1":     "1", "0": "0", "t": "t", "Member": "Member",
	} {
		for _, value := range strings.Fields("true True TRUE t T 1 yes Yes y on false False FALSE f F 0 no NO n off Member member" +
			" 2 -1 truely tr ja") {
			require.Equal(t, slices.Contains(strings.Fields(values), value), subject.Holds(want, []byte(value)), "%s %s", want,
				value)
			require.Equal(t, subject.Holds(want, []byte(value)) || subject.Holds(value, []byte(want)),
				subject.Together(want, value))
		}
		require.False(t, subject.Holds(want, nil), want)
	}
	require.True(t, subject.Holds("True", []byte("t")))
	require.True(t, subject.Holds("false", []byte("f ")), "as a fixed length pads it")
}
