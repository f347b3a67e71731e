package jobs

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/plan"
	"lethe/pipeline/plan/rows"
	"lethe/pipeline/plan/values"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
	"lethe/pipeline/state"
)

// rowFlags say which rows of a plan are shown, and how.
type rowFlags struct {
	rows    bool
	values  bool   // with what stands in them now
	table   string // "" all
	csv     bool
	as, key string // who looks at values
}

// wanted refuses what says how rows are shown where none are.
func (f rowFlags) wanted(json bool) error {
	switch {
	case (f.as == "") != (f.key == ""), f.values && f.as == "", f.as != "" && !f.rows && !f.values:
		return fmt.Errorf("%w: --values goes with --as NAME and --key FILE, and --rows may: who looks signs it",
			setup.ErrUsage)
	case !f.rows && !f.values && (f.table != "" || f.csv):
		return fmt.Errorf("%w: --table and --csv say which rows are shown, and how: add --rows", setup.ErrUsage)
	case f.csv && json:
		return fmt.Errorf("%w: --csv and --json are two forms: say one", setup.ErrUsage)
	}
	return nil
}

// shownRow is a row of a plan as it is printed.
type shownRow struct {
	Source      string    `json:"source"`
	Table       string    `json:"table"`
	Key         []string  `json:"key"`
	Hidden      bool      `json:"hidden,omitempty"` // of what stands as * in the key
	Record      string    `json:"record"`
	Silo        string    `json:"silo"`
	Change      string    `json:"change"`
	Fields      []string  `json:"fields,omitempty"`
	Reason      string    `json:"reason"`
	Words       string    `json:"words"`
	Rule        string    `json:"rule"`
	LawfulUntil string    `json:"lawful_until"`
	Due         string    `json:"due"`
	Kind        string    `json:"kind"`
	Unit        int64     `json:"unit"`
	By          []shownBy `json:"by,omitempty"`
	Along       []along   `json:"along,omitempty"`
	Now         []shownAs `json:"now,omitempty"`     // with --values
	Unshown     string    `json:"unshown,omitempty"` // why there are no values; "" there are, or nobody asked

	source, table string // as they are
	key           connectors.Key
}

// shownAs is what stands in a field.
type shownAs struct {
	Field string  `json:"field"`
	Value *string `json:"value"` // null: NULL
}

// shownBy is how a row is reached.
type shownBy struct {
	Table  string   `json:"table"`
	Key    []string `json:"key"`
	Fields []string `json:"fields"`
	Owns   bool     `json:"owns,omitempty"`
}

type along struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// rowPrinter prints rows of a plan, one by one.
type rowPrinter interface {
	begin() error
	row(shownRow) error
	end() error
}

// showRows prints the rows of a plan, a row at a time.
func showRows(ctx context.Context, c *Command, p *setup.Setup, id string, f rowFlags) (err error) {
	sealed, identity, err := plan.Look(ctx, p, id)
	if err != nil {
		return errors.Join(state.WholeUnopened(ctx, p), err)
	}
	mine := func(s plan.Set, table string) bool {
		return f.table == "" || f.table == table || f.table == s.Source+"."+table
	}
	if !slices.ContainsFunc(sealed.Sets, func(s plan.Set) bool {
		return slices.ContainsFunc(s.Tables, func(table string) bool { return mine(s, table) })
	}) {
		return fmt.Errorf("%w: --table: plan %s changes no row of %s: `lethe plan show %[2]s` names its tables",
			setup.ErrConfig, sealed.PlanID, p.Names.Of(f.table))
	}
	if !f.values {
		who, err := (&enterFlags{as: f.as, key: f.key}).named(ctx, c, p)
		if err != nil {
			return err
		}
		if err := values.Rows(ctx, p, sealed, who); err != nil {
			return err
		}
	}
	out := bufio.NewWriterSize(c.data, 1<<16)
	defer func() { err = errors.Join(err, out.Flush()) }()
	head := fmt.Sprintf("plan %s (%s), valid until %s, digest %s", sealed.PlanID, sealed.Part,
		dayOf(sealed.ValidUntil, p.Zone), sealed.Digest)
	var printer rowPrinter = &rowText{w: out, head: head}
	if f.csv || c.json {
		fmt.Fprintln(c.Err, head) // which the rows are of
		printer = &rowJSON{w: out}
	}
	if f.csv {
		printer = rowCSV{csv.NewWriter(out), f.values}
	}
	text, _ := printer.(*rowText)
	var look *looking
	if f.values {
		if look, err = c.look(ctx, p, sealed, f, printer); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, look.Close()) }()
		printer = look
	}
	if err := printer.begin(); err != nil {
		return err
	}
	for _, s := range sealed.Sets {
		if text != nil && sealed.Files[s.Source] != "" && slices.ContainsFunc(s.Tables,
			func(table string) bool { return mine(s, table) }) {
			if err := look.flush(); err != nil {
				return err
			}
			text.file(p.Names.Of(s.Source))
		}
		show := rowShower{set: s, names: p.Names, hides: func(text string) bool {
			return len(shown.Gated(p.Catalogue, text)) > 0
		}}
		for _, table := range slices.Sorted(slices.Values(s.Tables)) {
			if !mine(s, table) {
				continue
			}
			for row, err := range rows.Of(sealed, s, rows.Reader{Identity: identity, Keys: p.Keys}, table, rows.Portion) {
				if err == nil {
					err = ctx.Err()
				}
				if err == nil {
					err = printer.row(show.row(row))
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return printer.end()
}

// rowShower makes of rows of a set what may be printed of them.
type rowShower struct {
	set   plan.Set
	names *shown.Names
	hides func(text string) bool
}

func (r rowShower) row(row *rows.Row) shownRow {
	day := func(d calendar.Date) string {
		if !d.Known() {
			return ""
		}
		return d.String()
	}
	s := shownRow{Source: r.names.Of(row.Source), Table: r.names.Of(row.Table), Record: hex.EncodeToString(row.Record[:]),
		Silo: row.Silo, Change: string(row.Op), Fields: r.all(row.Fields), Reason: row.Reason,
		Words: reason.Code(row.Reason).Words(), Rule: row.Rule, LawfulUntil: day(row.Ended), Due: day(row.Due),
		Kind: string(row.Kind), Unit: row.Unit, source: row.Source, table: row.Table, key: row.Key}
	s.Key, s.Hidden = r.key(row.Table, row.Key)
	for _, by := range row.By {
		other := by.Edge.Parent
		if by.Owns {
			other = by.Edge.Child
		}
		key, _ := r.key(other, by.Key)
		s.By = append(s.By, shownBy{r.names.Of(other), key, r.all(by.Edge.Fields), by.Owns})
	}
	for _, a := range row.Along {
		s.Along = append(s.Along, along{r.names.Of(a.Table), a.Rows})
	}
	return s
}

func (r rowShower) key(table string, key connectors.Key) (fields []string, hidden bool) {
	return rows.Key(r.set, table, key, r.hides)
}

func (r rowShower) all(names []string) (list []string) {
	for _, n := range names {
		list = append(list, r.names.Of(n))
	}
	return list
}

// text is what stands in a field as a person reads it.
func (v shownAs) text(escaped *shown.Names) string {
	if v.Value == nil {
		return "NULL"
	}
	return escaped.Of(*v.Value)
}

// said is how a row is reached, in words.
func (s shownRow) said() string {
	var words []string
	for _, by := range s.By {
		other := by.Table + " " + strings.Join(by.Key, " ")
		switch fields := strings.Join(by.Fields, ", "); {
		case by.Owns:
			words = append(words, fmt.Sprintf("only rows that go refer to it, the first of them %s by %s", other, fields))
		case s.Change == "set_null":
			words = append(words, fmt.Sprintf("its %s refers to %s, which goes", fields, other))
		default:
			words = append(words, fmt.Sprintf("goes with %s, to which its %s refers", other, fields))
		}
	}
	return strings.Join(words, "; ")
}

// with is what goes along, in words.
func (s shownRow) with() string {
	var words []string
	for _, a := range s.Along {
		words = append(words, fmt.Sprintf("%d of %s", a.Rows, a.Table))
	}
	return strings.Join(words, ", ")
}

// rowText prints a row as a person reads it: what and why on a line, the rest under it.
type rowText struct {
	w    io.Writer
	head string
	rows int64
}

func (t *rowText) begin() error {
	_, err := fmt.Fprintln(t.w, t.head)
	return err
}

// file says that the rows of a backup that come now are one.
func (t *rowText) file(name string) {
	fmt.Fprintf(t.w, "%s is written anew as a whole: its rows go together or not at all\n", name)
}

func (t *rowText) row(s shownRow) error {
	t.rows++
	var escaped *shown.Names // only escapes: a key is no name
	key := make([]string, len(s.Key))
	for i, k := range s.Key {
		key[i] = escaped.Of(k)
	}
	line := fmt.Sprintf("%s.%s %s: %s", s.Source, s.Table, strings.Join(key, " "), s.Change)
	if len(s.Fields) > 0 {
		line += " of " + strings.Join(s.Fields, ", ")
	}
	line += ": " + s.Words + "\n    " + s.Reason
	for _, more := range [][2]string{{", rule ", s.Rule}, {", lawful until ", s.LawfulUntil}, {", due ", s.Due},
		{"\n    ", s.said()}, {"\n    with it: ", s.with()}} {
		if more[1] != "" {
			line += more[0] + escaped.Of(more[1])
		}
	}
	if s.Hidden {
		line += "\n    record " + s.Record
	}
	for _, v := range s.Now {
		line += "\n    " + v.Field + ": " + v.text(escaped)
	}
	if s.Unshown != "" {
		line += "\n    " + s.Unshown
	}
	_, err := fmt.Fprintln(t.w, line)
	return err
}

func (t *rowText) end() error {
	rows := "rows"
	if t.rows == 1 {
		rows = "row"
	}
	_, err := fmt.Fprintf(t.w, "%d %s\n", t.rows, rows)
	return err
}

// rowJSON prints a list with a line for each row.
type rowJSON struct {
	w    io.Writer
	rows bool
}

func (j *rowJSON) begin() error {
	_, err := io.WriteString(j.w, "[")
	return err
}

func (j *rowJSON) row(s shownRow) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	before := "\n"
	if j.rows {
		before = ",\n"
	}
	j.rows = true
	_, err = fmt.Fprintf(j.w, "%s%s", before, body)
	return err
}

func (j *rowJSON) end() error {
	_, err := io.WriteString(j.w, "\n]\n")
	return err
}

// rowCSV prints a line for each row, lists joined by semicolons.
type rowCSV struct {
	w      *csv.Writer
	values bool
}

func (t rowCSV) begin() error {
	head := []string{"source", "table", "key", "record", "silo", "change", "fields", "reason", "words", "rule",
		"lawful_until", "due", "kind", "unit", "by", "along"}
	if t.values {
		head = append(head, "now", "unshown")
	}
	return t.w.Write(head)
}

func (t rowCSV) row(s shownRow) error {
	line := []string{s.Source, s.Table, inert(strings.Join(s.Key, ";")), s.Record, s.Silo, s.Change,
		strings.Join(s.Fields, ";"), s.Reason, s.Words, s.Rule, s.LawfulUntil, s.Due, s.Kind,
		strconv.FormatInt(s.Unit, 10), s.said(), s.with()}
	if t.values {
		now, err := json.Marshal(s.Now)
		if err != nil {
			return err
		}
		line = append(line, string(now), s.Unshown)
	}
	return t.w.Write(line)
}

func (t rowCSV) end() error {
	t.w.Flush()
	return t.w.Error()
}

// inert keeps a spreadsheet from taking a value of a record for a formula.
func inert(cell string) string {
	_, err := strconv.ParseInt(cell, 10, 64)
	if err != nil && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
