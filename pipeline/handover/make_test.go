package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// maker makes an answer of a silo whose newsletter covers name and mail by consent, and its invoices all by law.
func newMaker(t *testing.T) *maker {
	rule := func(purpose string, basis policy.Basis, fields ...string) policy.Rule {
		r := policy.Rule{Purpose: purpose, Basis: basis, End: policy.Delete, Because: "form", Owner: "anna",
			ReviewBy: "2027-01-01", Fields: fields}
		if basis == policy.Consent {
			r.MaxAge = calendar.Period{Months: 24}
		} else {
			r.Period, r.Start = calendar.Period{Years: 10}, policy.Collected
		}
		return r
	}
	silo := pipelinetest.News(func(s *policy.Silo) {
		s.Rules = []policy.Rule{rule("news", policy.Consent, "name", "mail"), rule("books", policy.LegalObligation)}
	})
	compiled, err := policy.Compile(silo, pipelinetest.Rome(), "IT")
	require.NoError(t, err)
	return &maker{setup: &setup.Setup{Zone: pipelinetest.Rome()}, silo: compiled, say: must(lang.In("en")),
		doc: &Document{}, found: &requests.Section{AsOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
		options: Options{Withheld: map[string]Withholding{"crm.people.note": ThirdParty}},
		fields: map[string]string{"crm.people.pass": string(classifiers.Secret), "crm.people.mail": "email",
			"crm.people.note": "free_text_possible_pii"}}
}

// TestField withholds what somebody said, and passwords by themselves, and tells why.
func TestField(t *testing.T) {
	m := newMaker(t)
	crm := setup.Source{Name: "crm"}
	f := m.field(crm, "people", "pass", []byte("hunter2"))
	require.Nil(t, f.Value)
	require.Equal(t, Security, f.Withheld)
	require.NotContains(t, f.Shown, "hunter2")
	f = m.field(setup.Source{Name: "old", Of: "crm"}, "people", "note", []byte("of Bob"))
	require.Nil(t, f.Value, "as in the live source")
	require.Len(t, m.doc.Withheld, 2)
	f = m.field(crm, "people", "mail", []byte("ada@lago.it"))
	require.Equal(t, "ada@lago.it", *f.Value)
	require.Equal(t, "e-mail address", f.Words)
	f = m.field(crm, "people", "face", []byte{0xff, 0xd8})
	require.Equal(t, "base64", f.Encoding)
	require.Equal(t, "nothing", m.field(crm, "people", "face", nil).Shown)
}

// TestProvided hands over what a person gave by consent or for a contract: of a row, the fields that such a ground covers.
func TestProvided(t *testing.T) {
	m := newMaker(t)
	row := func() Record {
		return Record{Fields: []Field{{Name: "name", Category: "person_name", Value: text("Ada")},
			{Name: "mail", Category: "email", Value: text("ada@lago.it")}, {Name: "id", Value: text("1")},
			{Name: "iban", Category: "iban", Value: text("IT1")}}}
	}
	grounds := func(ids ...string) *requests.Hit { return &requests.Hit{Decision: &policy.Decision{Grounds: ids}} }
	r := row()
	require.True(t, m.provided(grounds("news/consent", "books/legal_obligation"), &r))
	require.Len(t, r.Fields, 2, "name and mail")
	r = row()
	require.False(t, m.provided(grounds("books/legal_obligation"), &r), "a duty by law is none of its grounds")
	r = row()
	require.False(t, m.provided(&requests.Hit{}, &r), "no row of the person's own")
}

// TestHowLongAGroundKeeps says a day or an age where that is the end, in each language.
func TestHowLongAGroundKeeps(t *testing.T) {
	day := policy.Rule{Start: policy.FixedDate, Date: "2027-02-20"}
	age := policy.Rule{Start: policy.BirthPlusAge, Age: 18}
	two := calendar.Period{Years: 2}
	for code, want := range map[string][4]string{
		"en": {"until 20 Feb 2027", "2 years from: 20 Feb 2027", "until you are 18 years old",
			"2 years from: the day on which you are 18 years old"},
		"es": {"hasta el 20 feb 2027", "2 años desde: 20 feb 2027", "hasta que usted cumpla 18 años",
			"2 años desde: el día en que usted cumple 18 años"},
		"it": {"fino al 20 feb 2027", "2 anni da: 20 feb 2027", "fino al compimento di 18 anni",
			"2 anni da: il compimento di 18 anni"},
		"nl": {"tot en met 20 feb 2027", "2 jaar vanaf: 20 feb 2027", "tot u 18 jaar bent",
			"2 jaar vanaf: de dag waarop u 18 jaar wordt"},
		"pl": {"do 20 lut 2027", "2 lata od: 20 lut 2027", "do ukończenia przez Pana/Panią 18 lat",
			"2 lata od: ukończenie przez Pana/Panią 18 lat"},
		"sv": {"till och med 20 feb 2027", "2 år från: 20 feb 2027", "tills du fyller 18 år",
			"2 år från: dagen då du fyller 18 år"},
	} {
		say, err := lang.In(code)
		require.NoError(t, err)
		m := &maker{say: say}
		got := [4]string{m.kept(day, "fixed_date", calendar.Period{}), m.kept(day, "fixed_date", two),
			m.kept(age, "birth_plus_age", calendar.Period{}), m.kept(age, "birth_plus_age", two)}
		require.Equal(t, want, got, code)
	}
}

// TestPurposes say each ground with its article and term.
func TestPurposes(t *testing.T) {
	m := newMaker(t)
	m.purposes()
	require.Equal(t, []string{"6(1)(a)", "6(1)(c)"}, []string{m.doc.Purposes[0].Article, m.doc.Purposes[1].Article})
	require.Equal(t, "24 months from: your consent", m.doc.Purposes[0].Kept)
	require.Equal(t, "10 years from: when they were collected", m.doc.Purposes[1].Kept)
	m.rights()
	require.Equal(t, "16", m.doc.Rights[0].Article)
	require.Len(t, m.doc.Rights, 6, "nothing to object to")
}
