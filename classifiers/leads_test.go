package classifiers_test

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// uuids are keys as exports write them.
func uuids(r *rand.Rand, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.Intn(1<<16), r.Intn(1<<12), r.Intn(1<<12),
			r.Int63n(1<<48))
	}
	return list
}

// TestValuesLeadToTheTableWhoseKeysTheyAre sees that what stands in a table beside the keys of another is about those that they
// name, where neither a foreign key nor a name says so, and that a key is nothing by itself. The tables are laid out as those of
// a public generator of made-up patients (Synthea's CSV).
func TestValuesLeadToTheTableWhoseKeysTheyAre(t *testing.T) {
	r := rand.New(rand.NewSource(33))
	keys, others, visits := uuids(r, 150), uuids(r, 150), uuids(r, 150)
	pick := func(list ...string) (col []string) {
		for range 150 {
			col = append(col, list[r.Intn(len(list))])
		}
		return col
	}
	judge := func(keys, of []string) map[string]classifiers.Verdict {
		c := catalogue(t)
		patients := c.Scan(classifiers.Table{Database: "d", Name: "patients",
			Fields: textFields("Id", "BIRTHDATE", "FIRST", "LAST", "SSN", "CITY")})
		patients.Observe(record(keys, pick("1980-02-01", "1991-12-24", "2001-07-30"), pick("Carlo12", "Anna55", "Bruno7"),
			pick("Rossi44", "Hill2", "Wiza9"), pick("999-12-3456", "999-77-1234"), pick("Boston", "Quincy", "Salem")))
		conditions := c.Scan(classifiers.Table{Database: "d", Name: "conditions",
			Fields: textFields("START", "PATIENT", "ENCOUNTER", "DESCRIPTION")})
		conditions.Observe(record(pick("2019-01-02", "2020-03-04"), pick(of...), visits,
			pick("Asthma", "Acute bronchitis (disorder)", "Viral sinusitis (disorder)", "Diabetes", "Hypertension",
				"Normal pregnancy")))
		allergies := c.Scan(classifiers.Table{Database: "d", Name: "allergies",
			Fields: textFields("START", "PATIENT", "DESCRIPTION")})
		allergies.Observe(record(pick("2019-01-02", "2020-03-04"), pick(of...),
			pick("Allergy to mould", "Dander (animal) allergy", "Allergy to nut", "Shellfish allergy", "Latex")))
		got := map[string]classifiers.Verdict{}
		for _, table := range c.Verdicts(patients, conditions, allergies) {
			for _, f := range table.Fields {
				got[table.Table+"."+f.Field] = f
			}
		}
		return got
	}
	short := func(letter string) (col []string) {
		for i := range 150 {
			col = append(col, fmt.Sprint(letter, i))
		}
		return col
	}
	linked, apart := judge(keys, keys), judge(keys, others)
	shorter := judge(short("p"), short("p"))
	require.Equal(t, classifiers.Health, shorter["allergies.DESCRIPTION"].Primary, shorter["allergies.DESCRIPTION"].Terms)
	require.Equal(t, classifiers.None, shorter["allergies.PATIENT"].Primary, shorter["allergies.PATIENT"].Terms)
	for _, f := range []string{"conditions.DESCRIPTION", "allergies.DESCRIPTION"} {
		require.Equal(t, classifiers.Health, linked[f].Primary, "%s: %v", f, linked[f].Terms)
	}
	require.Less(t, apart["conditions.DESCRIPTION"].Confidence*sign(apart["conditions.DESCRIPTION"]),
		linked["conditions.DESCRIPTION"].Confidence, "nobody's keys say less")
	for _, f := range []string{"conditions.PATIENT", "conditions.ENCOUNTER", "allergies.PATIENT", "patients.Id"} {
		require.Equal(t, classifiers.None, linked[f].Primary, "%s: %v", f, linked[f].Terms)
	}
	for _, f := range []string{"patients.FIRST", "patients.LAST", "patients.SSN"} {
		require.True(t, linked[f].Personal(), "%s: %v", f, linked[f].Terms)
	}
}

// sign is that of a verdict's confidence: below zero where it is sure of nothing.
func sign(v classifiers.Verdict) float64 {
	if v.Primary == classifiers.None {
		return -1
	}
	return 1
}

// TestASecondNumberOfAPersonLeadsToThem sees that a table which has the number by which others know a person is about persons,
// also where that number is not the key of the table that has them.
func TestASecondNumberOfAPersonLeadsToThem(t *testing.T) {
	c := catalogue(t)
	numbers := func(from, step int) (col []string) {
		for i := range 60 {
			col = append(col, fmt.Sprint(from+step*i))
		}
		return col
	}
	pick := func(list ...string) (col []string) {
		for i := range 60 {
			col = append(col, list[i*7%len(list)])
		}
		return col
	}
	scan := func(name string, fields []classifiers.Field, cols ...[]string) *classifiers.Scan {
		s := c.Scan(classifiers.Table{Database: "d", Name: name, Fields: fields})
		s.Observe(record(cols...))
		return s
	}
	integer := func(name string, key bool) classifiers.Field {
		return classifiers.Field{Name: name, Kind: "integer", Key: key}
	}
	text := func(name string) classifiers.Field { return classifiers.Field{Name: name, Kind: "text"} }
	patients := func(xpid []string) *classifiers.Scan {
		return scan("patient_data", []classifiers.Field{integer("id", true), text("fname"), text("lname"), text("DOB"),
			integer("xpid", false)}, numbers(1, 1), pick("Anna", "Bruno", "Carla", "Dario"), pick("Rossi", "Bianchi", "Ferri"),
			pick("1980-02-01", "1991-12-24"), xpid)
	}
	vitals := scan("vital_signs", []classifiers.Field{integer("id", true), integer("xpid", false), integer("pulse", false),
		integer("weight", false)}, numbers(1, 1), numbers(400, 3), pick("62", "71", "80"), pick("61", "75", "93"))
	for _, f := range c.Verdicts(patients(numbers(400, 3)), vitals)[1].Fields[2:] {
		require.Equal(t, classifiers.Health, f.Primary, "%s: %v", f.Field, f.Terms)
	}
	for _, f := range c.Verdicts(patients(pick("401", "404", "407")), vitals)[1].Fields[2:] { // what many share is no number of a person
		require.NotEqual(t, classifiers.Health, f.Primary, "%s: %v", f.Field, f.Terms)
	}
}

// TestAKeyIsWhatStandsOnce sees that no table is taken for the one that a code leads to where that code stands many times: visits
// that begin with their patient are not who the patients are.
func TestAKeyIsWhatStandsOnce(t *testing.T) {
	r := rand.New(rand.NewSource(34))
	c := catalogue(t)
	keys := uuids(r, 60)
	pick := func(list ...string) (col []string) {
		for i := range 180 {
			col = append(col, list[i*7%len(list)])
		}
		return col
	}
	scan := func(name string, fields []classifiers.Field, cols ...[]string) *classifiers.Scan {
		s := c.Scan(classifiers.Table{Database: "d", Name: name, Fields: fields})
		s.Observe(record(cols...))
		return s
	}
	visits := scan("visits", textFields("PERSON", "START", "ROOM"), pick(keys...), pick("2019-01-02", "2020-03-04"), pick("A", "B", "C"))
	people := scan("people", textFields("Code", "BIRTHDATE", "FIRST", "LAST"), keys, pick("1980-02-01", "1991-12-24")[:60],
		pick("Carlo", "Anna", "Bruno")[:60], pick("Rossi", "Hill", "Wiza")[:60])
	allergies := scan("allergies", textFields("START", "WHO", "DESCRIPTION"), pick("2019-01-02", "2020-03-04"), pick(keys...),
		pick("Pollen", "Latex", "Peanuts", "Shellfish", "Penicillin"))
	f := c.Verdicts(visits, people, allergies)[2].Fields[2]
	require.Equal(t, classifiers.Health, f.Primary, f.Terms)
}
