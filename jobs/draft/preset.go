package draft

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/setup"
)

// Preset is what people know of one application's database that its catalog does not say: which tables hold which kind
// of people, what goes with their rows, from which day terms count. It is a file of YAML, whose silos are taken over as
// they stand there:
//
//	name: OrangeHRM
//	versions: 4 and 5
//	prefix: ohrm_              # of the tables' names, where installations may have another
//	recognise: [ohrm_job_candidate, hs_hr_employee]
//	silos:
//	  applicants: ...
//
// In them SOURCE stands for the source's name, and REVIEW for the day in a year. A line with a dependent whose table or
// field an installation does not have is left out, and so is a silo whose own table it does not have. `# stay: TABLE, ...` names
// tables that refer to a record's and that stay, so that nobody is asked of them.
type Preset struct {
	ID        string // the name of its file
	Name      string
	Versions  string
	Prefix    string
	Recognise []string // tables that every installation has, with the prefix
	silos     []string // lines
}

//go:embed presets/*.yaml
var presets embed.FS

// Presets are those that Lethe has, by the names of their files.
func Presets() (list []Preset, err error) {
	files, err := presets.ReadDir("presets")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		body, err := presets.ReadFile("presets/" + f.Name())
		if err != nil {
			return nil, err
		}
		p, err := ParsePreset(f.Name(), string(body))
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

var presetKey = regexp.MustCompile(`^(name|versions|prefix|recognise):\s*(.*?)\s*(?:\s#.*)?$`)

// ParsePreset reads the file of a preset. Its error wraps setup.ErrConfig and names the line.
func ParsePreset(file, text string) (Preset, error) {
	p := Preset{ID: strings.TrimSuffix(path.Base(file), ".yaml")}
	wrong := func(line int, why string) (Preset, error) {
		return Preset{}, fmt.Errorf("%w: preset %s, line %d: %s", setup.ErrConfig, file, line, why)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line == "silos:" {
			p.silos = lines[i+1:]
			break
		}
		if line == "" || line[0] == '#' {
			continue
		}
		m := presetKey.FindStringSubmatch(line)
		if m == nil {
			return wrong(i+1, "before `silos:` stand name, versions, prefix and recognise, each in a line")
		}
		value := strings.Trim(m[2], `"`)
		switch m[1] {
		case "name":
			p.Name = value
		case "versions":
			p.Versions = value
		case "prefix":
			p.Prefix = value
		case "recognise":
			for _, table := range strings.Split(strings.Trim(value, "[]"), ",") {
				p.Recognise = append(p.Recognise, strings.TrimSpace(table))
			}
		}
	}
	switch {
	case p.Name == "" || len(p.Recognise) == 0:
		return wrong(1, "name and recognise are missing: the application, and tables that every installation has")
	case len(p.silos) == 0:
		return wrong(len(lines), "`silos:` is missing, or nothing stands under it")
	}
	for _, table := range p.Recognise {
		if !strings.HasPrefix(table, p.Prefix) {
			return wrong(1, "recognise: "+table+" does not begin with the prefix")
		}
	}
	return p, nil
}

// prefixIn is the prefix that the tables of a preset have in a source; false where it is of another application.
func (p *Preset) prefixIn(d *Draft) (prefix string, ok bool) {
	stem := strings.TrimPrefix(p.Recognise[0], p.Prefix)
	for _, name := range d.order {
		prefix, is := strings.CutSuffix(name, stem)
		if !is || p.Prefix == "" && prefix != "" {
			continue
		}
		if !slices.ContainsFunc(p.Recognise, func(table string) bool {
			_, there := d.tables[prefix+strings.TrimPrefix(table, p.Prefix)]
			return !there
		}) {
			return prefix, true
		}
	}
	return "", false
}

// Recognise uses the preset whose tables the source has, the one that asks for most of them; false where it has none's.
func (d *Draft) Recognise(list []Preset) (p Preset, ok bool) {
	for _, other := range list {
		if _, is := other.prefixIn(d); is && len(other.Recognise) > len(p.Recognise) {
			p, ok = other, true
		}
	}
	if ok {
		ok = d.Use(p) == nil
	}
	return p, ok
}

// ErrOther says that a preset is of another application.
var ErrOther = errors.New("the preset is of another application")

// Use proposes the silos of a preset in place of its own.
func (d *Draft) Use(p Preset) error {
	prefix, ok := p.prefixIn(d)
	if !ok {
		return fmt.Errorf("%w: %w: %s has the tables %s, and this source has not", setup.ErrConfig, ErrOther, p.Name,
			strings.Join(p.Recognise, ", "))
	}
	d.preset = &p
	names := regexp.MustCompile(`\b` + regexp.QuoteMeta(p.Prefix))
	for _, line := range p.silos {
		if p.Prefix != "" {
			line = names.ReplaceAllString(line, prefix)
		}
		line = strings.ReplaceAll(line, "SOURCE", word(d.live()))
		line = strings.ReplaceAll(line, "REVIEW", d.today.AddDate(1, 0, 0).Format(time.DateOnly))
		d.taken = append(d.taken, line)
	}
	return nil
}

var (
	presetSilo      = regexp.MustCompile(`^  [a-z0-9-]+:`)
	presetTable     = regexp.MustCompile(`^\s+(?:- \{source: [^,]+, )?table: ([A-Za-z0-9_]+)`)
	presetDependent = regexp.MustCompile(`^\s+- \{table: ([A-Za-z0-9_]+),`)
	presetFK        = regexp.MustCompile(`\bfk: \[([^\]]*)\]`)
	presetStay      = regexp.MustCompile(`^\s+# stay: (.+)$`)
)

// writePreset writes the silos of the preset, with what this installation has besides and lacks.
func (d *Draft) writePreset(b *strings.Builder) {
	fmt.Fprintf(b, "\n# Recognised: %s %s. Fill in what is empty, and remove silos that you do not need. A silo is one kind of "+
		"collecting,\n# with its own purposes and terms. Records of two silos are never joined.\nsilos:\n", d.preset.Name,
		d.preset.Versions)
	var lacks []string
	named := map[string]bool{}
	for _, silo := range apart(d.taken) {
		lacks = append(lacks, d.writeSilo(b, silo, named)...)
	}
	if len(lacks) > 0 {
		slices.Sort(lacks)
		fmt.Fprintf(b, "\n# The preset knows of tables and fields that are not here: %s.\n", strings.Join(slices.Compact(lacks), ", "))
	}
	var rest []string
	for _, name := range d.order {
		if !named[name] && len(personal(d.verdicts[name])) > 0 {
			rest = append(rest, name)
		}
	}
	if len(rest) > 0 {
		fmt.Fprintf(b, "\n# Also with personal data, and not in the preset: %s.\n# Decide: a silo of its own, dependents of a "+
			"record above, or `skip: {TABLE: reason}` under the source.\n", strings.Join(rest, ", "))
	}
}

// writeSilo writes one silo of the preset, but for what is not here, and says which tables those are.
func (d *Draft) writeSilo(b *strings.Builder, silo []string, named map[string]bool) (lacks []string) {
	var kept, records []string
	mine := map[string]bool{}
	for _, line := range silo {
		if m := presetDependent.FindStringSubmatch(line); m != nil {
			if lack := d.lacks(m[1], line); lack != "" {
				lacks = append(lacks, lack)
				continue
			}
			mine[m[1]] = true
		} else if m := presetStay.FindStringSubmatch(line); m != nil {
			for _, table := range strings.Split(m[1], ",") {
				mine[strings.TrimSpace(table)] = true
			}
			continue
		} else if m := presetTable.FindStringSubmatch(line); m != nil {
			if _, there := d.tables[m[1]]; !there {
				return append(lacks, m[1])
			}
			mine[m[1]] = true
			records = append(records, m[1])
		}
		kept = append(kept, line)
	}
	for _, line := range kept {
		b.WriteString(line + "\n")
	}
	var open []string
	for _, child := range d.order {
		named[child] = named[child] || mine[child]
		for _, fk := range d.tables[child].ForeignKeys {
			if slices.Contains(records, fk.RefTable) && !mine[child] {
				open = append(open, fmt.Sprintf("%s by %s", child, list(fk.Fields)))
			}
		}
	}
	if len(open) > 0 {
		fmt.Fprintf(b, "    # decide: these refer to it as well, and the preset does not know them; delete or set_null, under "+
			"dependents:\n    # %s\n", strings.Join(open, "; "))
	}
	return lacks
}

// lacks names the table of a dependent, or its field, that an installation does not have; "" it has both.
func (d *Draft) lacks(table, line string) string {
	t, there := d.tables[table]
	if !there {
		return table
	}
	if m := presetFK.FindStringSubmatch(line); m != nil {
		for _, field := range strings.Split(m[1], ",") {
			if _, has := t.Field(strings.TrimSpace(field)); !has {
				return table + "." + strings.TrimSpace(field)
			}
		}
	}
	return ""
}

// apart takes the lines of silos apart, each with the remarks before it.
func apart(lines []string) (silos [][]string) {
	begins := 0
	for i, line := range lines {
		if !presetSilo.MatchString(line) {
			continue
		}
		from := i
		for from > begins && (lines[from-1] == "" || strings.HasPrefix(lines[from-1], "  #")) {
			from--
		}
		if from > begins {
			silos = append(silos, lines[begins:from])
		}
		begins = from
	}
	return append(silos, lines[begins:])
}
