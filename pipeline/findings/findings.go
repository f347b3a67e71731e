// Package findings says what a person should look at in what a night read: personal data that nobody governs
// or approved, real people in test data, rows that nothing can erase, views that join silos, backups without
// an owner, what killed rewrites left beside them, reviews that ran out, and what regulators fined others for in
// the policy itself.
//
//   - Inspector looks at one source after its inventory is taken (Inspect), and at the policy at the end
//     (InspectPolicy). What it finds goes into the night's notes.
package findings

import (
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/review"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
)

// Inspector finds what a person should look at.
type Inspector struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Scanner *scan.Scanner
}

// Inspect finds what a person should look at in a source, given the rows of its inventory.
func (in *Inspector) Inspect(s *scan.Source, inventory []audit.Inventory) {
	for _, r := range s.Readings {
		if r.State != "scanned" {
			continue
		}
		var fields []audit.Inventory
		for _, i := range inventory {
			if i.Object == r.Table.Name && scan.Personal(i) {
				fields = append(fields, i)
			}
		}
		in.unmapped(s, r, fields)
		in.gravity(s, r, fields)
		in.testData(s, r, fields)
		in.surplus(s, r, fields)
		in.deletePath(s, r)
		in.triggers(s, r)
	}
	in.unread(s)
	in.joins(s)
	in.orphan(s)
	in.reviews(s, inventory)
}

// InspectLeftOvers finds what rewrites that were killed left beside backups and what no rewrite has cleared since: it
// holds rows of the backup.
func (in *Inspector) InspectLeftOvers() {
	for _, left := range in.Setup.LeftOvers {
		if !left.Stands() {
			continue // tonight's rewrite cleared it
		}
		of := connectors.TemporaryOf(left.Path)
		words := "A rewrite of this backup was cut off and left an unfinished copy beside it, whose name is that of " +
			"the file between a dot and .lethe-. The next rewrite of the file removes it; if none is due, remove it " +
			"by hand."
		in.Notes.Find(audit.Finding{Kind: "F_LEFT_OVER", Severity: "medium", Source: left.Source, Object: of, Count: 1,
			Article: "Art. 5(1)(e)", Words: words})
	}
}

// InspectPolicy finds what regulators fined others for in the policy itself, given the inventory of all
// sources: one period for unlike data (Deutsche Wohnen, 2019), terms that the notice contradicts, rules
// that nobody reviewed. `lethe policy lint` says more.
func (in *Inspector) InspectPolicy(inventory []audit.Inventory) {
	var found []lint.Category
	for _, i := range inventory {
		if scan.Personal(i) {
			found = append(found, lint.Category{Source: i.Source, Table: i.Object, Field: i.Column,
				Category: i.Category, Class: i.Class})
		}
	}
	var remarks []lint.Remark
	for _, s := range in.Setup.Silos {
		remarks = append(remarks, lint.Lint(s, in.Tonight.AsOf)...)
		remarks = append(remarks, lint.Categories(s, in.Tonight.AsOf, found)...)
	}

	severity := map[string]string{
		lint.FUniformRetention: "medium", lint.FNoticeMismatch: "medium", lint.LReviewDue: "low",
	}
	for _, r := range append(remarks, lint.Together(in.Setup.Silos, in.Tonight.AsOf)...) {
		if severity[r.Code] == "" {
			continue
		}
		kind := r.Code
		if kind == lint.LReviewDue {
			kind = "F_REVIEW_DUE"
		}
		in.Notes.Find(audit.Finding{Kind: kind, Severity: severity[r.Code], Object: r.Place, Count: 1,
			Article: r.Law, Words: "In the policy: " + r.Words + "."})
	}
}

// categories names the categories of fields, each once, in the order of the fields.
func categories(fields []audit.Inventory) string {
	var names []string
	for _, f := range fields {
		if name := strings.ReplaceAll(f.Category, "_", " "); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// grave keeps the fields of GDPR Art. 9 and 10.
func grave(fields []audit.Inventory) (list []audit.Inventory) {
	for _, f := range fields {
		if f.Class == string(classifiers.Special) || f.Class == string(classifiers.Criminal) {
			list = append(list, f)
		}
	}
	return list
}

// tableRows is the number of rows of a table as the inventory has it.
func tableRows(fields []audit.Inventory) int64 { return fields[0].Rows }

// unmapped finds personal data that no silo governs: in production, and in backups of tables
// that production no longer has.
func (in *Inspector) unmapped(s *scan.Source, r *scan.Reading, fields []audit.Inventory) {
	if left := s.Untaken(r); left > 0 && len(fields) > 0 && s.Environment == "production" {
		in.Notes.Find(audit.Finding{Kind: "F_UNMAPPED", Severity: "medium", Source: s.Name, Object: r.Table.Name,
			Count: left, Article: "Art. 5(1)(b)",
			Words: "Rows hold none of the values by which the silos of the table tell theirs apart (where), so " +
				"nothing in them is ever checked against consent."})
		in.Notes.Except(audit.Exception{Source: s.Name, Object: r.Table.Name, Code: "E_NO_POLICY", Count: left})
	}
	if len(fields) == 0 || len(r.Silos) > 0 || s.Environment != "production" && !in.onlyHere(s, r.Table.Name) {
		return
	}
	f := audit.Finding{Kind: "F_UNMAPPED", Severity: "medium", Source: s.Name, Object: r.Table.Name,
		Count: tableRows(fields), Article: "Art. 5(1)(b)",
		Words: "The table holds personal data (" + categories(fields) + ") and no silo governs it, so nothing " +
			"in it is ever checked against consent."}
	if len(grave(fields)) > 0 {
		f.Severity, f.Article = "high", "Art. 5(1)(b), Art. 9"
	}
	in.Notes.Find(f)
	if rows := tableRows(fields); rows > 0 && s.Environment == "production" {
		in.Notes.Except(audit.Exception{Source: s.Name, Object: r.Table.Name, Code: "E_NO_POLICY", Count: rows})
	}
}

// onlyHere reports whether a backup holds a table that its live source, which was read tonight, does not
// have.
func (in *Inspector) onlyHere(s *scan.Source, table string) bool {
	if !s.Backup() {
		return false
	}
	live := in.Scanner.Of(s.Of)
	if live == nil || !live.Surveyed {
		return false
	}
	_, there := live.Tables.Find(table)
	return !there
}

// gravity finds special categories where nobody approved them, and card numbers in the clear.
func (in *Inspector) gravity(s *scan.Source, r *scan.Reading, fields []audit.Inventory) {
	var unapproved []audit.Inventory
	for _, f := range grave(fields) {
		if f.NonEmpty > 0 && !in.approved(s, f.Class) {
			unapproved = append(unapproved, f)
		}
	}
	if len(unapproved) > 0 {
		article := "Art. 9(2)"
		if unapproved[0].Class == string(classifiers.Criminal) {
			article = "Art. 10"
		}
		in.Notes.Find(audit.Finding{Kind: "F_SPECIAL_UNAPPROVED", Severity: "high", Source: s.Name,
			Object: r.Table.Name, Count: tableRows(unapproved), Article: article,
			Words: "The table holds " + categories(unapproved) + ", and the source is not approved for it: name " +
				"the ground and write `approved_for: [" + unapproved[0].Class + "]`, or remove the data."})
	}
	for _, f := range fields {
		const category = string(classifiers.CreditCard)
		card := f.Category == category || slices.Contains(strings.Split(f.Also, ";"), category)
		if card && slices.Contains(strings.Split(f.Detectors, ";"), cardDetector) && !allFictitious(f) {
			in.Notes.Find(audit.Finding{Kind: "F_CLEAR_PAN", Severity: "high", Source: s.Name, Object: r.Table.Name,
				Column: f.Column, Count: f.NonEmpty, Article: "Art. 32",
				Words: "The field holds payment card numbers in the clear (PCI DSS 3.5 forbids it too): " +
					"truncate, tokenise or remove them."})
		}
	}
}

// approved reports whether a source may hold a class of data; what a live source may hold, its backups may.
func (in *Inspector) approved(s *scan.Source, class string) bool {
	return slices.ContainsFunc(in.Setup.Sources, func(o setup.Source) bool {
		return (o.Name == s.Name || o.Name == s.System()) && slices.Contains(o.ApprovedFor, class)
	})
}

// cardDetector finds whole card numbers by network, length and check digit; masked ones do not pass.
const cardDetector = "x.card"

// checkable are the categories in which authorities reserve values for tests, so that test data can be
// told from real.
var checkable = map[string]bool{
	string(classifiers.Email): true, string(classifiers.Phone): true, string(classifiers.NationalID): true,
	string(classifiers.TaxID): true, string(classifiers.CreditCard): true, string(classifiers.IBAN): true,
	string(classifiers.Passport): true,
}

// allFictitious reports whether at least nine of ten values of a field are reserved for tests. The
// classifiers look at up to 512 distinct values.
func allFictitious(f audit.Inventory) bool {
	looked := min(f.Distinct, 512)
	return looked > 0 && f.Fictitious*10 >= looked*9
}

// testData finds real people in sources that are not production, and test identifiers in those that are.
func (in *Inspector) testData(s *scan.Source, r *scan.Reading, fields []audit.Inventory) {
	switch s.Environment {
	case "production":
		in.testValues(s, r, fields)
	case "test", "development":
		in.realPeople(s, r, fields)
	}
}

// testValues finds values in a source of production that authorities reserve for tests.
func (in *Inspector) testValues(s *scan.Source, r *scan.Reading, fields []audit.Inventory) {
	for _, f := range fields {
		if f.Fictitious == 0 {
			continue
		}
		in.Notes.Find(audit.Finding{Kind: "F_TEST_ID_IN_PROD", Severity: "low", Source: s.Name,
			Object: r.Table.Name, Column: f.Column, Count: f.Fictitious, Article: "Art. 5(1)(d)",
			Words: "Among the values of the field are some that an authority reserves for tests and examples: " +
				"nobody can be reached by them, and no consent belongs to them."})
	}
}

// realPeople finds personal data of people who may exist in a source that is not production. One field whose
// values are reserved for tests shows that the records of its table are made up.
func (in *Inspector) realPeople(s *scan.Source, r *scan.Reading, fields []audit.Inventory) {
	var filled, real []audit.Inventory
	proven := false
	for _, f := range fields {
		switch {
		case f.NonEmpty == 0:
		case checkable[f.Category] && allFictitious(f):
			proven = true
		case checkable[f.Category]:
			real = append(real, f)
		default:
			filled = append(filled, f)
		}
	}

	f := audit.Finding{Kind: "F_PII_IN_TEST", Source: s.Name, Object: r.Table.Name, Article: "Art. 25"}
	switch {
	case len(real) > 0:
		f.Severity, f.Count = "high", tableRows(real)
		f.Words = "A source that is not production holds personal data of real people (" +
			categories(append(real, filled...)) +
			"): use made-up records with the identifiers that authorities reserve for tests."
	case len(filled) > 0 && !proven:
		f.Severity, f.Count = "medium", tableRows(filled)
		f.Words = "A source that is not production holds personal data (" + categories(filled) +
			") that nothing tells from that of real people."
	default:
		return
	}
	in.Notes.Find(f)
}

// surplus finds personal fields of a governed table that no rule covers.
func (in *Inspector) surplus(s *scan.Source, r *scan.Reading, fields []audit.Inventory) {
	covered := map[string]bool{}
	governed := false
	for _, silo := range in.Setup.Silos {
		if !slices.ContainsFunc(silo.Silo.Records, func(rec policy.Records) bool {
			return rec.Source == s.Name && rec.Table == r.Table.Name
		}) {
			continue
		}
		governed = true
		for _, rule := range silo.Silo.Rules {
			if len(rule.Fields) == 0 {
				return // it covers every field
			}
			for _, f := range rule.Fields {
				covered[f] = true
			}
		}
	}
	for _, f := range fields {
		primary := !r.Table.Alternate && slices.Contains(r.Table.Key, f.Column)
		if governed && !covered[f.Column] && !primary {
			in.Notes.Find(audit.Finding{Kind: "F_SURPLUS_FIELD", Severity: "medium", Source: s.Name,
				Object: r.Table.Name, Column: f.Column, Count: f.NonEmpty, Article: "Art. 5(1)(c)",
				Words: "The field holds personal data (" + categories([]audit.Inventory{f}) +
					") that no rule of its silo needs: name it under `fields:` of the rule that does, or remove it."})
		}
	}
}

// deletePath finds governed tables whose rows nothing can change in place.
func (in *Inspector) deletePath(s *scan.Source, r *scan.Reading) {
	if s.Backup() || len(r.Silos) == 0 {
		return
	}
	why := ""
	switch {
	case s.ReadOnly:
		why = "the source can only be read: give it an apply_dsn, or have its application erase what is due"
	case len(r.Table.Key) == 0:
		why = notes.NoKey
	default:
		return
	}
	in.Notes.Find(audit.Finding{Kind: "F_NO_DELETE_PATH", Severity: "medium", Source: s.Name, Object: r.Table.Name,
		Count: max(r.Rows, r.Table.Rows), Article: "Art. 17",
		Words: "A silo governs the table, but nothing in it can be erased: " + why + "."})
}

// triggers finds what the engine runs when rows of a governed table change: nobody but who made it knows what it does.
func (in *Inspector) triggers(s *scan.Source, r *scan.Reading) {
	if len(s.SilosOf(r.Table.Name)) == 0 {
		return
	}
	runs := s.Tables.Runs(connectors.Written{Table: r.Table.Name, Event: "UPDATE"},
		connectors.Written{Table: r.Table.Name, Event: "DELETE"})
	if len(runs) == 0 {
		return
	}
	f := audit.Finding{Kind: "F_TRIGGER", Severity: "low", Source: s.Name, Object: r.Table.Name,
		Count: int64(len(runs)), Article: "Art. 5(1)(d)",
		Words: "Changes of the table run triggers of the database, which may change other rows"}
	var governed, said []string
	for _, run := range runs {
		said = append(said, run.Said())
		if len(run.Calls) > 0 {
			f.Severity = "medium"
		}
		for _, table := range run.Tables() {
			if len(s.SilosOf(table)) > 0 && !slices.Contains(governed, table) {
				governed = append(governed, table)
			}
		}
	}
	if len(governed) > 0 {
		f.Severity = "high"
		f.Words += ", also rows that silos govern (of " + strings.Join(governed, ", ") + ")"
	}
	f.Words += ": " + strings.Join(said, "; ") + "."
	if len(s.BlockRuns(r.Table.Name)) > 0 {
		f.Words += " A block runs those at UPDATE, and nobody is asked before it: while that must not happen, leave " +
			"`block:` out of the table's records in the policy."
	}
	in.Notes.Find(f)
}

// unread finds what the source holds and nobody reads: copies in which what is erased stays, and what may hold
// anything.
func (in *Inspector) unread(s *scan.Source) {
	for _, u := range s.Unread {
		f := audit.Finding{Source: s.Name, Object: u.Name, Count: 1, Article: "Art. 5(2)"}
		switch {
		case u.Stays && len(s.SilosOf(u.Of)) > 0:
			f.Kind, f.Severity, f.Article = "F_COPY_STAYS", "high", "Art. 17(1)"
			f.Words = "What is erased from " + u.Of + " can stay here: " + u.Reason + "."
		case (u.Unknown || u.Stays) && !u.Read:
			f.Kind, f.Severity = "F_UNREAD", "low"
			f.Words = "Nobody knows what this holds, as it is not read: " + u.Reason + "."
		default:
			continue
		}
		in.Notes.Find(f)
	}
}

// joins finds views that read tables of more than one silo.
func (in *Inspector) joins(s *scan.Source) {
	if s.ViewsErr != nil {
		in.Notes.Find(audit.Finding{Kind: "F_VIEW_UNREAD", Severity: "low", Source: s.Name, Article: "Art. 25",
			Words: "The views of the source could not be read, so that nobody knows whether they join silos."})
	}
	for _, v := range s.Views {
		if v.Tables == nil {
			in.Notes.Find(audit.Finding{Kind: "F_VIEW_UNREAD", Severity: "low", Source: s.Name, Object: v.Name,
				Article: "Art. 25",
				Words: "The definition of the view may not be seen, so that nobody knows whether it joins " +
					"silos: grant SHOW VIEW."})
			continue
		}
		var joined []string
		tables := 0
		for _, t := range v.Tables {
			if len(s.SilosOf(t)) > 0 {
				tables++
			}
			for _, silo := range s.SilosOf(t) {
				if !slices.Contains(joined, silo) {
					joined = append(joined, silo)
				}
			}
		}
		if slices.Sort(joined); tables > 1 && len(joined) > 1 {
			in.Notes.Find(audit.Finding{Kind: "F_SILO_JOIN", Severity: "high", Source: s.Name, Object: v.Name,
				Article: "Art. 5(1)(b)",
				Words: fmt.Sprintf("The view joins tables of the silos %s (%s): what was collected for one purpose "+
					"can be read with what was collected for another.",
					strings.Join(joined, ", "), strings.Join(v.Tables, ", "))})
		}
	}
}

// orphan finds backups that belong to no live source, so that nothing says which of their rows should be
// gone.
func (in *Inspector) orphan(s *scan.Source) {
	if s.Environment != "backup" {
		return
	}
	live := func(is func(setup.Source) bool) bool { return slices.ContainsFunc(in.Setup.Sources, is) }
	words := ""
	switch {
	case s.Of == "" && !live(func(o setup.Source) bool {
		return o.Environment != "backup" && o.Application == s.Application
	}):
		words = "The backup belongs to an application without a live source, so no rule reaches what it holds: " +
			"delete it, or say whose it is with `of:`."
	case s.Of == "":
		words = "The backup does not say which live source it is of, so no rule reaches what it holds: " +
			"name it with `of:`."
	case !live(func(o setup.Source) bool { return o.Name == s.Of }):
		words = "The live source that the backup is of is no longer configured: " +
			"delete the backup when nothing needs it any more."
	default:
		return
	}
	name := s.Name
	if s.Set != "" {
		name = s.Set
	}
	f := audit.Finding{Kind: "F_BACKUP_ORPHAN", Severity: "medium", Source: name, Count: 1,
		Article: "Art. 5(1)(e)", Words: words}
	for i := range in.Notes.Facts.Findings {
		if in.Notes.Facts.Findings[i].FindingID == notes.FindingID(f) {
			in.Notes.Facts.Findings[i].Count++ // another file of the set
			return
		}
	}
	in.Notes.Find(f)
}

// reviews finds reviews that ran out, that are of what the field no longer is, or that name what is not there.
func (in *Inspector) reviews(s *scan.Source, inventory []audit.Inventory) {
	for _, v := range in.Setup.Reviews {
		if v.Source != s.Name || s.Backup() {
			continue
		}
		f := audit.Finding{Severity: "low", Source: s.Name, Object: v.Table, Column: v.Field, Article: "Art. 24"}
		at := slices.IndexFunc(inventory, func(i audit.Inventory) bool { return v.At(i.Object, i.Column) })
		switch {
		case !there(s, v):
			f.Kind = "F_REVIEW_UNKNOWN"
			f.Words = "A review names a field that the source does not have: correct the name, or remove the review."
			in.Setup.Log.Warn("review of an unknown field", "run_id", in.Tonight.RunID,
				"source", s.Name, "table", v.Table, "field", v.Field)
		case v.Until < in.Tonight.Today:
			f.Kind = "F_REVIEW_EXPIRED"
			f.Words = fmt.Sprintf("The review by %s ran out on %s: the classifiers decide again until somebody "+
				"renews it. `lethe review` asks.", v.By, v.Until)
		case at >= 0 && inventory[at].State == "scanned" && inventory[at].ReviewedBy == "":
			f.Kind = "F_REVIEW_CHANGED"
			f.Words = fmt.Sprintf("The field is no longer what %s saw (%s, %s): it is %s, %s, and the classifiers "+
				"decide again until somebody looks. `lethe review` asks.", v.By, v.SawType, v.Saw,
				inventory[at].Type, review.KindOf(inventory[at]))
		default:
			continue
		}
		in.Notes.Find(f)
	}
}

// there reports whether the source has the field of a review, or one with documents of which it names a path.
func there(s *scan.Source, v setup.Review) bool {
	for _, t := range s.Tables {
		rest, ok := strings.CutPrefix(v.Table+"."+v.Field, t.Name+".")
		if ok && slices.ContainsFunc(t.Fields, func(f connectors.Field) bool {
			return rest == f.Name || strings.HasPrefix(rest, f.Name+".")
		}) {
			return true
		}
	}
	return false
}
