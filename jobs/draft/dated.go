package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/connectors"
)

// dated proposes a silo for a table with personal data in which nothing finds the person, but which has a day from
// which a term can count: its rows decide alone. nil: there is no such day.
func (d *Draft) dated(name string) []string {
	t, v := d.tables[name], d.verdicts[name]
	begun, ended := collectedFields(t, v), endedFields(t, v)
	if len(begun)+len(ended) == 0 || len(t.Key) == 0 {
		return nil
	}
	found, source := d.found(v), d.live()
	lines := []string{
		fmt.Sprintf("%s:", word(strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-"))),
		fmt.Sprintf("  # %s: %d rows. Found: %s. Nothing in it finds the person", name, v.Rows, found),
		"  no_match: decide   # its rows decide alone, by their own dates: no consents need be imported",
		"  records:",
		"    - source: " + word(source),
		"      table: " + word(name),
	}
	if len(begun) > 0 {
		lines = append(lines, fmt.Sprintf("      collected: %s   # decide: the day of collecting%s", word(begun[0]),
			others(begun[1:])))
	}
	rule := "start: collected"
	if len(ended) > 0 {
		rule = fmt.Sprintf("start: activity_ended, at: %s", word(ended[0]))
	}
	return append(lines, "  rules:",
		fmt.Sprintf("    - {purpose: \"\", basis: legitimate_interest, %s, period: \"\", end: delete, article: \"\", "+
			"because: \"\", owner: \"\", review_by: %s}   # or legal_obligation, contract%s", rule,
			d.today.AddDate(1, 0, 0).Format(time.DateOnly), others(ended)))
}

func others(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return "; also possible: " + strings.Join(fields, ", ")
}

var ending = regexp.MustCompile(`(?i)clos|end(ed|_at|_date|_on)?$|resolv|solved|decid|finish|complet|cancel|left|terminat|` +
	`chius|cessat|conclus|geschlossen|beendet|afgesloten|beeindig|cierre|baja|zamkn|zakoncz|avslut|stangd`)

// endedFields returns the fields that may hold the day on which what a row is about ended.
func endedFields(t connectors.Table, v classifiers.TableVerdict) (fields []string) {
	for _, f := range t.Fields {
		born := slices.ContainsFunc(v.Fields, func(v classifiers.Verdict) bool {
			return v.Field == f.Name && v.Personal()
		})
		if (f.Kind == connectors.Date || f.Kind == connectors.Timestamp) && !f.AutoUpdate && !born &&
			ending.MatchString(f.Name) {
			fields = append(fields, f.Name)
		}
	}
	return fields
}
