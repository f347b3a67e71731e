package classifiers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A row of a test below is there for the rule that it reaches; a rule without a row fails the test.

func TestPlausibilities(t *testing.T) {
	flag := profile{n: 2, distinct: 2, longest: 1, numeric: 2}
	dates := profile{n: 3, distinct: 3, longest: 10, digits: 3, years: []int{2001, 2002, 2003}}
	words := profile{n: 50, distinct: 50, longest: 9, letters: 50, length: 8}
	hits := func(p profile, b, k int) profile { p.hits[b] = k; return p }
	reached := map[*plausibility]bool{}
	for _, row := range []struct {
		name     string
		category Category
		sub      string
		field    Field
		profile  profile
		lo       float64
		detail   string
	}{
		{"small numbers", Username, "", Field{}, profile{n: 9, numeric: 9, length: 2}, -6, "small numbers"},
		{"sentences", Username, "", Field{}, profile{n: 9, length: 40}, -6, "not like user names"},
		{"names", Username, "", Field{}, profile{n: 9, usernames: 9, length: 8}, 1, "could be user names"},
		{"addresses", Username, "", Field{}, hits(profile{n: 9, length: 8}, bEmail, 9), 1, "could be user names"},

		{"flag", TaxID, "", Field{}, flag, -8, "not like numbers of documents"},
		{"dates", Passport, "", Field{}, dates, -8, "not like numbers of documents"},
		{"months of expiry", CreditCard, "", Field{}, dates, 0.5, "could be"},
		{"numbers of nine digits", CreditCard, "", Field{}, profile{n: 9, digits: 9, digitsOnly: 9, numeric: 9, shortest: 9, longest: 9, length: 9},
			-8, "too short for cards"},
		{"numbers of twelve digits", CreditCard, "", Field{}, profile{n: 9, digits: 9, digitsOnly: 9, numeric: 9, shortest: 12, longest: 12, length: 12},
			0.5, "could be"},
		{"the last four digits", CreditCard, "", Field{}, profile{n: 9, digits: 9, digitsOnly: 9, numeric: 9, shortest: 4, longest: 4, length: 4},
			0.5, "could be"},
		{"long", IBAN, "", Field{}, profile{n: 2, digits: 2, longest: 121}, -8, "not like numbers of documents"},
		{"long", DeviceID, "", Field{}, profile{n: 2, digits: 2, longest: 121}, 0.5, "could be"},
		{"words", NationalID, "", Field{}, words, -4, "few digits"},
		{"days of a week", NationalID, "", Field{}, profile{n: 9, longest: 25, letters: 9}, -8, "words"},
		{"numbers of a list", BankAccount, "", Field{}, profile{n: 9, numeric: 9, digits: 9, longest: 2}, -6,
			"numbers of one or two digits"},
		{"words", BankAccount, "", Field{}, words, 0.5, "could be"},
		{"sequence", VehiclePlate, "", Field{Kind: "integer"}, profile{n: 9, digits: 9, dense: true, high: 99}, -5,
			"a sequence"},
		{"long sequence", VehiclePlate, "", Field{Kind: "integer"}, profile{n: 9, digits: 9, dense: true, high: 1e7},
			0.5, "could be"},

		{"keys of visitors", DeviceID, "", Field{}, profile{n: 9, numeric: 9, digits: 9, length: 3, longest: 3}, -6,
			"small numbers"},

		{"codes", Postcode, "", Field{}, profile{n: 9, digits: 9, longest: 7}, 1, "could be postal codes"},
		{"words", Postcode, "", Field{}, words, -5, "not like postal codes"},

		{"sequence", PostalAddress, "", Field{Kind: "integer"}, profile{n: 9, dense: true}, -5, "a sequence"},
		{"flag", PostalAddress, "", Field{}, flag, -9, "not like addresses"},
		{"links", PostalAddress, "", Field{}, hits(words, bURL, 50), -9, "not like addresses"},
		{"lines", PostalAddress, "", Field{}, words, 0, ""},

		{"numbers", Country, "", Field{}, profile{n: 9, numeric: 9, integers: 9, length: 2}, -6, "numbers of a list"},

		{"points", Coordinates, "", Field{}, hits(words, bPoint, 50), 1, "points"},
		{"bytes", Coordinates, "", Field{Kind: "binary"}, words, 1, "points"},
		{"geohashes", Coordinates, "", Field{}, hits(words, bGeohash, 50), 1, "geohashes"},
		{"degrees", Coordinates, "", Field{}, profile{n: 9, numeric: 9, low: -180, high: 180, fraction: 5}, 1.5,
			"degrees with decimals"},
		{"scaled", Coordinates, "", Field{}, profile{n: 9, numeric: 9, integers: 9, low: 1e6, high: 9e8}, 0,
			"scaled degrees"},
		{"words", Coordinates, "", Field{}, words, -6, "no degrees"},

		{"paths", Photo, "", Field{}, hits(words, bImagePath, 50), 1.5, "pictures or their paths"},
		{"links", Photo, "", Field{}, hits(words, bURL, 50), 0, ""},
		{"words", Photo, "", Field{}, words, -3, "neither pictures nor paths"},

		{"words", PersonalURL, "", Field{}, words, -3, "no addresses"},
		{"links", PersonalURL, "", Field{}, hits(words, bURL, 50), 0.5, ""},

		{"flag", Financial, "", Field{}, flag, -6, "a flag"},
		{"amounts", Financial, "", Field{}, profile{n: 9, numeric: 8, digits: 9}, 0.5, "amounts"},
		{"words", Financial, "", Field{}, words, -2.5, "no amounts"},
		{"bands", Financial, "", Field{}, profile{n: 4, digits: 4}, 0, ""},

		{"years", OtherPersonal, "age", Field{}, profile{n: 9, numeric: 9, low: 1950, high: 2000}, -7, "no ages"},
		{"below zero", OtherPersonal, "age", Field{}, profile{n: 9, numeric: 9, low: -1, high: 99}, -7, "no ages"},
		{"words", OtherPersonal, "age", Field{}, words, -5, "no ages"},
		{"ages", OtherPersonal, "age", Field{}, profile{n: 9, numeric: 9, low: 0, high: 130}, 0, ""},
		{"words", OtherPersonal, "number", Field{}, words, -6, "not like numbers"},
		{"numbers", OtherPersonal, "number", Field{}, profile{n: 9, distinct: 9, digits: 9}, 0.5, ""},
		{"flag", OtherPersonal, "handle", Field{}, flag, -6, "a flag"},
		{"dates", OtherPersonal, "language", Field{}, dates, -6, "too long"},
		{"long", OtherPersonal, "nationality", Field{}, profile{n: 9, longest: 61}, -6, "too long"},
		{"long", OtherPersonal, "marital", Field{}, profile{n: 9, longest: 61}, -6, "too long"},
		{"long", OtherPersonal, "title", Field{}, profile{n: 9, longest: 61}, -6, "too long"},
		{"long", OtherPersonal, "criminal", Field{}, profile{n: 9, longest: 61}, 0, ""},

		{"dates", Union, "", Field{}, dates, -4, "dates"},
		{"dates", Health, "", Field{}, dates, 0, ""},

		{"numbers", Signature, "", Field{}, profile{n: 9, numeric: 9}, -6, "a flag"},
		{"words", Signature, "", Field{}, words, 0, ""},
	} {
		if row.profile.distinct == 0 {
			row.profile.distinct = 9
		}
		f := fieldState{field: row.field, profile: &row.profile, column: &column{nonEmpty: 100, sample: newSample()}}
		f.header.concepts = []concept{{meaning: meaning{category: row.category, sub: row.sub}}}
		var got evidence
		(*Catalogue)(nil).plausible(&f, func(e evidence) { got = e })
		if r := f.plausibility(row.category, row.sub); r != nil {
			reached[r] = true
			require.Equal(t, row.detail, r.detail, "%s under %s %s", row.name, row.category, row.sub)
		}
		require.Equal(t, row.lo, got.lo, "%s under %s %s", row.name, row.category, row.sub)
	}
	for i := range plausibilities {
		r := &plausibilities[i]
		require.True(t, reached[r], "no row for %v %s: %s", r.categories, r.sub, r.detail)
	}
}

func TestContext(t *testing.T) {
	weak := header{concepts: []concept{{meaning: meaning{weak: true, category: Health}},
		{meaning: meaning{category: City}},
		{meaning: meaning{category: Gender}}}}
	table := func(subject string, s seen) tableState { return tableState{subject: subject, seen: s} }
	people := seen{hasPersonal: true}
	reached := map[*contextRule]bool{}
	for _, row := range []struct {
		field     fieldState
		table     tableState
		candidate candidate
		want      []Term
	}{
		{fieldState{header: header{concepts: []concept{{meaning: meaning{weak: true, category: Username}}}}},
			tableState{fields: []*fieldState{{}, {header: header{concepts: []concept{{meaning: meaning{category: Secret}}}}}}},
			candidate{category: Username}, []Term{{"table", "a word of several meanings beside a password", 3}}},
		{fieldState{}, tableState{subject: "thing", animals: true}, candidate{category: Gender},
			[]Term{{"table", "a table about animals", -8}}},
		{fieldState{header: weak}, tableState{roles: roles{record: true, person: true}}, candidate{category: Health},
			[]Term{{"table", "a word of several meanings", -2}}},
		{fieldState{header: weak}, tableState{senses: []string{"medical"}}, candidate{category: Health},
			[]Term{{"table", "a word of several meanings in a table about health", 2}}},
		{fieldState{header: weak}, table("", seen{hasStreet: true}), candidate{category: City},
			[]Term{{"table", "a word of several meanings beside persons", 1.5},
				{"table", "beside persons or addresses", 1}}},
		{fieldState{header: weak}, table("thing", seen{}), candidate{category: Gender},
			[]Term{{"table", "a word of several meanings in a table about things", -2},
				{"table", "a table about things", -4}}},
		{fieldState{header: weak}, table("place", seen{}), candidate{category: Gender},
			[]Term{{"table", "a word of several meanings in a table about places", -2},
				{"table", "a table about places", -4}}},
		{fieldState{field: Field{Kind: "integer", Key: true}}, table("person", seen{}),
			candidate{category: OtherPersonal, sub: "number"},
			[]Term{{"key", "a number that only links rows", -6}, {"table", "beside persons", 0.5}}},
		{fieldState{field: Field{Kind: "decimal", Key: true}}, table("thing", seen{}),
			candidate{category: DeviceID}, []Term{{"key", "a number that only links rows", -6}}},
		{fieldState{field: Field{Kind: "text", Key: true}}, table("person", seen{}),
			candidate{category: OtherPersonal, sub: "number"}, []Term{{"table", "beside persons", 0.5}}},
		{fieldState{}, tableState{roles: roles{place: true}}, candidate{category: Country},
			[]Term{{"table", "a list of places", -8}}},
		{fieldState{}, tableState{roles: roles{place: true, person: true}}, candidate{category: Country}, nil},
		{fieldState{column: &column{nonEmpty: 20}}, tableState{roles: roles{place: true, person: true}, endsInPlace: true},
			candidate{category: Country}, []Term{{"table", "a list of places, each once", -8}}},
		{fieldState{column: &column{nonEmpty: 7}}, tableState{roles: roles{place: true, person: true}, endsInPlace: true},
			candidate{category: Country}, nil},
		{fieldState{}, table("thing", seen{}), candidate{category: Postcode},
			[]Term{{"table", "a table about things", -4}}},
		{fieldState{}, table("thing", seen{hasStreet: true}), candidate{category: Region},
			[]Term{{"table", "beside persons or addresses", 1}}},
		{fieldState{}, table("thing", seen{}), candidate{category: Phone},
			[]Term{{"table", "a table about things", -1}}},
		{fieldState{}, table("", seen{hasPostcode: true}), candidate{category: PostalAddress},
			[]Term{{"table", "beside persons or postal codes", 0.5}}},
		{fieldState{}, table("", seen{hasPostcode: true}), candidate{category: Phone}, nil},
		{fieldState{}, table("thing", seen{hasNetwork: true}), candidate{category: OtherPersonal, sub: "agent"},
			[]Term{{"table", "beside persons", 0.5}}},
		{fieldState{}, tableState{subject: "thing", personRef: true}, candidate{category: FreeText},
			[]Term{{"table", "text about or by persons", 1.5}}},
		{fieldState{}, table("thing", seen{}), candidate{category: FreeText},
			[]Term{{"table", "a table about things", -5}}},
		{fieldState{}, table("place", seen{}), candidate{category: FreeText},
			[]Term{{"table", "a table about places", -5}}},
		{fieldState{}, table("place", seen{}), candidate{category: FreeText, own: 5}, nil},
		{fieldState{field: Field{Kind: "decimal"}, tokens: []string{"health", "insurance"}}, table("person", people),
			candidate{category: Health}, []Term{{"table", "an amount paid for it", -7}}},
		{fieldState{field: Field{Kind: "text"}, tokens: []string{"health", "insurance"}}, table("", seen{}),
			candidate{category: Health}, nil},
		{fieldState{}, table("company", people), candidate{category: Financial},
			[]Term{{"table", "beside persons", 1}}},
		{fieldState{}, table("company", seen{}), candidate{category: Financial},
			[]Term{{"table", "not about persons", -4}}},
		{fieldState{}, table("", people), candidate{category: Photo}, []Term{{"table", "beside persons", 1.5}}},
		{fieldState{}, table("thing", seen{}), candidate{category: Photo}, []Term{{"table", "not about persons", -8}}},
		{fieldState{}, table("place", seen{}), candidate{category: Coordinates},
			[]Term{{"table", "not about persons", -5}}},
		{fieldState{}, tableState{subject: "place", personRef: true}, candidate{category: Coordinates}, nil},
		{fieldState{}, tableState{senses: []string{"template"}}, candidate{category: FreeText},
			[]Term{{"table", "a table of settings, templates or parts of the program", -4}}},
		{fieldState{}, tableState{senses: []string{"talk", "template"}}, candidate{category: FreeText}, nil},
		{fieldState{}, tableState{isList: true, roles: roles{record: true}}, candidate{category: FreeText},
			[]Term{{"table", "a list of kinds", -4}}},
		{fieldState{}, tableState{isList: true, seen: people}, candidate{category: FreeText},
			[]Term{{"table", "text about or by persons", 1.5}}},
		{fieldState{}, tableState{senses: []string{"talk", "template"}, tokens: []string{"mail", "templates"}},
			candidate{category: FreeText}, []Term{{"table", "a table of settings, templates or parts of the program", -4}}},
		{fieldState{}, tableState{senses: []string{"template"}, tokens: []string{"liquibasechangelog"}, personRef: true},
			candidate{category: FreeText}, []Term{{"table", "a table of settings, templates or parts of the program", -4}}},
		{fieldState{}, table("", seen{hasBirth: true}), candidate{category: PersonName},
			[]Term{{"table", "beside e-mails, birth dates or addresses", 1}}},
		{fieldState{}, table("thing", seen{}), candidate{category: PersonName},
			[]Term{{"table", "a table about things", -1}}},
		{fieldState{}, table("thing", seen{}), candidate{category: PersonName, sub: "full"}, nil},
		{fieldState{field: Field{References: "a.b"}}, table("", seen{}), candidate{category: Email},
			[]Term{{"key", "refers to another table", -2}}},
		{fieldState{field: Field{References: "a.b"}}, table("", seen{}), candidate{category: Gender}, nil},
		{fieldState{field: Field{References: "a.b"}, header: header{roles: roles{person: true}}}, table("", seen{}),
			candidate{category: Email}, nil},
	} {
		f, k := row.field, row.candidate
		f.table, f.profile = &row.table, &profile{distinct: 20}
		if f.column == nil {
			f.column = &column{nonEmpty: 100}
		}
		for i := range contextRules {
			if r := firstOf(contextRules[i].rules, &f, &k); r != nil {
				reached[r] = true
			}
		}
		(*Catalogue)(nil).context(&f, &k)
		require.Equal(t, row.want, k.terms, "%s in a table about %q", k.category, row.table.subject)
	}
	for i := range contextRules {
		for j := range contextRules[i].rules {
			r := &contextRules[i].rules[j]
			require.True(t, reached[r], "no row for %v: %s", r.categories, r.detail)
		}
	}
}

func TestSubjects(t *testing.T) {
	reached := map[int]bool{}
	for _, row := range []struct {
		roles roles
		tally tally
		want  string
	}{
		{roles{company: true}, tally{given: 1, family: 1}, "person"},
		{roles{thing: true}, tally{birth: 1}, "person"},
		{roles{person: true}, tally{animal: 1, birth: 1}, "thing"},
		{roles{person: true}, tally{animal: 1, family: 1}, "person"},
		{roles{person: true}, tally{company: 1}, "company"},
		{roles{person: true}, tally{}, "person"},
		{roles{person: true, thing: true}, tally{email: 1}, "person"},
		{roles{company: true}, tally{full: 1}, "company"},
		{roles{thing: true}, tally{family: 1}, "person"},
		{roles{thing: true}, tally{full: 1, sex: 1}, "person"},
		{roles{address: true}, tally{}, "person"},
		{roles{place: true}, tally{}, "place"},
		{roles{place: true, record: true, thing: true}, tally{}, "thing"},
		{roles{}, tally{full: 1}, "person"},
		{roles{company: true}, tally{listed: 1}, ""},
		{roles{record: true}, tally{company: 1}, ""},
		{roles{address: true, company: true}, tally{listed: 1}, ""},
		{roles{place: true, record: true}, tally{}, ""},
	} {
		require.Equal(t, row.want, subjectOf(row.roles, row.tally), "%+v %+v", row.roles, row.tally)
		for i := range subjects {
			if subjects[i].when(row.roles, row.tally) {
				reached[i] = true
				break
			}
		}
	}
	require.Len(t, reached, len(subjects), "each rule has a row")
}

func TestHeadersAreCounted(t *testing.T) {
	rows := []struct {
		category Category
		text     tally // counted in a field that can hold text
		other    tally // and in one that cannot
	}{
		{CompanyOnly, tally{company: 1}, tally{company: 1}},
		{PostalAddress, tally{street: 1}, tally{}},
		{Postcode, tally{postcode: 1}, tally{postcode: 1}},
		{DateOfBirth, tally{birth: 1}, tally{birth: 1}},
		{Gender, tally{sex: 1}, tally{sex: 1}},
		{Email, tally{email: 1}, tally{}},
		{Secret, tally{secret: 1}, tally{secret: 1}},
		{IPAddress, tally{network: 1}, tally{network: 1}},
		{Username, tally{username: 1}, tally{}},
	}
	require.Len(t, rows, len(counted), "each rule has a row")
	for _, row := range rows {
		var text, other tally
		h := header{concepts: []concept{{meaning: meaning{category: row.category}}}}
		text.header(&h, true)
		other.header(&h, false)
		require.Equal(t, row.text, text, "%s", row.category)
		require.Equal(t, row.other, other, "%s", row.category)
	}
	var y tally
	for _, sub := range []string{"given", "family", "full", ""} {
		y.header(&header{concepts: []concept{{meaning: meaning{category: PersonName, sub: sub}}}}, true)
		y.header(&header{concepts: []concept{{meaning: meaning{category: PersonName, sub: sub, weak: true}}}}, true)
		y.header(&header{concepts: []concept{{meaning: meaning{category: PersonName, sub: sub}}}}, false)
	}
	require.Equal(t, tally{given: 1, family: 1, full: 2}, y)
}

func TestBareNames(t *testing.T) {
	people := profile{n: 9, full: 9, name: 3}
	logins := profile{n: 9, usernames: 9}
	reached := map[int]bool{}
	for _, row := range []struct {
		header  header
		table   tableState
		profile profile
		want    map[Category]float64
	}{
		{header{unknown: 1}, tableState{}, people, map[Category]float64{PersonName: -1}},
		{header{roles: roles{thing: true}}, tableState{}, logins, map[Category]float64{PersonName: -4}},
		{header{}, tableState{seen: seen{hasSecret: true}}, logins, map[Category]float64{Username: rolePlusWord}},
		{header{}, tableState{subject: "person"}, logins, map[Category]float64{PersonName: rolePlusWord}},
		{header{}, tableState{subject: "company"}, logins,
			map[Category]float64{CompanyOnly: rolePlusWord, PersonName: -2}},
		{header{}, tableState{subject: "place"}, logins, map[Category]float64{PersonName: -5}},
		{header{}, tableState{subject: "person", roles: roles{thing: true}}, logins, map[Category]float64{}},
	} {
		row.header.generic = "name"
		f := fieldState{header: row.header, table: &row.table, profile: &row.profile}
		for i := range nameReadings {
			if nameReadings[i].when(&f) {
				reached[i] = true
				break
			}
		}
		got, list := map[Category]float64{}, map[Category]*candidate{}
		(*Catalogue)(nil).nameByTable(&f, func(c Category) *candidate {
			if list[c] == nil {
				list[c] = &candidate{category: c}
			}
			return list[c]
		})
		for c, k := range list {
			got[c] = k.total
		}
		require.Equal(t, row.want, got)
	}
	require.Len(t, reached, len(nameReadings), "each rule has a row")
}

func TestWordRules(t *testing.T) {
	c, err := New()
	require.NoError(t, err)
	rows := []struct {
		builtin  int
		category Category
		sub      string
		least    int // values
		tenths   int // of all values
		limit    float64
		few      bool
	}{
		{bReligion, Religion, "", 2, 7, 12, false},
		{bMarital, OtherPersonal, "marital", 3, 7, 8, false},
		{bParty, Political, "", 3, 7, 8, true},
		{bUnion, Union, "", 3, 7, 8, true},
		{bOrientation, Sexual, "", 3, 7, 9, true},
		{bEthnicity, Ethnicity, "", 3, 7, 8, true},
		{bATC, Health, "", 4, 9, 10, false},
		{bUserAgent, OtherPersonal, "agent", 1, 8, 8, false},
		{bICD, Health, "", 4, 8, 7, false},
		{bBloodGroup, Health, "", 3, 9, 8, false},
	}
	require.Len(t, rows, len(wordRules), "each rule has a row")
	for _, row := range rows {
		said := func(hits, n int, distinct int64, subject string) []evidence {
			p := profile{n: n, distinct: distinct}
			p.hits[row.builtin] = hits
			var list []evidence
			f := fieldState{profile: &p, table: &tableState{subject: subject}}
			c.wordEvidence(&f, func(e evidence) { list = append(list, e) })
			return list
		}
		id := c.builtins[row.builtin].detector.ID
		all := said(20, 20, 20, "")
		require.Len(t, all, 1, id)
		require.Equal(t, row.category, all[0].category, id)
		require.Equal(t, row.sub, all[0].sub, id)
		require.Equal(t, row.limit, all[0].lo, "%s: twenty of twenty say all that the words can say", id)
		require.Len(t, said(row.least, row.least, 5, ""), 1, id)
		require.Empty(t, said(row.least-1, row.least-1, 5, ""), "%s: too few", id)
		require.Len(t, said(row.tenths, 10, 5, ""), 1, id)
		require.Empty(t, said(row.tenths-1, 10, 5, ""), "%s: too many others", id)
		require.Equal(t, row.few, len(said(20, 20, 61, "")) == 0, "%s: in a field of many values", id)
		require.Equal(t, row.few, said(20, 20, 20, "thing")[0].lo == row.limit-4, "%s: in a table about things", id)
	}
}

func TestSchemeDoubts(t *testing.T) {
	for _, row := range []struct {
		field   Field
		profile profile
		want    []float64
	}{
		{Field{Kind: "text"}, profile{n: 9}, []float64{3.5}},
		{Field{Kind: "text"}, profile{n: 3, digitsOnly: 3}, []float64{3.5, 3}},
		{Field{Kind: "text"}, profile{n: 9, dense: true}, []float64{3.5, 8}},
		{Field{Kind: "float"}, profile{n: 9}, []float64{3.5, 8}},
		{Field{Kind: "decimal"}, profile{n: 9, fraction: 2}, []float64{3.5, 8}},
		{Field{Kind: "decimal"}, profile{n: 9}, []float64{3.5}},
		{Field{Kind: "text"}, profile{n: 3, years: []int{2001, 2002}}, []float64{3.5, 10}},
	} {
		f := fieldState{field: row.field, profile: &row.profile}
		var got []float64
		for _, d := range schemeDoubts {
			if d.when(&f) {
				got = append(got, d.loss)
			}
		}
		require.Equal(t, row.want, got, "%v %+v", row.field, row.profile)
	}
}
