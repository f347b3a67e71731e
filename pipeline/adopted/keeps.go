package adopted

import (
	"slices"
	"strings"

	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// ages are how old the registry, and the backups of sources, may be for rows to be destroyed: what the policy in force
// says counts, and so does what the configuration says, where that is less.
func ages(p *setup.Setup, now *adoption.Policy) (registry calendar.Period, sources []setup.Source) {
	sources = slices.Clone(p.Sources)
	for i := range sources {
		s := &sources[i]
		s.MaxBackupAge = less(s.MaxBackupAge, now.BackupAges[s.Name])
	}
	return less(p.RegistryAge, now.RegistryAge), sources
}

// less is the shorter of two periods; zero is none.
func less(a, b calendar.Period) calendar.Period {
	if a.IsZero() || !b.IsZero() && b.Longest() < a.Longest() {
		return b
	}
	return a
}

// misread are the silos of both policies whose consents the configuration reads otherwise than the policy in force.
func misread(p *setup.Setup, now *adoption.Policy) map[string]bool {
	if now.Digest == p.PolicyDigest {
		return nil
	}
	list := map[string]bool{}
	next, err := adoption.Parse(p.PolicyDigest, p.Policy, p.Zone)
	for _, s := range p.Silos {
		if len(s.Silo.Consents) > 0 && now.Knows(s.Silo.Name) {
			list[s.Silo.Name] = err != nil || slices.ContainsFunc(adoption.Between(now, next).Changes,
				func(c adoption.Change) bool { return decidesConsents(c.Path, s) })
		}
	}
	return list
}

// decidesConsents reports whether what differs decides what the consents of a silo are: how they are mapped, or how
// their source is read.
func decidesConsents(path string, s *policy.Compiled) bool {
	silo := "Silos." + s.Silo.Name + "."
	places := []string{silo + "Consents", silo + "LinkScope", silo + "Jurisdiction", "Controller.Timezone",
		"Controller.Jurisdiction"}
	for _, m := range s.Silo.Consents {
		for _, field := range []string{"Connector", "Zone", "Zones", "Dates", "Options", "Files"} {
			places = append(places, "Sources."+m.Source+"."+field)
		}
	}
	return slices.ContainsFunc(places, func(p string) bool { return path == p || strings.HasPrefix(path, p+".") })
}
