package scan

import (
	"slices"

	"lethe/pipeline/aside"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/remnants"
	"lethe/pipeline/waiting"
)

// search lets the rows of a table that no silo takes be searched for people who should be gone; nil where there is
// nothing to search: of a table with applications' consents too, which are the proof of what people said. A table of an
// unchanged file is read again only if something personal was found in it.
func (sc *Scanner) search(s *Source, r *Reading) *remnants.Search {
	if sc.Remnants == nil || sc.keepsConsents(s, r.Table.Name) ||
		slices.ContainsFunc(s.Governed[r.Table.Name], func(g *judge.Judge) bool { return len(g.Records.Where) == 0 }) ||
		sc.undecided(s, r.Table.Name) ||
		r.kept != nil && !slices.ContainsFunc(r.kept, Personal) {
		return nil
	}
	var fields []string
	for _, f := range r.Table.Fields {
		if _, left := r.left[f.Name]; !left {
			fields = append(fields, f.Name)
		}
	}
	return sc.Remnants.Table(remnants.Place{Source: s.Name, Table: r.Table, Fields: fields,
		Follows: slices.Contains(s.Followers(), r.Table.Name), Endings: s.Endings[r.Table.Name]})
}

// keepsConsents reports whether an application keeps consents in a table of a source, or did when the backup was made.
func (sc *Scanner) keepsConsents(s *Source, table string) bool {
	return slices.ContainsFunc(sc.Setup.Silos, func(c *policy.Compiled) bool {
		return slices.ContainsFunc(c.Silo.Consents, func(m intake.Mapping) bool {
			return m.Source == s.System() && m.Table == table
		})
	})
}

// undecided reports whether rows of a silo are in a table of a backup and none of them is decided, as the file cannot
// say whose they are.
func (sc *Scanner) undecided(s *Source, table string) bool {
	return len(s.Governed[table]) == 0 && slices.ContainsFunc(sc.Setup.Silos, func(c *policy.Compiled) bool {
		return slices.ContainsFunc(c.Silo.Records, func(r policy.Records) bool {
			return r.Source == s.System() && r.Table == table
		})
	})
}

// Unsure names the live sources with rows that silos govern which were not read to their end: who may be held there is
// not known. None where there is nobody to look for.
func (sc *Scanner) Unsure() (names []string) {
	if !sc.Remnants.Anybody() {
		return nil
	}
	for _, c := range sc.Setup.Silos {
		for _, r := range c.Silo.Records {
			if s := sc.Of(r.Source); (s == nil || s.Err != nil || !s.Surveyed) && !slices.Contains(names, r.Source) {
				names = append(names, r.Source)
			}
		}
	}
	slices.Sort(names)
	return names
}

// EndRemnants gives the plans of the night the rows in which people stand who should be gone, where a policy says how
// they end there, and it is known whom nobody holds.
func (sc *Scanner) EndRemnants() {
	if sc.Remnants == nil || len(sc.Unsure()) > 0 {
		return
	}
	sc.Remnants.Plan(func(g *judge.Judge, r *judge.Root) bool {
		key := g.KeyOf(r)
		row := aside.Row{System: g.Source.System(), Table: g.Table.Name, Record: g.RecordOf(key), Destroys: true}
		refused := sc.Session.Aside.Live
		if g.Source.Backup() {
			refused = sc.Session.Aside.Backup
		}
		place := waiting.Place{Source: g.Source.Name, Table: g.Table.Name, Key: key}
		return sc.Session.Pending.Has(place) || refused(row)
	})
}

// Left are the people who are left where no silo looks; nothing where that is not known tonight.
func (sc *Scanner) Left() []audit.Remnant {
	if sc.Remnants == nil || len(sc.Unsure()) > 0 {
		return nil
	}
	return sc.Remnants.Left()
}
