package jobs

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/anonymize"
)

// draft is the configuration that `lethe init` proposes for a source: what the catalog and the classifiers say, and blanks for what only people know.
// It holds names of tables and fields, and no value of a record.
type draft struct {
	connector connectors.Connector
	options   connectors.Options
	source    string // its name in the configuration
	tables    map[string]connectors.Table
	verdicts  map[string]classifiers.TableVerdict
	order     []string // tables by name
	people    []string // tables that have a field by which a person is found
	today     time.Time
}

func newDraft(k connectors.Connector, o connectors.Options, tables []connectors.Table, verdicts []classifiers.TableVerdict, now time.Time) *draft {
	d := &draft{connector: k, options: o, tables: map[string]connectors.Table{}, verdicts: map[string]classifiers.TableVerdict{}, today: now}
	for _, v := range verdicts {
		d.verdicts[v.Table] = v
	}
	name := filepath.Base(o.Name)
	for _, t := range tables {
		d.tables[t.Name] = t
		d.order = append(d.order, t.Name)
		name = cmp.Or(t.Database, name)
		if len(subjects(d.verdicts[t.Name])) > 0 {
			d.people = append(d.people, t.Name)
		}
	}
	owned := map[string]bool{}
	for _, t := range tables {
		if slices.Contains(d.people, t.Name) {
			d.owned(t, owned)
		}
	}
	d.people = slices.DeleteFunc(d.people, func(name string) bool { return owned[name] }) // an address with a phone number goes with its person
	d.source = cmp.Or(strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-"), "source")
	return d
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// served reports whether the source is a server, whose address is a secret, and dumped whether it is a copy of one.
func (d *draft) served() bool { return len(d.connector.Suffix) == 0 }
func (d *draft) dumped() bool { return !d.served() && len(d.connector.Schemes) == 0 }

// text is the whole file.
func (d *draft) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Written by `+"`lethe init`"+` on %s: %d tables, %d of them with people in them. Fill in what is empty, remove the "# " before the silos that
# you want to be governed, and decide what is said to be decided. `+"`lethe check`"+` says what is missing; `+"`lethe init -o example.yaml`"+` shows all that can stand here.

controller:
  name: ""            # fill in: the company
  timezone: ""        # fill in: an IANA zone, for example Europe/Rome; terms are counted in it
  jurisdiction: ""    # fill in: the country, for example IT
state: var/state      # journal, plans, lock and stop file
reports: var/reports  # for the data protection officer
keystore: {path: var/keys, identity: "file:var/lethe.age"}
registry: {dsn: var/registry.db}

# Who answers plans: an owner of each silo, and a custodian; two different people. `+"`lethe keys new --out anna.key`"+` prints the key.
people:
  # anna: {key: "lethe-ed25519:...", roles: ["owner:SILO"]}
  # bo: {key: "lethe-ed25519:...", roles: [custodian]}

sources:
`, d.today.Format(time.DateOnly), len(d.order), len(d.people))
	d.writeSource(&b)
	d.writeSilos(&b)
	b.WriteString(`
# Limits above which a plan asks people even under a standing order; see the example.
# breakers: {max_rows: 1000, max_percent: 5, no_match_percent: 2}

# schedule:
#   - {name: nightly, cron: "15 1 * * *", until: "05:00", apply: true}
`)
	return b.String()
}

func (d *draft) writeSource(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n    application: %[1]s   # which of the company's systems owns it\n", word(d.source))
	switch {
	case d.served():
		fmt.Fprintf(b, "    environment: production   # or test, development\n    connector: %s\n    dsn: \"file:%s.dsn\"   # a file, chmod 600, that holds the URL with user and password; SELECT is enough\n",
			d.connector.Name, d.source)
		fmt.Fprintf(b, "    # apply_dsn: \"file:%s-apply.dsn\"   # of a user that may change rows; without it the source is only read\n", d.source)
		if d.options.Plaintext {
			b.WriteString("    tls: waived   # names and values cross the network in plain text\n")
		}
	case d.dumped():
		fmt.Fprintf(b, "    environment: backup\n    connector: %s\n    path: %s   # or a pattern: \"backups/*.sql.gz\"\n", d.connector.Name, word(d.options.DSN))
		b.WriteString("    # of: crm   # decide: the live source, under sources, that it is a backup of; silos govern that one, and its backups follow\n    # keep: P90D\n    # rewrite: {after: P7D, at_most_every: P30D}   # without it the files are only read\n")
	default:
		fmt.Fprintf(b, "    environment: production   # or test, development\n    connector: %s\n    dsn: %s\n    # apply_dsn: %[2]s   # without it the source is only read\n", d.connector.Name, word(d.options.DSN))
	}
	b.WriteString("    # location: IT   # country in which the data lie\n")
	if d.options.Unchecked && d.dumped() {
		b.WriteString("    # complete: unchecked   # accept a dump without the trailer that proves it whole\n")
	}
}

// writeSilos proposes a silo for each table with people, and names the other tables with personal data.
func (d *draft) writeSilos(b *strings.Builder) {
	if len(d.people) == 0 {
		b.WriteString("\n# No table has a field by which a person could be found in a registry of consents, so no silo is proposed.\n# silos:\n")
	} else {
		b.WriteString("\n# A silo is one kind of collecting, with its own purposes and terms. Records of two silos are never joined.\n# silos:\n")
	}
	used := map[string]bool{}
	for _, name := range d.people {
		for _, line := range d.silo(name, used) {
			b.WriteString("#   " + line + "\n")
		}
	}
	var rest []string
	for _, name := range d.order {
		if slices.Contains(d.people, name) || used[name] || len(personal(d.verdicts[name])) == 0 {
			continue
		}
		rest = append(rest, name)
	}
	if len(rest) > 0 {
		fmt.Fprintf(b, "#\n# Also with personal data, but nothing in it that finds the person: %s.\n# Decide: dependents or owned parents of a record above, a subject that was not recognised, or `skip: {TABLE: reason}` under the source.\n", strings.Join(rest, ", "))
	}
}

// silo proposes one silo. used gets the tables that follow its record.
func (d *draft) silo(name string, used map[string]bool) []string {
	t, v := d.tables[name], d.verdicts[name]
	var found []string
	for _, f := range personal(v) {
		found = append(found, fmt.Sprintf("%s (%s, %s)", f.Field, strings.ReplaceAll(string(f.Primary), "_", " "), strings.TrimSpace(sure(f.Confidence))))
	}
	source := d.source
	if d.dumped() {
		source = "LIVE-SOURCE"
	}
	lines := []string{
		fmt.Sprintf("%s:", word(strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-"))),
		fmt.Sprintf("  # %s: %d rows. Found: %s", name, v.Rows, strings.Join(found, ", ")),
		"  link_scope: silo   # or collection: every row is a collecting of its own, found by its date",
		"  records:",
		"    - source: " + word(source),
		"      table: " + word(name),
	}
	keys := subjects(v)
	line := fmt.Sprintf("      subject: {%s}   # how the registry knows the person", keys[0])
	if len(keys) > 1 {
		line += "; also possible: " + strings.Join(keys[1:], ", ")
	}
	lines = append(lines, line)
	switch dates := collectedFields(t, v); len(dates) {
	case 0:
		lines = append(lines, "      # collected: FIELD   # decide: the field with the day of collecting, if there is one; never a last-modified one")
	case 1:
		lines = append(lines, fmt.Sprintf("      collected: %s   # decide: is this the day of collecting?", word(dates[0])))
	default:
		lines = append(lines, fmt.Sprintf("      collected: %s   # decide: the day of collecting; also possible: %s", word(dates[0]), strings.Join(dates[1:], ", ")))
	}
	if f := blockField(t); f != "" {
		lines = append(lines, fmt.Sprintf("      # block: {set: {%s: \"0\"}, unset: {%[1]s: \"1\"}}   # decide: values that the application understands as 'not to be used' and 'usable'", word(f)))
	} else {
		lines = append(lines, "      # block: {set: {FIELD: \"1\"}, unset: {FIELD: \"0\"}}   # decide: a field by which the application knows that a row is not to be used")
	}
	if len(t.Key) == 0 {
		lines = append(lines, "      # The table has no primary key: its rows are reported and never changed.")
	}
	if edges, open := d.dependents(name, used); len(edges)+len(open) > 0 {
		head, sign := "      dependents:", "        # "
		if len(edges) == 0 { // a key without an entry would be no list
			head, sign = "      # dependents:", "      #   "
		}
		lines = append(append(lines, head+"   # rows that refer to it, through each foreign key; a row that is still referred to is kept"), edges...)
		for _, l := range open {
			lines = append(lines, sign+l)
		}
	}
	if owned := d.owned(t, used); len(owned) > 0 {
		lines = append(lines, fmt.Sprintf("      owns: [%s]   # rows that it refers to, deleted when nothing refers to them any more", strings.Join(owned, ", ")))
	}
	lines = append(lines,
		"  rules:   # one line for each purpose",
		fmt.Sprintf("    - {purpose: \"\", basis: \"\", end: \"\", because: \"\", owner: \"\", review_by: %s}", d.today.AddDate(1, 0, 0).Format(time.DateOnly)),
		"    # consent:  - {purpose: newsletter, basis: consent, max_age: P24M, grace: P30D, end: delete, because: \"sign-up form, version 3\", owner: anna, review_by: 2027-06-01}",
		"    # contract: - {purpose: sales, basis: contract, start: relation_ended, period: P10Y, end: anonymize, because: \"limitation of claims\", owner: anna, review_by: 2027-06-01}",
	)
	if techniques := techniques(t, v); len(techniques) > 0 {
		lines = append(lines, fmt.Sprintf("  anonymize: {%s}   # for `end: anonymize` and `else: anonymize`", strings.Join(techniques, ", ")))
	}
	return lines
}

// subjects returns the identifiers of a table's rows as `kind: field`, the best first. A national id names its country, which is not known here.
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
	collecting = regexp.MustCompile(`(?i)creat|regist|sign|joined|added|since|insert|collect|opened|iscri|erstell|angelegt|fecha_alta|skapad|aanmaak`)
	changing   = regexp.MustCompile(`(?i)updat|modif|chang|last|expir|delet|birth|until|closed|ended`)
	marking    = regexp.MustCompile(`(?i)^(is_?)?(active|enabled|blocked|restricted|usable|attivo|aktiv|activo)$`)
)

// collectedFields returns the fields that may hold the day of collecting, the likeliest first.
func collectedFields(t connectors.Table, v classifiers.TableVerdict) []string {
	var likely, possible []string
	for _, f := range t.Fields {
		born := slices.ContainsFunc(v.Fields, func(v classifiers.Verdict) bool { return v.Field == f.Name && v.Personal() })
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
	i := slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return marking.MatchString(f.Name) && !f.Generated })
	if i < 0 {
		return ""
	}
	return t.Fields[i].Name
}

// dependents proposes what becomes of the rows that refer to a record, directly or through others. Details are deleted, references that may be NULL are
// forgotten; where people of their own, or few rows that many records share, would go too, the line is left open for people to decide.
func (d *draft) dependents(name string, used map[string]bool) (lines, open []string) {
	deleted := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		parent := queue[0]
		for _, child := range d.order {
			for _, fk := range d.tables[child].ForeignKeys {
				if fk.RefTable != parent {
					continue
				}
				edge := func(do string) string {
					return fmt.Sprintf("{table: %s, fk: %s, do: %s}", word(child), list(fk.Fields), do)
				}
				decide := ""
				switch {
				case child != parent && deleted[child] && child != name:
					lines = append(lines, "        - "+edge("delete"))
				case d.nullable(child, fk.Fields):
					lines = append(lines, "        - "+edge("set_null"))
				case slices.Contains(d.people, child):
					decide = "it holds people of its own"
				case d.belongs(child, name) != "":
					decide = "it belongs to " + d.belongs(child, name) + " too, of which there are more"
				case d.verdicts[child].Rows <= d.verdicts[parent].Rows:
					decide = fmt.Sprintf("it has %d rows, so others may share them", d.verdicts[child].Rows)
				default:
					lines = append(lines, "        - "+edge("delete"))
					deleted[child], used[child] = true, true
					queue = append(queue, child)
				}
				if decide != "" {
					open = append(open, "- "+edge("delete")+"   # decide: "+decide)
				}
			}
		}
	}
	return lines, open
}

// belongs names the larger table with people that the rows of a child refer to beside the record's own; "" when there is none.
func (d *draft) belongs(child, record string) string {
	for _, fk := range d.tables[child].ForeignKeys {
		if fk.RefTable != record && slices.Contains(d.people, fk.RefTable) && d.verdicts[fk.RefTable].Rows > d.verdicts[record].Rows {
			return fk.RefTable
		}
	}
	return ""
}

func (d *draft) nullable(table string, fields []string) bool {
	return !slices.ContainsFunc(fields, func(name string) bool {
		f, ok := d.tables[table].Field(name)
		return !ok || !f.Nullable
	})
}

// owned proposes the parents that a record alone uses, such as its address: about as many as there are records, and nobody of their own in them.
func (d *draft) owned(t connectors.Table, used map[string]bool) []string {
	var out []string
	for _, fk := range t.ForeignKeys {
		ref, v := d.tables[fk.RefTable], d.verdicts[fk.RefTable]
		address := slices.ContainsFunc(v.Fields, func(f classifiers.Verdict) bool { return f.Primary == classifiers.PostalAddress && !f.Company })
		named := slices.ContainsFunc(v.Fields, func(f classifiers.Verdict) bool {
			return f.Personal() && (f.Primary == classifiers.PersonName || f.Primary == classifiers.Email)
		})
		if fk.RefTable == t.Name || !address || named || !slices.Equal(fk.RefFields, ref.Key) || v.Rows < d.verdicts[t.Name].Rows/2 {
			continue
		}
		used[fk.RefTable] = true
		out = append(out, fmt.Sprintf("{table: %s, fk: %s}", word(fk.RefTable), list(fk.Fields)))
	}
	return out
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
			_, err := anonymize.Parse(&spec, anonymize.Field{Name: f.Name, Kind: f.Kind, Type: f.Type, Length: f.Length, Nullable: f.Nullable, Generated: f.Generated,
				Key: slices.Contains(t.Key, f.Name), Unique: slices.ContainsFunc(t.Unique, func(u []string) bool { return slices.Contains(u, f.Name) })})
			if err == nil {
				out = append(out, word(f.Name)+": "+spec)
				break
			}
		}
	}
	return out
}

// steps says what to do with the file.
func (d *draft) steps(path string) []string {
	check := "lethe check"
	if path != "lethe.yaml" {
		check += " --config " + path
	}
	steps := []string{
		"fill in controller, and country and application of the source, in " + path,
		"lethe keys new --out anna.key   # and bo.key: put what they print under people",
		"remove the \"# \" before the silos you want, write their rules, and decide what is said to be decided",
		"lethe keys create && lethe registry init",
		"lethe consent import --silo SILO --source SYSTEM consents.csv   # `lethe consent --help` shows the columns",
		check + "   # says what is missing or wrong",
		"lethe run   # says what it would do, and changes nothing; `lethe run --apply` asks for approval of what destroys",
	}
	if d.served() {
		steps = slices.Insert(steps, 1, fmt.Sprintf("write the URL with user and password to %s.dsn, and chmod 600 it", d.source))
	}
	return steps
}

var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// word writes a name as YAML: in quotes where it would be read as something else.
func word(name string) string {
	switch strings.ToLower(name) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(name)
	}
	if plainWord.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = word(n)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
