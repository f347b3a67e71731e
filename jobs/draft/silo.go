package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/anonymize"
)

// silo proposes one silo. used gets the tables that follow its record.
func (d *Draft) silo(name string, used map[string]bool) []string {
	t, v := d.tables[name], d.verdicts[name]
	found, source := d.found(v), d.live()
	lines := []string{
		fmt.Sprintf("%s:", word(strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-"))),
		fmt.Sprintf("  # %s: %d rows. Found: %s", name, v.Rows, found),
		"  link_scope: silo   # or collection: every row is a collecting of its own, found by its date",
		"  records:",
		"    - source: " + word(source),
		"      table: " + word(name),
	}
	lines = append(lines, d.subject(name))
	switch dates := collectedFields(t, v); len(dates) {
	case 0:
		lines = append(lines, "      # collected: FIELD   # decide: the field with the day of collecting, if there is "+
			"one; never a last-modified one")
	case 1:
		lines = append(lines, fmt.Sprintf("      collected: %s   # decide: is this the day of collecting?",
			word(dates[0])))
	default:
		lines = append(lines, fmt.Sprintf("      collected: %s   # decide: the day of collecting; also possible: %s",
			word(dates[0]), strings.Join(dates[1:], ", ")))
	}
	if f := blockField(t); f != "" {
		lines = append(lines, fmt.Sprintf("      # block: {set: {%s: \"0\"}, unset: {%[1]s: \"1\"}}   # decide: "+
			"values that the application understands as 'not to be used' and 'usable'", word(f)))
	} else {
		lines = append(lines, "      # block: {set: {FIELD: \"1\"}, unset: {FIELD: \"0\"}}   # decide: a field by "+
			"which the application knows that a row is not to be used")
	}
	if len(t.Key) == 0 {
		lines = append(lines, "      # No primary key or unique constraint names rows of the table: they are reported and never changed.")
	}
	if edges, open := d.dependents(name, used); len(edges)+len(open) > 0 {
		head, sign := "      dependents:", "        # "
		if len(edges) == 0 { // a key without an entry would be no list
			head, sign = "      # dependents:", "      #   "
		}
		lines = append(append(lines, head+"   # rows that refer to it, through each foreign key; a row that is still "+
			"referred to is kept"), edges...)
		for _, l := range open {
			lines = append(lines, sign+l)
		}
	}
	if owned := d.owned(t, used); len(owned) > 0 {
		lines = append(lines, fmt.Sprintf("      owns: [%s]   # rows that it refers to, deleted when nothing refers "+
			"to them any more", strings.Join(owned, ", ")))
	}
	lines = append(lines,
		"  rules:   # one line for each purpose",
		fmt.Sprintf("    - {purpose: \"\", basis: \"\", end: \"\", because: \"\", owner: \"\", review_by: %s}",
			d.today.AddDate(1, 0, 0).Format(time.DateOnly)),
		"    # consent:  - {purpose: newsletter, basis: consent, max_age: P24M, grace: P30D, end: delete, because: "+
			"\"sign-up form, version 3\", owner: anna, review_by: 2027-06-01}",
		"    # contract: - {purpose: sales, basis: contract, start: relation_ended, period: P10Y, end: anonymize, "+
			"because: \"limitation of claims\", owner: anna, review_by: 2027-06-01}",
	)
	if ended := endedFields(t, v); len(ended) > 0 {
		lines = append(lines, fmt.Sprintf("    # by its own dates: `no_match: decide` beside rules, and - {purpose: support, "+
			"basis: contract, start: relation_ended, at: %s, period: P3Y, end: delete, article: \"Art. 2946 c.c.\", because: "+
			"\"limitation of claims\", owner: anna, review_by: 2027-06-01}%s", word(ended[0]), others(ended[1:])))
	}
	if techniques := techniques(t, v); len(techniques) > 0 {
		lines = append(lines, fmt.Sprintf("  anonymize: {%s}   # for `end: anonymize` and `else: anonymize`",
			strings.Join(techniques, ", ")))
	}
	return lines
}

// found says which personal fields a table has.
func (d *Draft) found(v classifiers.TableVerdict) string {
	var found []string
	for _, f := range personal(v) {
		found = append(found, fmt.Sprintf("%s (%s, %s)", f.Field, strings.ReplaceAll(string(f.Primary), "_", " "),
			Sure(f.Confidence)))
	}
	return strings.Join(found, ", ")
}

// live is the name of the source that silos govern.
func (d *Draft) live() string {
	if d.dumped() {
		return "LIVE-SOURCE"
	}
	return d.source
}

// subjects returns the identifiers of a table's rows as `kind: field`, the best first. A national id names
// its country, which is not known here.
func subjects(v classifiers.TableVerdict) []string {
	var out []string
	for _, kind := range []string{"email", "customer-number", "national-id", "phone"} {
		for _, f := range v.Fields {
			if f.SubjectKind != kind || f.Company || f.RoleAddress {
				continue
			}
			if kind == "national-id" {
				kind = "national-id:XX"
			}
			out = append(out, word(kind)+": "+word(f.Field))
		}
	}
	return out
}

func personal(v classifiers.TableVerdict) []classifiers.Verdict {
	var out []classifiers.Verdict
	for _, f := range v.Fields {
		if f.Personal() {
			out = append(out, f)
		}
	}
	return out
}

var (
	collecting = regexp.MustCompile(`(?i)creat|regist|sign|joined|added|since|insert|collect|opened|` +
		`iscri|erstell|angelegt|fecha_alta|skapad|aanmaak`)
	changing = regexp.MustCompile(`(?i)updat|modif|chang|last|expir|delet|birth|until|closed|ended`)
	marking  = regexp.MustCompile(`(?i)^(is_?)?(active|enabled|blocked|restricted|usable|attivo|aktiv|activo)$`)
)

// collectedFields returns the fields that may hold the day of collecting, the likeliest first.
func collectedFields(t connectors.Table, v classifiers.TableVerdict) []string {
	var likely, possible []string
	for _, f := range t.Fields {
		born := slices.ContainsFunc(v.Fields, func(v classifiers.Verdict) bool {
			return v.Field == f.Name && v.Personal()
		})
		dated := f.Kind == connectors.Date || f.Kind == connectors.Timestamp
		switch {
		case f.AutoUpdate || born || changing.MatchString(f.Name):
		case collecting.MatchString(f.Name) && (dated || f.Kind == connectors.Text):
			likely = append(likely, f.Name)
		case dated:
			possible = append(possible, f.Name)
		}
	}
	return append(likely, possible...)
}

// blockField returns a field that seems to say whether a row may be used.
func blockField(t connectors.Table) string {
	i := slices.IndexFunc(t.Fields, func(f connectors.Field) bool {
		return marking.MatchString(f.Name) && !f.Generated
	})
	if i < 0 {
		return ""
	}
	return t.Fields[i].Name
}

// techniques proposes how the personal fields of a table are anonymized: the first that the field can hold.
func techniques(t connectors.Table, v classifiers.TableVerdict) []string {
	var out []string
	for _, found := range personal(v) {
		f, ok := t.Field(found.Field)
		if !ok {
			continue
		}
		try := []string{"null", "constant", "empty", "hash"}
		switch found.Primary {
		case classifiers.PersonName, classifiers.Username:
			try = []string{"constant", "null", "hash"}
		case classifiers.DateOfBirth:
			try = []string{"year", "null", "constant"}
		}
		for _, spec := range try {
			_, err := anonymize.Parse(&spec, anonymize.Field{Name: f.Name, Kind: f.Kind, Type: f.Type,
				Length: f.Length, Nullable: f.Nullable, Generated: f.Generated,
				Key: slices.Contains(t.Key, f.Name), Unique: slices.ContainsFunc(t.Unique, func(u []string) bool {
					return slices.Contains(u, f.Name)
				})})
			if err == nil {
				out = append(out, word(f.Name)+": "+spec)
				break
			}
		}
	}
	return out
}

// Sure says a confidence in a word.
func Sure(confidence float64) string {
	switch {
	case confidence >= 0.95:
		return "certain"
	case confidence >= 0.8:
		return "probable"
	}
	return "possible"
}
