package duties

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
)

// unsignedDays is for how many days what nobody signed is found: who reads the page on Mondays sees it.
const unsignedDays = 7

// Unsigned finds events that came into the registry since a night of a week ago, or since the first, and that nobody
// signed: entered by hand, or delivered in a file. What applications' own tables say stands there, and is no such.
func (ow *Book) Unsigned(ctx context.Context, set *silos.Set, said answers.Chain) error {
	phases := ow.Tonight.Phases
	if set.Registry == nil || phases != setup.WholeNight && phases != setup.PlanOnly {
		return nil
	}
	before, err := ow.before()
	if err != nil || before == nil {
		return err // all of it is new
	}
	answered := said.All()[min(before.answers, said.Head().Length):]
	var errs []error
	for _, silo := range slices.Sorted(maps.Keys(set.Heads)) {
		list, err := set.Registry.Delivered(ctx, silo, before.heads[silo].Seq, set.Heads[silo].Seq)
		errs = append(errs, err)
		hand, files := ow.unsigned(silo, list, answered)
		ow.found(audit.Finding{Kind: "F_ENTERED_UNSIGNED", Severity: "medium", Object: silo}, hand,
			"were entered by hand (`lethe consent record`)", "user:"+silo)
		for len(files) > 0 { // they come source by source
			next := slices.IndexFunc(files, func(d registry.Delivered) bool { return d.Source != files[0].Source })
			if next < 0 {
				next = len(files)
			}
			f := audit.Finding{Kind: "F_DELIVERED_UNSIGNED", Severity: "low", Object: silo, Column: files[0].Source}
			ow.found(f, files[:next], "came in a file (`lethe consent import`)", "operator")
			files = files[next:]
		}
	}
	return errors.Join(errs...)
}

// earlier is how registry and answers stood when a run ended.
type earlier struct {
	heads   map[string]chain.Head
	answers int64
}

// before is how they stood a week ago, or after the first run that is known; nil before it.
func (ow *Book) before() (*earlier, error) {
	var found *audit.Facts
	for i, f := range ow.Notes.History {
		if f.Run.RegistryHeads == "" {
			continue
		}
		found = &ow.Notes.History[i]
		if !f.Run.AsOf.After(ow.Tonight.AsOf.AddDate(0, 0, -unsignedDays)) {
			break
		}
	}
	if found == nil {
		return nil, nil
	}
	heads, err := state.Heads(found)
	return &earlier{heads, found.Run.Answers}, err
}

// unsigned are those of the events that were entered by hand or came in files, and that nobody signed.
func (ow *Book) unsigned(silo string, list []registry.Delivered, said []answers.Signed) (hand,
	files []registry.Delivered) {
	taken := Taken(ow.Setup, silo)
	for _, d := range list {
		switch {
		case d.Source == ByHand:
			hand = append(hand, d)
		case d.Source != ByHandSigned && !slices.Contains(taken, d.Source) &&
			!(d.Signed && Signed(said, silo, d.Source)):
			files = append(files, d)
		}
	}
	return hand, files
}

// Taken are the names under which Lethe itself takes in the events of a silo: its tables; of the suppression list, the
// silos in which people said no. No file is delivered under one.
func Taken(p *setup.Setup, silo string) (list []string) {
	for _, s := range p.Silos {
		if silo == p.Suppression.Name {
			list = append(list, s.Silo.Name)
		}
		for _, m := range s.Silo.Consents {
			if silo == s.Silo.Name {
				list = append(list, m.Source+"."+m.Table)
			}
		}
	}
	return list
}

// found puts a finding of so many events into the report.
func (ow *Book) found(f audit.Finding, list []registry.Delivered, came, role string) {
	if len(list) == 0 {
		return
	}
	types := map[string]int64{}
	for _, d := range list {
		f.Count += d.Events
		types[string(d.Type)] += d.Events
	}
	var said []string
	for _, t := range slices.Sorted(maps.Keys(types)) {
		said = append(said, fmt.Sprintf("%d %s", types[t], t))
	}
	f.Source, f.Article = "registry", "Art. 5(2)"
	f.Words = fmt.Sprintf("Events that decide what stays and what goes %s within %d days, and nobody signed them: %s. "+
		"Whoever reaches the keystore can do that. Ask who it was, with `lethe consent show`; once somebody has the "+
		"role %s, it takes the signature of one of them.", came, unsignedDays, strings.Join(said, ", "), role)
	ow.Notes.Find(f)
}
