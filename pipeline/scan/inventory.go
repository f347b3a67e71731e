package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/review"
	"lethe/pipeline/setup"
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
	for i, u := range s.Unread {
		if u.Name == "" || u.Read || i > 0 && s.Unread[i-1].Name == u.Name { // said by a finding; said once
			continue
		}
		r := &Reading{Table: connectors.Table{Name: u.Name, Rows: -1}, State: "skipped", reason: u.Reason}
		rows = append(rows, sc.tableRow(s, r))
	}
	return rows
}

// tableRow is the row of a table itself.
func (sc *Scanner) tableRow(s *Source, r *Reading) audit.Inventory {
	t := audit.Inventory{
		Source: s.Name, Application: s.Application, Environment: s.Environment, Location: s.Location,
		Processor: s.Processor, Encrypted: s.Encrypted, AuditLog: s.AuditLog, DeletePath: s.DeletePath(),
		Database: r.Table.Database, Object: r.Table.Name, Silo: strings.Join(r.Silos, ";"),
		Rows: max(0, r.Table.Rows), Category: "none", Class: "none",
		State: r.State, Reason: r.reason, FirstSeen: sc.Tonight.Today.String(),
	}
	if r.State != "scanned" {
		return t
	}
	t.Fingerprint, t.Subject = s.fingerprint, r.verdict.Subject
	t.OldestRow, t.NewestRow = s.span(r.Table.Name)
	if r.kept != nil && r.Rows == 0 {
		was := r.kept[0]
		t.Rows, t.SoftDelete, t.Inactive, t.Subject = was.Rows, was.SoftDelete, was.Inactive, was.Subject
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

// fieldRows are the rows of a table's fields, each with the machine's verdict and, where there is one, a
// person's.
func (sc *Scanner) fieldRows(s *Source, r *Reading, t audit.Inventory) []audit.Inventory {
	base := t
	base.OldestRow, base.NewestRow, base.SoftDelete, base.Inactive, base.Subject = "", "", "", 0, ""
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
		row.Column, row.Type, row.RefersTo = f.Name, f.Type, r.refersTo(f.Name)
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
		if v.Path { // a place inside a document
			row := base
			row.Column, row.Type = v.Field, "path"
			if v.Inside != "json" && v.Inside != "xml" && v.Inside != "html" {
				row.Type += " in " + v.Inside
			}
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
	row.Category, row.Class, row.DPV = string(v.Primary), string(v.Class), v.Primary.DPV()
	row.Company, row.Confidence = v.Company, v.Confidence

	also := make([]string, len(v.Also))
	for i, c := range v.Also {
		also[i] = string(c)
	}
	terms := make([]string, len(v.Terms))
	for i, t := range v.Terms {
		terms[i] = fmt.Sprintf("%s %+.1f", t.Name, t.LogOdds)
		if t.Detail != "" {
			terms[i] = fmt.Sprintf("%s (%s) %+.1f", t.Name, strings.ReplaceAll(t.Detail, ";", ","), t.LogOdds)
		}
	}
	row.Candidate, row.Shapes = string(v.Candidate), strings.Join(v.Shapes, ";")
	row.Also, row.Detectors = strings.Join(also, ";"), strings.Join(v.Detectors, ";")
	row.Terms = strings.Join(terms, ";")
}

// found copies what an earlier night found in a field.
func found(row *audit.Inventory, was audit.Inventory) {
	row.Category, row.Class, row.DPV = was.Category, was.Class, was.DPV
	row.Company, row.Confidence = was.Company, was.Confidence
	row.Also, row.Detectors, row.Terms, row.Fictitious = was.Also, was.Detectors, was.Terms, was.Fictitious
	row.Candidate, row.Shapes = was.Candidate, was.Shapes
}

// unreview gives an earlier row the machine's verdict back.
func unreview(row *audit.Inventory) {
	if row.ReviewedBy != "" {
		c := classifiers.Category(row.Machine)
		row.Category, row.Class, row.DPV = row.Machine, string(c.Class()), c.DPV()
		row.Company = c == classifiers.CompanyOnly
	}
}

// review puts a person's verdict in the place of the machine's, which stays beside it. A review of what is no longer
// what the person saw does not hold.
func (sc *Scanner) review(s *Source, row *audit.Inventory) {
	for _, r := range sc.Setup.Reviews {
		if !r.Of(s.Source) || !r.At(row.Object, row.Column) || r.Until < sc.Tonight.Today || !holds(r, s, *row) {
			continue
		}
		row.Machine, row.ReviewedBy = string(review.KindOf(*row)), r.By
		row.ReviewedUntil, row.Because = r.Until.String(), r.Because
		row.Category, row.Class, row.DPV = string(r.Category), string(r.Category.Class()), r.Category.DPV()
		row.Company = r.Category == classifiers.CompanyOnly
		if !r.Category.Personal() {
			row.Also = ""
		}
	}
}

// holds reports whether a review is of what the field is: of the declared type and of the classifiers' verdict that
// the person saw, or of the one that the person gave. Backups write types in ways of their own.
func holds(r setup.Review, s *Source, row audit.Inventory) bool {
	declared := row.Type
	if s.Backup() {
		declared = r.SawType
	}
	return r.Holds(declared, review.KindOf(row))
}

// Personal reports whether a row is a field with data of natural persons.
func Personal(row audit.Inventory) bool {
	return row.Column != "" && row.State == "scanned" && classifiers.Category(row.Category).Personal() && !row.Company
}

// fieldOf finds a field among the rows of a table; zero where it has none.
func fieldOf(rows []audit.Inventory, name string) audit.Inventory {
	i := slices.IndexFunc(rows, func(r audit.Inventory) bool { return r.Column == name })
	if i < 0 {
		return audit.Inventory{}
	}
	return rows[i]
}
