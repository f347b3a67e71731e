package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
)

// Review is a person's verdict on a field. It stands in the place of the classifiers' until it runs out.
type Review struct {
	Source   string // a source's or a set's name; its backups follow
	Table    string
	Field    string
	Category classifiers.Category
	By       string
	Because  string
	Until    calendar.Date // the last day on which it holds
}

// object is a table of a source.
type object struct{ source, table string }

// inventory turns what was found in a source into rows of the report: each table, then its fields.
func (n *night) inventory(s *store) []audit.Inventory {
	var rows []audit.Inventory
	for _, r := range s.readings {
		t := n.tableRow(s, r)
		var fields []audit.Inventory
		if r.state == "scanned" {
			fields = n.fieldRows(s, r, t)
		}
		if slices.ContainsFunc(fields, personal) {
			t.Category, t.Class = "personal", "personal"
		}
		rows = append(append(rows, t), fields...)
	}
	return rows
}

func (n *night) tableRow(s *store, r *reading) audit.Inventory {
	t := audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location, Database: r.table.Database, Object: r.table.Name,
		Silo: strings.Join(r.silos, ";"), Rows: max(0, r.table.Rows), Category: "none", Class: "none", State: r.state, Reason: r.reason, FirstSeen: n.today.String()}
	if r.state != "scanned" {
		return t
	}
	t.Fingerprint = s.fingerprint
	t.OldestRow, t.NewestRow = s.span(r.table.Name)
	if r.kept != nil && r.rows == 0 {
		was := r.kept[0]
		t.Rows, t.SoftDelete, t.Inactive = was.Rows, was.SoftDelete, was.Inactive
		t.OldestRow, t.NewestRow = cmp.Or(t.OldestRow, was.OldestRow), cmp.Or(t.NewestRow, was.NewestRow)
		return t
	}
	oldest, newest := r.life.span()
	t.OldestRow, t.NewestRow = cmp.Or(t.OldestRow, oldest), cmp.Or(t.NewestRow, newest)
	t.SoftDelete, t.Inactive = r.life.softDelete()
	if r.sampled {
		t.Rows, t.Sampled, t.MissedBelow = max(r.rows, r.table.Rows), r.rows, MissedBelow(r.rows)
	} else {
		t.Rows = r.rows
	}
	return t
}

// fieldRows are the rows of a table's fields, each with the machine's verdict and, where there is one, a person's.
func (n *night) fieldRows(s *store, r *reading, t audit.Inventory) []audit.Inventory {
	base := t
	base.OldestRow, base.NewestRow, base.SoftDelete, base.Inactive = "", "", "", 0
	verdicts := map[string]classifiers.Verdict{}
	for _, v := range r.verdict.Fields {
		verdicts[v.Field] = v
	}
	var whole []audit.Inventory
	if r.sampled {
		whole, _ = n.lastWhole(s.Name, r.table.Name)
	}
	var rows []audit.Inventory
	for _, f := range r.table.Fields {
		row := base
		row.Column, row.Type = f.Name, f.Type
		v, judged := verdicts[f.Name]
		switch reason, left := r.left[f.Name]; {
		case left:
			row.State, row.Reason = "skipped", reason
		case judged:
			fill(&row, v)
			if was := fieldOf(whole, f.Name); was.Type == f.Type && personal(was) && !personal(row) {
				unreview(&was)
				found(&row, was) // the last whole reading saw more than this sample
			}
		default:
			was := fieldOf(r.kept, f.Name)
			unreview(&was)
			found(&row, was)
			row.Rows, row.NonEmpty, row.Distinct = was.Rows, was.NonEmpty, was.Distinct
		}
		if row.State == "scanned" {
			n.review(s, &row)
		}
		rows = append(rows, row)
	}
	for _, v := range r.verdict.Fields {
		if v.Path { // a place inside a JSON or XML field
			row := base
			row.Column, row.Type = v.Field, "path"
			fill(&row, v)
			n.review(s, &row)
			rows = append(rows, row)
		}
	}
	return rows
}

// fill writes a verdict of the classifiers into a row.
func fill(row *audit.Inventory, v classifiers.Verdict) {
	if row.Sampled == 0 {
		row.Rows = v.Rows
	}
	row.NonEmpty, row.Distinct, row.Fictitious = v.NonEmpty, v.Distinct, v.Fictitious
	row.Category, row.Class, row.DPV, row.Company, row.Confidence = string(v.Primary), string(v.Class), v.Primary.DPV(), v.Company, v.Confidence
	also := make([]string, len(v.Also))
	for i, c := range v.Also {
		also[i] = string(c)
	}
	terms := make([]string, len(v.Terms))
	for i, t := range v.Terms {
		terms[i] = fmt.Sprintf("%s %+.1f", t.Name, t.LogOdds)
	}
	row.Also, row.Detectors, row.Terms = strings.Join(also, ";"), strings.Join(v.Detectors, ";"), strings.Join(terms, ";")
}

// found copies what an earlier night found in a field.
func found(row *audit.Inventory, was audit.Inventory) {
	row.Category, row.Class, row.DPV, row.Company, row.Confidence = was.Category, was.Class, was.DPV, was.Company, was.Confidence
	row.Also, row.Detectors, row.Terms, row.Fictitious = was.Also, was.Detectors, was.Terms, was.Fictitious
}

// unreview gives an earlier row the machine's verdict back.
func unreview(row *audit.Inventory) {
	if row.ReviewedBy != "" {
		c := classifiers.Category(row.Machine)
		row.Category, row.Class, row.DPV, row.Company = row.Machine, string(c.Class()), c.DPV(), c == classifiers.CompanyOnly
	}
}

// review puts a person's verdict in the place of the machine's, which stays beside it.
func (n *night) review(s *store, row *audit.Inventory) {
	for _, r := range n.Reviews {
		if !r.of(s.Source) || r.Table != row.Object || r.Field != row.Column || r.Until < n.today {
			continue
		}
		row.Machine, row.ReviewedBy, row.ReviewedUntil, row.Because = row.Category, r.By, r.Until.String(), r.Because
		row.Category, row.Class, row.DPV, row.Company = string(r.Category), string(r.Category.Class()), r.Category.DPV(), r.Category == classifiers.CompanyOnly
		if !r.Category.Personal() {
			row.Also = ""
		}
	}
}

// of reports whether a review is of a source, or of what a source is a backup of.
func (r Review) of(s Source) bool {
	return r.Source == s.Name || r.Source == s.System() || r.Source == s.Set
}

// personal reports whether a row is a field with data of natural persons.
func personal(row audit.Inventory) bool {
	return row.Column != "" && row.State == "scanned" && classifiers.Category(row.Category).Personal() && !row.Company
}

func fieldOf(rows []audit.Inventory, name string) audit.Inventory {
	i := slices.IndexFunc(rows, func(r audit.Inventory) bool { return r.Column == name })
	if i < 0 {
		return audit.Inventory{}
	}
	return rows[i]
}

// objectRows returns a run's rows of one table: its own, then those of its fields.
func objectRows(f audit.Facts, o object) (rows []audit.Inventory) {
	for _, i := range f.Inventory {
		if i.Source == o.source && i.Object == o.table {
			rows = append(rows, i)
		}
	}
	return rows
}

// lastWhole returns what the newest run that read every row of a table, under the present rules, said of it, and when that was.
func (n *night) lastWhole(source, table string) ([]audit.Inventory, calendar.Date) {
	for _, f := range n.history {
		if f.Run.RulesDigest != n.facts.Run.RulesDigest {
			continue
		}
		if rows := objectRows(f, object{source, table}); len(rows) > 0 && rows[0].State == "scanned" && rows[0].MissedBelow == 0 {
			return rows, calendar.DateOf(f.Run.AsOf, n.Zone)
		}
	}
	return nil, 0
}

// fingerprint names what the verdicts on a file rest on: its bytes, the rules, and the version that applied them. A live source has none: no engine says
// reliably that nothing changed, so its tables are read each night.
func (n *night) fingerprint(s *store) (string, error) {
	if s.Path == "" || !s.backup() {
		return "", nil
	}
	if info, err := os.Stat(s.Path); err != nil || !info.Mode().IsRegular() {
		return "", nil // a folder, or gone: reading it will tell
	}
	digest, err := fileDigest(s.Path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{digest, n.Catalogue.Digest(), n.Version}, "\x1f")))
	return hex.EncodeToString(sum[:]), nil
}

// unchanged returns what an earlier night said of a table of the very same file under the same rules; nil if it has to be read.
func (n *night) unchanged(s *store, t connectors.Table) []audit.Inventory {
	if s.fingerprint == "" {
		return nil
	}
	for _, f := range n.history {
		rows := objectRows(f, object{s.Name, t.Name})
		if len(rows) == 0 {
			continue
		}
		if rows[0].State != "scanned" || rows[0].Fingerprint != s.fingerprint || len(rows) != len(t.Fields)+1 {
			return nil
		}
		for _, row := range rows[1:] {
			_, left := s.Skip[t.Name+"."+row.Column]
			if left != (row.State == "skipped") {
				return nil
			}
		}
		return rows
	}
	return nil
}

// before returns, for each table of which the last runs say anything, what the newest of them said; nothing if it was gone by then. A run that could
// not read a table says nothing of it.
func (n *night) before() map[object][]audit.Inventory {
	was := map[object][]audit.Inventory{}
	for _, f := range n.history {
		now := map[object][]audit.Inventory{}
		for _, i := range f.Inventory {
			o := object{i.Source, i.Object}
			if _, settled := was[o]; settled || i.Object == "" {
				continue
			}
			now[o] = append(now[o], i)
		}
		for o, rows := range now {
			switch {
			case rows[0].State == "failed":
			case rows[0].Change == "gone" && rows[0].Column == "":
				was[o] = nil
			default:
				was[o] = slices.DeleteFunc(rows, func(i audit.Inventory) bool { return i.Change == "gone" })
			}
		}
	}
	return was
}

// compare marks what is new, changed or gone since it was last read, and keeps the date at which each place was first seen. Nothing is gone because it could not be
// read tonight.
func (n *night) compare() {
	was := n.before()
	earlier := map[object]map[string]audit.Inventory{}
	for o, rows := range was {
		earlier[o] = map[string]audit.Inventory{}
		for _, i := range rows {
			earlier[o][i.Column] = i
		}
	}
	for i := range n.facts.Inventory {
		now := &n.facts.Inventory[i]
		o := object{now.Source, now.Object}
		if now.Column == "" && now.State != "scanned" {
			old := earlier[o][""]
			earlier[o] = map[string]audit.Inventory{} // its fields are not gone: nobody looked
			if old.FirstSeen != "" {
				earlier[o][""] = old
			}
		}
		old, known := earlier[o][now.Column]
		delete(earlier[o], now.Column)
		switch {
		case !known:
			now.Change = "new"
		case old.Category != now.Category || old.Also != now.Also || old.Type != now.Type || old.State != now.State || old.Silo != now.Silo:
			now.Change, now.FirstSeen = "changed", old.FirstSeen
		default:
			now.Change, now.FirstSeen = "same", old.FirstSeen
		}
	}
	read, configured := map[string]bool{}, map[string]bool{}
	for _, s := range n.stores {
		read[s.Name], configured[s.Name] = s.surveyed && s.err == nil, true
	}
	any := slices.ContainsFunc(n.stores, func(s *store) bool { return read[s.Name] })
	for o, rows := range earlier {
		if !read[o.source] && (configured[o.source] || !any) {
			continue
		}
		for _, old := range rows {
			old.Change, old.State = "gone", "gone"
			n.facts.Inventory = append(n.facts.Inventory, old)
		}
	}
	place := make(map[object]map[string]int) // fields in the order of their table
	for i, row := range n.facts.Inventory {
		o := object{row.Source, row.Object}
		if place[o] == nil {
			place[o] = map[string]int{}
		}
		if row.Change != "gone" {
			place[o][row.Column] = i
		}
	}
	sort.SliceStable(n.facts.Inventory, func(i, j int) bool {
		a, b := &n.facts.Inventory[i], &n.facts.Inventory[j]
		if c := cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Object, b.Object)); c != 0 {
			return c < 0
		}
		at, there := place[object{a.Source, a.Object}][a.Column]
		bt, too := place[object{b.Source, b.Object}][b.Column]
		switch {
		case there != too:
			return there
		case there:
			return at < bt
		}
		return a.Column < b.Column
	})
}
