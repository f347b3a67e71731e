package scan

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
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/stores"
)

// Inventory turns what was found in a source into rows of the report: each table, then its fields.
func (sc *Scanner) Inventory(s *Source) []audit.Inventory {
	var rows []audit.Inventory
	for _, r := range s.Readings {
		t := sc.tableRow(s, r)
		var fields []audit.Inventory
		if r.State == "scanned" {
			fields = sc.fieldRows(s, r, t)
		}
		if slices.ContainsFunc(fields, Personal) {
			t.Category, t.Class = "personal", "personal"
		}
		rows = append(append(rows, t), fields...)
	}
	return rows
}

func (sc *Scanner) tableRow(s *Source, r *Reading) audit.Inventory {
	t := audit.Inventory{Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location, Database: r.Table.Database, Object: r.Table.Name,
		Silo: strings.Join(r.Silos, ";"), Rows: max(0, r.Table.Rows), Category: "none", Class: "none", State: r.State, Reason: r.reason, FirstSeen: sc.Tonight.Today.String()}
	if r.State != "scanned" {
		return t
	}
	t.Fingerprint = s.fingerprint
	t.OldestRow, t.NewestRow = s.span(r.Table.Name)
	if r.kept != nil && r.Rows == 0 {
		was := r.kept[0]
		t.Rows, t.SoftDelete, t.Inactive = was.Rows, was.SoftDelete, was.Inactive
		t.OldestRow, t.NewestRow = cmp.Or(t.OldestRow, was.OldestRow), cmp.Or(t.NewestRow, was.NewestRow)
		return t
	}
	oldest, newest := r.life.span()
	t.OldestRow, t.NewestRow = cmp.Or(t.OldestRow, oldest), cmp.Or(t.NewestRow, newest)
	t.SoftDelete, t.Inactive = r.life.softDelete()
	if r.Sampled {
		t.Rows, t.Sampled, t.MissedBelow = max(r.Rows, r.Table.Rows), r.Rows, MissedBelow(r.Rows)
	} else {
		t.Rows = r.Rows
	}
	return t
}

// fieldRows are the rows of a table's fields, each with the machine's verdict and, where there is one, a person's.
func (sc *Scanner) fieldRows(s *Source, r *Reading, t audit.Inventory) []audit.Inventory {
	base := t
	base.OldestRow, base.NewestRow, base.SoftDelete, base.Inactive = "", "", "", 0
	verdicts := map[string]classifiers.Verdict{}
	for _, v := range r.verdict.Fields {
		verdicts[v.Field] = v
	}
	var whole []audit.Inventory
	if r.Sampled {
		whole, _ = sc.lastWhole(s.Name, r.Table.Name)
	}
	var rows []audit.Inventory
	for _, f := range r.Table.Fields {
		row := base
		row.Column, row.Type = f.Name, f.Type
		v, judged := verdicts[f.Name]
		switch reason, left := r.left[f.Name]; {
		case left:
			row.State, row.Reason = "skipped", reason
		case judged:
			fill(&row, v)
			if was := fieldOf(whole, f.Name); was.Type == f.Type && Personal(was) && !Personal(row) {
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
			sc.review(s, &row)
		}
		rows = append(rows, row)
	}
	for _, v := range r.verdict.Fields {
		if v.Path { // a place inside a JSON or XML field
			row := base
			row.Column, row.Type = v.Field, "path"
			fill(&row, v)
			sc.review(s, &row)
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
func (sc *Scanner) review(s *Source, row *audit.Inventory) {
	for _, r := range sc.Setup.Reviews {
		if !r.Of(s.Source) || r.Table != row.Object || r.Field != row.Column || r.Until < sc.Tonight.Today {
			continue
		}
		row.Machine, row.ReviewedBy, row.ReviewedUntil, row.Because = row.Category, r.By, r.Until.String(), r.Because
		row.Category, row.Class, row.DPV, row.Company = string(r.Category), string(r.Category.Class()), r.Category.DPV(), r.Category == classifiers.CompanyOnly
		if !r.Category.Personal() {
			row.Also = ""
		}
	}
}

// Personal reports whether a row is a field with data of natural persons.
func Personal(row audit.Inventory) bool {
	return row.Column != "" && row.State == "scanned" && classifiers.Category(row.Category).Personal() && !row.Company
}

func fieldOf(rows []audit.Inventory, name string) audit.Inventory {
	i := slices.IndexFunc(rows, func(r audit.Inventory) bool { return r.Column == name })
	if i < 0 {
		return audit.Inventory{}
	}
	return rows[i]
}

// lastWhole returns what the newest run that read every row of a table, under the present rules, said of it, and when that was.
func (sc *Scanner) lastWhole(source, table string) ([]audit.Inventory, policy.Date) {
	for _, f := range sc.Notes.History {
		if f.Run.RulesDigest != sc.Notes.Facts.Run.RulesDigest {
			continue
		}
		if rows := notes.ObjectRows(f, notes.Object{Source: source, Table: table}); len(rows) > 0 && rows[0].State == "scanned" && rows[0].MissedBelow == 0 {
			return rows, policy.DateOf(f.Run.AsOf, sc.Setup.Zone)
		}
	}
	return nil, 0
}

// fingerprint names what the verdicts on a file rest on: its bytes, the rules, and the version that applied them. A live source has none: no engine says
// reliably that nothing changed, so its tables are read each night.
func (sc *Scanner) fingerprint(s *Source) (string, error) {
	if s.Path == "" || !s.Backup() {
		return "", nil
	}
	if info, err := os.Stat(s.Path); err != nil || !info.Mode().IsRegular() {
		return "", nil // a folder, or gone: reading it will tell
	}
	digest, err := audit.FileDigest(s.Path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{digest, sc.Setup.Catalogue.Digest(), sc.Setup.Version}, "\x1f")))
	return hex.EncodeToString(sum[:]), nil
}

// unchanged returns what an earlier night said of a table of the very same file under the same rules; nil if it has to be read.
func (sc *Scanner) unchanged(s *Source, t connectors.Table) []audit.Inventory {
	if s.fingerprint == "" {
		return nil
	}
	for _, f := range sc.Notes.History {
		rows := notes.ObjectRows(f, notes.Object{Source: s.Name, Table: t.Name})
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
func (sc *Scanner) before() map[notes.Object][]audit.Inventory {
	was := map[notes.Object][]audit.Inventory{}
	for _, f := range sc.Notes.History {
		now := map[notes.Object][]audit.Inventory{}
		for _, i := range f.Inventory {
			o := notes.Object{Source: i.Source, Table: i.Object}
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

// Drift marks what is new, changed or gone since it was last read, and keeps the date at which each place was first seen. Nothing is gone because it could not be
// read tonight.
func (sc *Scanner) Drift(sources []*stores.Store) {
	was := sc.before()
	earlier := map[notes.Object]map[string]audit.Inventory{}
	for o, rows := range was {
		earlier[o] = map[string]audit.Inventory{}
		for _, i := range rows {
			earlier[o][i.Column] = i
		}
	}
	for i := range sc.Notes.Facts.Inventory {
		now := &sc.Notes.Facts.Inventory[i]
		o := notes.Object{Source: now.Source, Table: now.Object}
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
	for _, s := range sources {
		configured[s.Name] = true
	}
	for _, s := range sc.Whole() {
		read[s.Name] = true
	}
	any := len(read) > 0
	for o, rows := range earlier {
		if !read[o.Source] && (configured[o.Source] || !any) {
			continue
		}
		for _, old := range rows {
			old.Change, old.State = "gone", "gone"
			sc.Notes.Facts.Inventory = append(sc.Notes.Facts.Inventory, old)
		}
	}
	place := make(map[notes.Object]map[string]int) // fields in the order of their table
	for i, row := range sc.Notes.Facts.Inventory {
		o := notes.Object{Source: row.Source, Table: row.Object}
		if place[o] == nil {
			place[o] = map[string]int{}
		}
		if row.Change != "gone" {
			place[o][row.Column] = i
		}
	}
	sort.SliceStable(sc.Notes.Facts.Inventory, func(i, j int) bool {
		a, b := &sc.Notes.Facts.Inventory[i], &sc.Notes.Facts.Inventory[j]
		if c := cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Object, b.Object)); c != 0 {
			return c < 0
		}
		at, there := place[notes.Object{Source: a.Source, Table: a.Object}][a.Column]
		bt, too := place[notes.Object{Source: b.Source, Table: b.Object}][b.Column]
		switch {
		case there != too:
			return there
		case there:
			return at < bt
		}
		return a.Column < b.Column
	})
}

// span returns the civil dates of the oldest and newest row of a governed table.
func (s *Source) span(table string) (oldest, newest string) {
	for _, g := range s.Governed[table] {
		if o := g.Oldest.String(); o != "" && (oldest == "" || o < oldest) {
			oldest = o
		}
		newest = max(newest, g.Newest.String())
	}
	return oldest, newest
}
