package letters

import (
	"context"
	"errors"
	"slices"
	"strings"

	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/report"
	"lethe/pipeline/state"
)

// gone is what plans of this person's own changed, as the journal has it: those that runs made which were asked to
// fulfil the request, and which held nobody else's rows. What nights did of itself is not told apart from others' rows,
// and is not counted: that nothing is left, the search says.
func (m *maker) gone(ctx context.Context) (list []Gone, err error) {
	var runs []string
	for _, s := range m.ask.Asked.StepsOf(cases.StepFulfilled) {
		if run, _, _ := strings.Cut(s.How, " "); run != "" {
			runs = append(runs, run)
		}
	}
	if len(runs) == 0 {
		return nil, nil
	}
	j, _, err := state.Book(ctx, m.setup)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	plans, err := j.Plans(ctx)
	if err != nil {
		return nil, err
	}
	theirs, settled := map[string]bool{}, []string{}
	for _, p := range plans {
		if !slices.Contains(runs, p.RunID) {
			continue
		}
		theirs[p.ID] = true
		chunks, err := j.Chunks(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range chunks {
			if c.Outcome != nil && !slices.Contains(settled, c.RunID) {
				settled = append(settled, c.RunID)
			}
		}
	}
	for _, run := range settled {
		if list, err = m.settled(ctx, j, run, theirs, list); err != nil {
			return nil, err
		}
	}
	for i := range list {
		list[i].Words = m.goneWords(&list[i])
	}
	return list, nil
}

// settled adds what one run changed by these plans.
func (m *maker) settled(ctx context.Context, j *journal.Journal, run string, theirs map[string]bool,
	list []Gone) ([]Gone, error) {
	for actions, err := range report.Actions(ctx, m.setup, j, run) {
		if err != nil {
			return nil, err
		}
		for _, a := range actions {
			if !theirs[a.PlanID] || a.Silo != m.ask.Silo || a.Status != "done" && a.Status != "recovered" {
				continue
			}
			g := Gone{Change: a.Change, On: m.day(a.At)}
			g.Application, g.Copy = m.application(a.Source)
			i := slices.IndexFunc(list, func(o Gone) bool {
				return o.Application == g.Application && o.Copy == g.Copy && o.Change == g.Change && o.On == g.On
			})
			if i < 0 {
				i, list = len(list), append(list, g)
			}
			list[i].Rows++
		}
	}
	return list, nil
}

// goneWords says what was changed. A change that has no words of its own is one of fields.
func (m *maker) goneWords(g *Gone) string {
	where := lang.Name(g.Application)
	if g.Copy {
		where = m.say.Say("letter.gone.copy", where)
	}
	key := "letter.gone." + g.Change
	if !m.say.Has(key) {
		key = "letter.gone.clear"
	}
	return m.say.Say(key, where, g.Rows, g.On)
}
