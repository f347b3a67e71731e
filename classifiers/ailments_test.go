package classifiers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// drawn is a table of a few words: each field is its name, its kind and its values, "1" for numbers of rows, "50" for those of
// another table; a name of a table and a field behind -> is its foreign key.
func drawn(c *classifiers.Catalogue, database, name string, fields ...string) *classifiers.Scan {
	var list []classifiers.Field
	var cols [][]string
	for i, line := range fields {
		p := strings.SplitN(line, " ", 3)
		f := classifiers.Field{Name: p[0], Kind: p[1], Key: i == 0}
		f.Name, f.References, _ = strings.Cut(f.Name, "->")
		values := strings.Split(p[2], "|")
		var col []string
		for row := range 120 {
			switch p[2] {
			case "1":
				col = append(col, fmt.Sprint(row+1))
			case "50":
				col = append(col, fmt.Sprint(1+row*7%50))
			default:
				col = append(col, values[(row*7+row/5)%len(values)])
			}
		}
		list, cols = append(list, f), append(cols, col)
	}
	s := c.Scan(classifiers.Table{Database: database, Name: name, Fields: list})
	s.Observe(record(cols...))
	return s
}

// TestHealthThatOnlyTheTableTells reads words for illnesses and allergens under headers that say nothing: in a table with a key of
// persons they are about these, in a clinic as well as in a shop; in lists, and where they are about things, they are about nobody.
func TestHealthThatOnlyTheTableTells(t *testing.T) {
	const illnesses, allergens = "Asthma|Acute bronchitis|Viral sinusitis|Diabetes|Hypertension|Migraine", "Pollen|Mould|Peanuts|Shellfish|Latex|Dust mites"
	c := catalogue(t)
	persons := func(name string) *classifiers.Scan {
		return drawn(c, "d", name, "id integer 1", "first_name text Anna|Bruno|Carla|Dario|Elena", "last_name text Rossi|Bianchi|Ferri|Moser",
			"birth_date date 1980-02-01|1991-12-24|2001-05-06")
	}
	shop := func() []*classifiers.Scan {
		return []*classifiers.Scan{
			drawn(c, "d", "products", "id integer 1", "name text Desk lamp|Chair|Table", "description text For desks|Solid wood|Steel"),
			drawn(c, "d", "orders", "id integer 1", "total decimal 10.50|22.40", "status text new|paid|sent"),
			drawn(c, "d", "invoices", "id integer 1", "due_date date 2023-01-02|2023-05-06", "amount decimal 10.50|22.40"),
			drawn(c, "d", "suppliers", "id integer 1", "company_name text Nordlicht GmbH|Rovelli S.p.A.|Mini Wheels Co."),
		}
	}
	for _, x := range []struct {
		of, table, key, field, values string
		mixed                         bool
	}{
		{"patients", "conditions", "patient_id", "description", illnesses, false},
		{"patients", "allergies", "patient_id", "description", allergens, false},
		{"clients", "conditions", "client_id", "description", illnesses, true},
		{"clients", "allergies", "client_id", "description", allergens, true},
		{"employees", "allergies", "employee_id", "name", allergens, true},
		{"clients", "conditions", "p_ref->clients.id", "description", illnesses, true},
		{"employees", "allergies", "p_ref->employees.id", "description", allergens, true},
		{"alunni", "allergie", "alunno_id", "descrizione", "Polline|Arachidi|Lattosio|Latte|Glutine|Acari", true},
		{"kunden", "allergien", "kunde_id", "bezeichnung", "Pollen|Nüsse|Laktose|Hausstaub|Latex|Gluten", true},
		{"clientes", "enfermedades", "cliente_id", "descripcion", "Asma|Hipertensión|Diabetes|Epilepsia|Artrosis|Gripe", true},
	} {
		scans := []*classifiers.Scan{persons(x.of), drawn(c, "d", x.table, "id integer 1", x.key+" integer 50",
			"start_date date 2019-01-02|2020-03-04", x.field+" text "+x.values)}
		if x.mixed {
			scans = append(scans, shop()...)
		}
		f := c.Verdicts(scans...)[1].Fields
		require.Equal(t, classifiers.Health, f[3].Primary, "%s.%s by %s: %v", x.table, x.field, x.key, f[3].Terms)
		require.Equal(t, classifiers.None, f[1].Primary, "%s.%s: %v", x.table, x.key, f[1].Terms)
	}
	for _, x := range [][]string{
		{"conditions", "code text J45|E11|I10|J20", "description text " + illnesses},
		{"allergens", "name text " + allergens},
		{"symptoms", "name text Headache|Fever|Cough|Insomnia|Nausea", "description text Pain in the head|Dry or wet|Bad sleep"},
		{"medicines", "name text Aspirin|Ibuprofen|Amoxicillin|Metformin|Insulin", "price decimal 3.50|7.20|9.90"},
		{"product_conditions", "product_id integer 50", "description text New|Used|Refurbished"},
		{"payment_conditions", "client_id integer 50", "description text 30 days net|Cash|14 days 2 %"},
		{"weather_conditions", "description text sunny|rain|snow", "temperature decimal 10.5|20.1"},
	} {
		scans := append([]*classifiers.Scan{drawn(c, "d", x[0], append([]string{"id integer 1"}, x[1:]...)...), persons("clients")}, shop()...)
		for _, f := range c.Verdicts(scans...)[0].Fields {
			require.Equal(t, classifiers.None, f.Primary, "%s.%s: %v", x[0], f.Field, f.Terms)
		}
	}
}

// TestAColumnOfShortNumbersIsNoCard reads numbers of a health insurance under a header that may stand for a credit card.
func TestAColumnOfShortNumbersIsNoCard(t *testing.T) {
	c := catalogue(t)
	var short, cards []string
	for i := range 120 {
		short = append(short, fmt.Sprint(104526376+i*7919))
		cards = append(cards, luhn(fmt.Sprintf("45%013d", 104526376+i*7919)))
	}
	judge := func(header string, values []string) classifiers.Verdict {
		return classify(c, "mitglieder", textFields("id", "nachname", header), cycle(120, "1", "2"), cycle(120, "Moser", "Huber"),
			values).Fields[2]
	}
	for _, header := range []string{"kk_nummer", "kartennummer", "card_number"} {
		f := judge(header, short)
		require.NotEqual(t, classifiers.CreditCard, f.Primary, "%s: %v", header, f.Terms)
		f = judge(header, cards)
		require.Equal(t, classifiers.CreditCard, f.Primary, "%s: %v", header, f.Terms)
	}
	last4 := judge("card_last4", cycle(120, "4411", "9920", "1034"))
	require.NotEqual(t, classifiers.None, last4.Primary, last4.Terms)
}

// TestATaxNumberOfACompanyUnderAHeaderForTaxNumbers sees that numbers of Andorra, whose letter tells persons from companies, are found
// under one header.
func TestATaxNumberOfACompanyUnderAHeaderForTaxNumbers(t *testing.T) {
	c := catalogue(t)
	for header, value := range map[string]string{"nrt": "F-221117-V", "tax_id": "F-221117-V"} {
		require.Contains(t, detectors(c.Match(value, header, "")), "ad.nrt", "%s %s", header, value)
	}
	for _, header := range []string{"nrt", "tax_id", "vat_no"} {
		require.Contains(t, detectors(c.Match("U-132950-X", header, "")), "ad.nrt_entitat", header)
	}
	require.Empty(t, detectors(c.Match("U-132950-X", "order_no", "")))
}

func detectors(list []classifiers.Match) []string {
	var ids []string
	for _, m := range list {
		ids = append(ids, m.Detector)
	}
	return ids
}
