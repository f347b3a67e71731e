package jobs

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/jobs/draft"
	"lethe/pipeline/audit"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
)

func explainField(w io.Writer, c *classifiers.Catalogue, tables []classifiers.TableVerdict, missed map[string]float64,
	name string) error {
	for _, t := range tables {
		for _, f := range t.Fields {
			if !strings.EqualFold(t.Table+"."+f.Field, name) {
				continue
			}
			fmt.Fprintf(w, "%s.%s: %s", t.Table, f.Field, labels(f))
			if f.Company {
				fmt.Fprint(w, " (of a legal person)")
			}
			fmt.Fprintf(w, ", confidence %.2f\n%d rows, %d not empty, about %d distinct\n", f.Confidence, f.Rows,
				f.NonEmpty, f.Distinct)
			if below, sampled := missed[t.Table]; sampled {
				fmt.Fprintf(w, "a sample: what is in fewer than %s of the rows can have been missed\n", rate(below))
			}
			for _, term := range f.Terms {
				fmt.Fprintf(w, "  %+6.1f  %-24s %s\n", term.LogOdds, term.Name, term.Detail)
			}
			explainUnverified(w, c, f.Detectors)
			return nil
		}
	}
	return fmt.Errorf("%w: no field %q: write table.field", setup.ErrUsage, name)
}

// keyOfFacts returns the field of the keys where a table has a row for each fact, and facts of people are among them.
func keyOfFacts(fields []classifiers.Verdict) (key string, found bool) {
	for _, f := range fields {
		if key, found = strings.CutPrefix(f.Inside, "rows by "); found && f.Path && f.Primary.Personal() {
			return key, true
		}
	}
	return "", false
}

// explainUnverified says what of the rules of detectors no source states.
func explainUnverified(w io.Writer, c *classifiers.Catalogue, ids []string) {
	for _, d := range c.Detectors() {
		if d.Unverified != "" && slices.Contains(ids, d.ID) {
			fmt.Fprintf(w, "%s is unverified: %s (`lethe classifiers list %s`)\n", d.ID, d.Unverified, d.ID)
		}
	}
}

func labels(f classifiers.Verdict) string {
	out := string(cmp.Or(f.Primary, classifiers.None))
	if len(f.Also) > 0 {
		out += " (also " + also(f) + ")"
	}
	return out
}

func also(f classifiers.Verdict) string {
	names := make([]string, len(f.Also))
	for i, c := range f.Also {
		names[i] = string(c)
	}
	return strings.Join(names, ",")
}

// writeInventory prints what was found. The columns of tsv and csv: database, table, column, labels, also,
// confidence, rows, nonempty, distinct; where tables were sampled also missed_below, the share of rows below
// which something can have been missed (0: all rows were read). In JSON, what was not read stands behind the tables, with
// the reason and no fields.
func writeInventory(w io.Writer, found *scan.Discovery, format string, all bool) error {
	tables, missed := found.Tables, found.Missed
	row := func(t classifiers.TableVerdict, f classifiers.Verdict) []string {
		cells := []string{t.Database, t.Table, f.Field, string(cmp.Or(f.Primary, classifiers.None)), also(f),
			strconv.FormatFloat(f.Confidence, 'f', 3, 64),
			strconv.FormatInt(f.Rows, 10), strconv.FormatInt(f.NonEmpty, 10), strconv.FormatInt(f.Distinct, 10)}
		if len(missed) > 0 {
			cells = append(cells, strconv.FormatFloat(missed[t.Table], 'g', 4, 64))
		}
		return cells
	}
	header := []string{"database", "table", "column", "labels", "also", "confidence", "rows", "nonempty", "distinct"}
	if len(missed) > 0 {
		header = append(header, "missed_below")
	}
	switch format {
	case "tsv":
		fmt.Fprintln(w, strings.Join(header, "\t"))
		for _, t := range tables {
			for _, f := range t.Fields {
				fmt.Fprintln(w, strings.Join(row(t, f), "\t"))
			}
		}
		return nil
	case "csv":
		cw := csv.NewWriter(w)
		if err := cw.Write(header); err != nil {
			return err
		}
		for _, t := range tables {
			for _, f := range t.Fields {
				if err := cw.Write(row(t, f)); err != nil {
					return err
				}
			}
		}
		cw.Flush()
		return cw.Error()
	case "json":
		return writeJSON(w, found)
	case "text":
		writeText(w, found, all)
		return nil
	}
	return fmt.Errorf("%w: --format %q: use text, tsv, csv or json", setup.ErrUsage, format)
}

// writeJSON prints the inventory as a list of tables.
func writeJSON(w io.Writer, found *scan.Discovery) error {
	type entry struct {
		classifiers.TableVerdict
		NotRead string            `json:",omitempty"` // why, of what was not read
		Assumed map[string]string `json:",omitempty"` // how it is written, where that had to be found out
	}
	assumed := map[string]map[string]string{}
	for _, a := range found.Assumed {
		assumed[a.Table] = a.Options
	}
	list := []entry{}
	for _, t := range found.Tables {
		list = append(list, entry{TableVerdict: t, Assumed: assumed[t.Table]})
	}
	for _, u := range found.Unread {
		if u.Read {
			continue
		}
		list = append(list, entry{classifiers.TableVerdict{Table: u.Name, Fields: []classifiers.Verdict{}}, u.Reason, nil})
	}
	if len(found.Missed) == 0 {
		return encodeInventory(w, &list)
	}
	type sampled struct {
		classifiers.TableVerdict
		NotRead     string            `json:",omitempty"`
		Assumed     map[string]string `json:",omitempty"`
		MissedBelow float64           // the share of rows below which something can have been missed
	}
	samples := make([]sampled, len(list))
	for i, e := range list {
		samples[i] = sampled{e.TableVerdict, e.NotRead, e.Assumed, found.Missed[e.Table]}
	}
	return encodeInventory(w, &samples)
}

// writeUnread prints what was not read, a line each.
func writeUnread(w io.Writer, list []connectors.Unread) {
	for _, u := range list {
		switch {
		case u.Read:
			continue
		case u.Name == "":
			fmt.Fprintf(w, "not read: %s\n", u.Reason)
		default:
			fmt.Fprintf(w, "not read: %s, %s\n", u.Name, u.Reason)
		}
	}
}

// writeAssumed prints how tables were read that are not written as usual, those that are written alike in one line.
func writeAssumed(w io.Writer, list []connectors.Assumption) {
	tables := map[string][]string{}
	for _, a := range list {
		tables[a.Said()] = append(tables[a.Said()], a.Table)
	}
	for _, said := range slices.Sorted(maps.Keys(tables)) {
		fmt.Fprintf(w, "read with %s, as nobody said how: %s\n", said, strings.Join(tables[said], ", "))
	}
}

// encodeInventory prints an inventory as JSON. A number that JSON cannot say is left out and named; all else is printed.
func encodeInventory[T any](w io.Writer, tables *[]T) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	var cannot *json.UnsupportedValueError
	if err := e.Encode(tables); !errors.As(err, &cannot) {
		return err
	}
	left := audit.Writable(tables)
	return errors.Join(e.Encode(tables), fmt.Errorf("%w: the inventory leaves out %s: a fault of Lethe, report it",
		setup.ErrSource, strings.Join(left, ", ")))
}

// writeText prints the inventory as a person would write it: the tables with personal data and their fields,
// then what else there is.
func writeText(w io.Writer, found *scan.Discovery, all bool) {
	tables, missed := found.Tables, found.Missed
	var without []string
	personal := 0
	for _, t := range tables {
		var fields []classifiers.Verdict
		for _, f := range t.Fields {
			if all || f.Primary.Personal() || f.Primary == classifiers.CompanyOnly {
				fields = append(fields, f)
			}
		}
		if len(fields) == 0 {
			without = append(without, t.Table)
			continue
		}
		if below, sampled := missed[t.Table]; sampled {
			fmt.Fprintf(w, "%s (a sample of %d rows: what is in fewer than %s of all can be missing here)\n",
				t.Table, t.Rows, rate(below))
		} else {
			fmt.Fprintf(w, "%s (%d rows)\n", t.Table, t.Rows)
		}
		for _, f := range fields {
			what := strings.ReplaceAll(labels(f), "_", " ")
			if f.Company && f.Primary != classifiers.CompanyOnly {
				what += ", of a company"
			} else if f.Primary.Personal() {
				personal++
			}
			filled := ""
			if f.Rows > 0 && f.NonEmpty < f.Rows {
				filled = fmt.Sprintf("  %d %% filled", 100*f.NonEmpty/f.Rows)
			}
			if f.Path || f.Inside != "" && f.Primary == classifiers.FreeText {
				filled += "  in " + f.Inside
			}
			fmt.Fprintf(w, "  %-28s %-44s %-8s%s\n", f.Field, what, draft.Sure(f.Confidence), filled)
		}
		if key, found := keyOfFacts(fields); found {
			fmt.Fprintf(w, "  a row for each fact: a silo governs those of one key by a record with `where: {%s: KEY}`\n", key)
		}
	}
	if len(without) > 0 {
		fmt.Fprintf(w, "no personal data found in: %s\n", strings.Join(without, ", "))
	}
	writeUnread(w, found.Unread)
	writeAssumed(w, found.Assumed)
	if len(found.Views) > 0 {
		fmt.Fprintf(w, "views, which show rows of tables and are not read by themselves: %s\n",
			strings.Join(found.Views, ", "))
	}
	read := "every row was read"
	if slices.ContainsFunc(found.Unread, func(u connectors.Unread) bool { return !u.Read }) {
		read = "every row of these was read, and nothing of what is named as not read"
	}
	if len(missed) > 0 {
		worst := slices.Max(slices.Collect(maps.Values(missed)))
		read = fmt.Sprintf("%d tables were read in part, so that what is in fewer than %s of their rows can have been "+
			"missed (95 %%)", len(missed), rate(worst))
	}
	fmt.Fprintf(w, "%d fields with personal data in %d of %d tables; %s\n", personal, len(tables)-len(without),
		len(tables), read)
}

// rate prints a share as a percentage of two digits.
func rate(share float64) string { return strconv.FormatFloat(share*100, 'g', 2, 64) + " %" }
