package ident_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers/ident"
)

// promisesEveryDigit are schemes whose check notices each change of a single digit.
var promisesEveryDigit = []string{
	"at.abgabenkontonummer", "ca.sin", "gn.nifp", "it.aic", "x.cusip", "x.issn", "x.meid",
	"ch.ahv", "ch.uid", "de.idnr", "dk.cvr", "do.cedula", "ee.kmkr", "fr.nir",
	"fr.rib", "fr.siren", "gb.nhs", "hr.oib", "il.hp", "il.teudat_zehut", "in.aadhaar", "it.partita_iva", "ma.ice",
	"nl.bsn", "no.kontonummer", "no.orgnr", "pl.regon", "rs.pib", "se.organisationsnummer", "us.npi", "x.card",
	"x.gtin", "x.iban", "x.iccid", "x.imei", "x.isin", "x.lei", "za.id", "za.tin",
}

func TestOneWrongDigitIsNoticed(t *testing.T) {
	byID := map[string]ident.Scheme{}
	for _, s := range ident.All() {
		byID[s.ID] = s
	}
	for _, id := range promisesEveryDigit {
		t.Run(id, func(t *testing.T) {
			s, ok := byID[id]
			require.True(t, ok)
			require.NotEmpty(t, s.Valid)
			for example, v := range s.Valid {
				for i := range len(v) {
					for d := byte('0'); d <= '9' && v[i] >= '0' && v[i] <= '9'; d++ {
						if d == v[i] {
							continue
						}
						require.False(t, match(&s, v[:i]+string(d)+v[i+1:]), "example %d, place %d", example, i)
					}
				}
			}
		})
	}
}

func TestEverySchemeIsComplete(t *testing.T) {
	labels := map[string]bool{
		"national_id": true, "tax_id": true, "passport": true, "iban": true, "bank_account": true, "credit_card": true,
		"device_id": true, "health": true,
		"vehicle_plate": true, "other_personal": true, "company_only": true, "none": true,
	}
	for _, s := range ident.All() {
		t.Run(s.ID, func(t *testing.T) {
			prefix, _, ok := strings.Cut(s.ID, ".")
			require.True(t, ok)
			if prefix == "x" {
				prefix = ""
			}
			require.Equal(t, strings.ToUpper(prefix), s.Country)
			require.NotEmpty(t, s.Name)
			require.NotEmpty(t, s.Source)
			require.NotContains(t, s.Source+s.Unverified, "memory", "a source is named, or what has none is unverified")
			require.NotNil(t, s.Check)
			require.NotEmpty(t, s.Labels)
			for _, l := range s.Labels {
				require.True(t, labels[l], l)
			}
			require.True(t, s.Chance > 0 && s.Chance <= 1)
			// What every third value of its shape passes is no evidence by itself: only a header makes it one. The two
			// others lean on their print.
			require.True(t, s.HeaderOnly || s.Chance <= 0.3 || s.ID == "us.ssn" || s.ID == "in.pan",
				"chance %v", s.Chance)
			require.True(t, s.HeaderOnly || len(s.Valid) > 0, "a strong check needs a published example")
			for _, l := range s.Layouts {
				require.LessOrEqual(t, len(l), 64)
			}
		})
	}
}

func TestCompact(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{" 12-34/56.78 ab\n", "12345678AB", true},
		{"12\u00a034\u202f56\u201378\u00b79", "123456789", true},
		{"191231+2391", "1912312391", true},
		{"+391231", "", false},
		{"", "", false},
		{" - ", "", false},
		{"12\n34", "", false},
		{"straße", "", false},
		{"a,b", "", false},
		{"\xff12", "", false},
		{strings.Repeat("1", 64), strings.Repeat("1", 64), true},
		{strings.Repeat("1", 65), "", false},
		{strings.Repeat(" ", 70) + "1", "1", true},
	} {
		got, ok := ident.Compact([]byte("kept"), []byte(c.in))
		require.Equal(t, c.ok, ok, "%q", c.in)
		if ok {
			require.Equal(t, "kept"+c.want, string(got), "%q", c.in)
		}
	}
}

func TestFictitious(t *testing.T) {
	for _, c := range []struct {
		id, value string
		want      bool
	}{
		{"us.ssn", "987-65-4321", true}, {"us.ssn", "078-05-1120", true}, {"us.ssn", "219-09-9999", true},
		{"us.ssn", "536-90-4399", false}, {"se.personnummer", "19900101-9802", true},
		{"se.personnummer", "880320-0016", false}, {"fi.hetu", "010199-9012", true}, {"fi.hetu", "131052-308T", false},
		{"no.fodselsnummer", "01817012345", true}, {"no.fodselsnummer", "01417012345", false}, {"no.fodselsnummer",
			"15108695088", false},
		{"gb.nhs", "999 123 4560", true}, {"gb.nhs", "943 476 5870", false}, {"gb.nino", "QQ 12 34 56 C", true},
		{"gb.nino", "AA 12 34 56 B", false}, {"gb.nino", "TN 12 34 56 F", false}, {"nl.bsn", "999990019", true},
		{"nl.bsn", "111222333", false},
		{"x.card", "4111 1111 1111 1111", true}, {"x.card", "5398228707871527", false},
		{"it.codice_fiscale", "RCCMNL83S18D969H", false},
	} {
		compact, ok := ident.Compact(nil, []byte(c.value))
		require.True(t, ok)
		require.Equal(t, c.want, ident.Fictitious(c.id, ident.Number{Raw: []byte(c.value), Compact: compact}), "%s %s",
			c.id, c.value)
	}
}

func TestNothingAllocates(t *testing.T) {
	all := ident.All()
	buf := make([]byte, 0, 64)
	for i := range all {
		s := &all[i]
		values := make([][]byte, 0, len(s.Valid)+len(s.Invalid))
		for _, v := range append(append([]string(nil), s.Valid...), s.Invalid...) {
			values = append(values, []byte(v))
		}
		n := testing.AllocsPerRun(5, func() {
			for _, v := range values {
				number := ident.Number{Raw: v}
				if c, ok := ident.Compact(buf[:0], v); ok {
					number.Compact = c
				}
				ident.Match(s, number)
				ident.Fictitious(s.ID, number)
			}
		})
		require.Zero(t, n, s.ID)
	}
}

func FuzzMatch(f *testing.F) {
	all := ident.All()
	for _, s := range all {
		for _, v := range append(append([]string(nil), s.Valid...), s.Invalid...) {
			f.Add([]byte(v))
		}
		for _, l := range s.Layouts {
			f.Add([]byte(l))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		number := ident.Number{Raw: value}
		if c, ok := ident.Compact(nil, value); ok {
			number.Compact = c
			for _, b := range c {
				require.True(t, b >= '0' && b <= '9' || b >= 'A' && b <= 'Z')
			}
		}
		for i := range all {
			ident.Match(&all[i], number)
			ident.Fictitious(all[i].ID, number)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	all := ident.All()
	value := []byte("380 1300 14107")
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		c, _ := ident.Compact(buf[:0], value)
		for i := range all {
			ident.Match(&all[i], ident.Number{Raw: value, Compact: c})
		}
	}
}
