package balance

import (
	"fmt"
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
)

// groups says where anonymous rows are not: how many of them are alike in what is left of people, at the least. It is
// measured by each night that reads them, so by the first after they were anonymized.
func (b *Book) groups() {
	for _, g := range b.Census.Groups() {
		if g.Smallest >= census.Enough || !b.read(g.Source) {
			continue
		}
		owner := ""
		of := func(s *policy.Compiled) bool { return s.Silo.Name == g.Silo }
		if i := slices.IndexFunc(b.Setup.Silos, of); i >= 0 {
			owner = b.Setup.Silos[i].Silo.Rules[0].Owner
		}
		b.Notes.Except(audit.Exception{Silo: g.Silo, Source: g.Source, Object: g.Object, Code: string(reason.EAnonWeak),
			Count: g.Few, Owner: owner})
		words := fmt.Sprintf("Of %d anonymized rows the smallest group that is alike in what is left of people (%s) "+
			"has %d; %d rows are in groups of fewer than %d. Who knows that much of somebody may single them out: "+
			"choose techniques that leave less.", g.Rows, b.left(g), g.Smallest, g.Few, census.Enough)
		b.Notes.Find(audit.Finding{Kind: "F_ANON_WEAK", Severity: "low", Source: g.Source, Object: g.Object,
			Count: g.Few, Article: "Art. 4(1), recital 26", Words: words})
	}
}

// left names the fields in which the rows of a group are alike.
func (b *Book) left(g census.Group) string {
	s := b.Stores.Find(g.Source)
	if s == nil {
		return ""
	}
	i := slices.IndexFunc(s.Judges, func(j *judge.Judge) bool {
		return j.Table.Name == g.Object && j.Silo.Silo.Name == g.Silo
	})
	if i < 0 {
		return ""
	}
	return s.Judges[i].Left.Words()
}
