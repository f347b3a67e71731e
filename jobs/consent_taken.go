package jobs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/intake"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
)

// rejectLines is how many refused lines are printed one by one.
const rejectLines = 20

// printTaken says what became of a delivery: of a file the first refused lines one by one, and all that is
// refused or does not count by reason.
func printTaken(c *Command, t intake.Taken, dryRun bool) {
	what := "line"
	if t.Table != "" {
		what = "statement"
	}
	count := func(n int) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	fmt.Fprintf(c.Out, "%s: %d recorded, %d were there before, %d refused\n", count(t.Lines), t.Events, t.Duplicates,
		t.Refused)
	if t.Table != "" && t.Lines == 0 {
		fmt.Fprintf(c.Out, "  no row of %s.%s is in a state that the mapping names: compare the values under `when` "+
			"with those of the table\n", t.Source, t.Table)
	}
	if t.Suppressed > 0 {
		fmt.Fprintf(c.Out, "  %d identifiers are new on the suppression list\n", t.Suppressed)
	}
	if t.Table == "" {
		for i, reject := range t.Rejects {
			if i < rejectLines {
				fmt.Fprintln(c.Out, "  "+reject.String())
			}
		}
	}
	if more := t.Refused - rejectLines; t.Table == "" && more > 0 {
		fmt.Fprintf(c.Out, "  and %d more; --json lists the first %d\n", more, delivery.MaxRejects)
	}
	if t.Table != "" || len(t.Rejects) > rejectLines {
		for _, reason := range sortedReasons(t) {
			fmt.Fprintf(c.Out, "  in all %s: %s\n", count(t.Reasons[reason]), reason.Error())
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(t.Unproven)) {
		fmt.Fprintf(c.Out, "  %s: %s: %s\n", count(t.Unproven[reason]), reason, t.Words(reason))
	}
	if dryRun {
		fmt.Fprintln(c.Out, "nothing was recorded: this was a dry run")
	}
}

// jsonTaken is what became of a delivery, for programs.
func jsonTaken(t intake.Taken) any {
	type reason struct {
		Reason event.Reason `json:"reason"`
		Column string       `json:"column,omitempty"`
		Why    string       `json:"why,omitempty"`
		Count  int          `json:"count"`
	}
	type reject struct {
		Line   int          `json:"line"`
		Reason event.Reason `json:"reason"`
		Column string       `json:"column,omitempty"`
		Why    string       `json:"why,omitempty"`
	}
	out := struct {
		Silo       string               `json:"silo"`
		Source     string               `json:"source"`
		Table      string               `json:"table,omitempty"`
		Read       int                  `json:"read"`
		Recorded   int                  `json:"recorded"`
		Known      int                  `json:"known"`
		Refused    int                  `json:"refused"`
		Suppressed int                  `json:"suppressed"`
		Unproven   map[event.Reason]int `json:"unproven,omitempty"`
		Reasons    []reason             `json:"reasons,omitempty"`
		Rejects    []reject             `json:"rejects,omitempty"` // the first of them; of a table none
	}{Silo: t.Silo, Source: t.Source, Table: t.Table, Read: t.Lines, Recorded: t.Events, Known: t.Duplicates,
		Refused: t.Refused, Suppressed: t.Suppressed, Unproven: t.Unproven}
	for _, r := range sortedReasons(t) {
		out.Reasons = append(out.Reasons, reason{r.Reason, r.Column, r.Why, t.Reasons[r]})
	}
	if t.Table == "" {
		for _, r := range t.Rejects {
			out.Rejects = append(out.Rejects, reject(r))
		}
	}
	return out
}

func sortedReasons(t intake.Taken) []event.RefusedError {
	return slices.SortedFunc(maps.Keys(t.Reasons), func(a, b event.RefusedError) int {
		return cmp.Compare(a.Error(), b.Error())
	})
}

// foreignHints says what to write where most lines of a file are refused for one reason: the file is in
// order, and written in a way of its own.
func foreignHints(t intake.Taken) string {
	hints := map[event.Reason]string{
		event.BadType:        "words of the file's own are read with --word, for example --word type:Ja=given",
		event.UnknownPurpose: "purposes of the file's own are read with --purpose \"its purpose=the silo's\"",
		event.UnknownMethod: "words of the file's own are read with --word, for example --word " +
			"method:Formular=form",
		event.BadTermination: "say when such consents end, as --default effective_until=2027-12-31",
		event.BadText:        "text that is not UTF-8 is read with --encoding, for example --encoding windows-1252",
		event.NoNotice:       "a notice that all lines share is given with --notice",
	}
	faults := map[string]string{
		instant.Undecided.Error(): "dates with the day first are read with --dates dmy, those with the month first " +
			"with --dates mdy",
		instant.OtherOrder.Error():  "the day and the month change places with --dates",
		instant.UnknownZone.Error(): "the zone of civil times is said with --zone, for example --zone Asia/Kolkata",
	}
	var found string
	for _, r := range sortedReasons(t) {
		if hint := cmp.Or(faults[r.Why], hints[r.Reason]); hint != "" && t.Table == "" && 2*t.Reasons[r] >= t.Lines &&
			!strings.Contains(found, hint) {
			found += "; " + hint
		}
	}
	return found
}
