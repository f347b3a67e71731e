// Package draft proposes a configuration for a source that nobody described yet. Its nouns: the Draft, which
// is what the catalog and the classifiers say with blanks for what only people know, the silos and dependents
// that it proposes, and the steps that follow. It is written to a new file only.
package draft

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
	"lethe/pipeline/ask/joins"
	"lethe/pipeline/ask/zones"
	"lethe/pipeline/policy/instant"
)

// Draft is the configuration that `lethe init` proposes for a source: what the catalog and the classifiers
// say, and blanks for what only people know. It holds names of tables and fields, and no value of a record.
type Draft struct {
	connector connectors.Connector
	options   connectors.Options
	source    string // its name in the configuration
	tables    map[string]connectors.Table
	verdicts  map[string]classifiers.TableVerdict
	order     []string             // tables by name
	people    []string             // tables that have a field by which a person is found
	via       map[string][]carrier // where such fields stand in other tables, by table
	today     time.Time
	zone, why string // proposed for times without an offset, and why

	assumed []connectors.Assumption // how files are written
	joined  []joins.Reference       // that no foreign key declares

	preset *Preset  // of the application; nil: none is known
	taken  []string // its lines of silos, for this source
}

// New makes the draft for a source whose catalog was read and whose tables were scanned.
func New(k connectors.Connector, o connectors.Options, tables []connectors.Table,
	verdicts []classifiers.TableVerdict, now time.Time) *Draft {
	d := &Draft{connector: k, options: o, tables: map[string]connectors.Table{},
		verdicts: map[string]classifiers.TableVerdict{}, today: now}
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
	d.findVia()
	owned := map[string]bool{}
	for _, t := range tables {
		if slices.Contains(d.people, t.Name) {
			d.owned(t, owned)
		}
	}
	// an address with a phone number goes with its person
	d.people = slices.DeleteFunc(d.people, func(name string) bool { return owned[name] })
	d.source = cmp.Or(strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-"), "source")
	return d
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// served reports whether the source is a server, whose address is a secret, and dumped whether it is a copy of one.
func (d *Draft) served() bool { return len(d.connector.Suffix) == 0 }

func (d *Draft) dumped() bool { return !d.served() && len(d.connector.Schemes) == 0 }

// Times are the fields, of tables with people, whose times may lack an offset.
func (d *Draft) Times() (fields []zones.Field) {
	for _, name := range d.people {
		for _, f := range d.tables[name].Fields {
			if f.Kind == connectors.Timestamp {
				fields = append(fields, zones.Field{Table: name, Field: f, Writing: instant.Writing{Zone: time.UTC}})
			}
		}
	}
	return fields
}

// Zone takes up what the rows and the engine tell of the zone of such times.
func (d *Draft) Zone(c *zones.Clues) { d.zone, d.why = c.Proposal() }

// Holders are the tables that have a field by which a person is found; none of a dump, in which each look-up is a pass.
func (d *Draft) Holders() []string {
	if d.dumped() {
		return nil
	}
	return d.people
}

// Joined takes up which fields look like references to such tables though no foreign key says so.
func (d *Draft) Joined(found []joins.Reference) { d.joined = found }

// People is how many tables have a field by which a person is found.
func (d *Draft) People() int { return len(d.people) }

// Text is the whole file.
func (d *Draft) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Written by `+"`lethe init`"+` on %s: %d tables, %d of them with people in them. Fill in what is
# empty, remove the "# " before the silos that you want to be governed, and decide what is said to be decided.
# `+"`lethe check`"+` says what is missing; `+"`lethe init -o example.yaml`"+` shows all that can stand here.

controller:
  name: ""            # fill in: the company
  timezone: ""        # fill in: an IANA zone, for example Europe/Rome; terms are counted in it
  jurisdiction: ""    # fill in: the country, for example IT
state: var/state      # journal, plans, lock and stop file
reports: var/reports  # for the data protection officer
keystore: {path: var/keys, identity: "file:var/lethe.age"}
registry: {dsn: var/registry.db}

# Who answers plans: an owner of each silo, and a custodian; two different people.
# `+"`lethe keys new --out anna.key`"+` prints the key.
people:
  # anna: {key: "lethe-ed25519:...", roles: ["owner:SILO"]}
  # bo: {key: "lethe-ed25519:...", roles: [custodian]}

sources:
`, d.today.Format(time.DateOnly), len(d.order), len(d.people))
	d.writeSource(&b)
	if d.preset != nil {
		d.writePreset(&b)
	} else {
		d.writeSilos(&b)
	}
	b.WriteString(`
# Limits above which a plan asks people even under a standing order; see the example.
# breakers: {max_rows: 1000, max_percent: 5, no_match_percent: 2}

# schedule:
#   - {name: nightly, cron: "15 1 * * *", until: "05:00", apply: true}
`)
	return b.String()
}

func (d *Draft) writeSource(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n    application: %[1]s   # which of the company's systems owns it\n", word(d.source))
	switch {
	case d.served():
		fmt.Fprintf(b, "    environment: production   # or test, development\n    connector: %s\n"+
			"    dsn: \"file:%s.dsn\"   # a file, chmod 600, that holds the URL with user and password; SELECT is "+
			"enough\n",
			d.connector.Name, d.source)
		fmt.Fprintf(b, "    # apply_dsn: \"file:%s-apply.dsn\"   # of a user that may change rows; without it the "+
			"source is only read\n", d.source)
		if d.options.Plaintext {
			b.WriteString("    tls: waived   # names and values cross the network in plain text\n")
		}
	case d.dumped():
		fmt.Fprintf(b, "    environment: backup\n    connector: %s\n"+
			"    path: %s   # or a pattern: \"backups/*.sql.gz\"\n", d.connector.Name, word(d.options.DSN))
		b.WriteString("    # of: crm   # decide: the live source, under sources, that it is a backup of; silos " +
			"govern that one, and its backups follow\n    # keep: P90D\n" +
			"    # rewrite: {after: P7D, at_most_every: P30D}   # without it the files are only read\n")
	default:
		fmt.Fprintf(b, "    environment: production   # or test, development\n    connector: %s\n    dsn: %s\n"+
			"    # apply_dsn: %[2]s   # without it the source is only read\n", d.connector.Name, word(d.options.DSN))
	}
	d.writeWritten(b)
	b.WriteString("    # location: IT   # country in which the data lie\n")
	if d.zone != "" || d.why != "" {
		fmt.Fprintf(b, "    # zone: %s   # decide: of times without an offset; %s\n", cmp.Or(d.zone, "Europe/Rome"), d.why)
	}
	if d.options.Unchecked && d.dumped() {
		b.WriteString("    # complete: unchecked   # accept a dump without the trailer that proves it whole\n")
	}
}

// writeSilos proposes a silo for each table with people, then for those whose rows could end by their own dates, and
// names the other tables with personal data.
func (d *Draft) writeSilos(b *strings.Builder) {
	used := map[string]bool{}
	var lines, rest []string
	for _, name := range d.people {
		lines = append(lines, d.silo(name, used)...)
	}
	for _, name := range d.order {
		if slices.Contains(d.people, name) || used[name] || len(personal(d.verdicts[name])) == 0 {
			continue
		}
		if alone := d.dated(name); alone != nil {
			lines = append(lines, alone...)
			continue
		}
		rest = append(rest, name)
	}
	if len(lines) == 0 {
		b.WriteString("\n# No table has a field by which a person could be found in a registry of consents, or a day from " +
			"which a term\n# could count, so no silo is proposed.\n# silos:\n")
	} else {
		b.WriteString("\n# A silo is one kind of collecting, with its own purposes and terms. Records of two silos " +
			"are never joined.\n# silos:\n")
	}
	for _, line := range lines {
		b.WriteString("#   " + line + "\n")
	}
	if len(rest) > 0 {
		fmt.Fprintf(b, "#\n# Also with personal data, but nothing in it that finds the person: %s.\n"+
			"# Decide: dependents or owned parents of a record above, a subject that was not recognised, or `skip: "+
			"{TABLE: reason}` under the source.\n", strings.Join(rest, ", "))
	}
}

// Steps says what to do with the file.
func (d *Draft) Steps(path string) []string {
	check := "lethe check"
	if path != "lethe.yaml" {
		check += " --config " + path
	}
	silos := "remove the \"# \" before the silos you want, write their rules, and decide what is said to be decided"
	if d.preset != nil {
		silos = "fill in the terms, reasons and owners of the silos, remove those you do not need, and decide what is said " +
			"to be decided"
	}
	steps := []string{
		"fill in controller, and country and application of the source, in " + path,
		"lethe keys new --out anna.key   # and bo.key: put what they print under people",
		silos,
		"lethe keys create && lethe registry init",
		"lethe consent import --silo SILO --source SYSTEM consents.csv   # `lethe consent --help` shows the columns; not " +
			"for silos whose rows decide alone (no_match: decide)",
		check + "   # says what is missing or wrong",
		"lethe run   # says what it would do, and changes nothing; `lethe run --apply` asks for approval of what " +
			"destroys",
	}
	if d.served() {
		steps = slices.Insert(steps, 1,
			fmt.Sprintf("write the URL with user and password to %s.dsn, and chmod 600 it", d.source))
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
