package lint

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// foundCategories returns the personal fields that the newest reading of each table found, and the
// night of that reading by table.
func foundCategories(ctx context.Context, p *setup.Setup) (found []lint.Category,
	since map[notes.Object]calendar.Date, err error) {
	since = map[notes.Object]calendar.Date{}
	if !state.FileExists(filepath.Join(p.State, "journal.db")) {
		return nil, since, nil
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	runs, err := j.Runs(ctx, 60)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range runs {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return nil, nil, err
		}
		day := calendar.DateOf(r.AsOf, p.Zone)
		here := map[notes.Object]bool{}
		for _, i := range f.Inventory {
			at := notes.Object{Source: i.Source, Table: i.Object}
			if _, newer := since[at]; newer || i.State != "scanned" {
				continue
			}
			here[at] = true
			if scan.Personal(i) {
				found = append(found, lint.Category{Source: i.Source, Table: i.Object, Field: i.Column,
					Category: i.Category, Class: i.Class})
			}
		}
		for at := range here {
			since[at] = day
		}
	}
	return found, since, nil
}

// withoutKeys leaves primary keys out: a row cannot be without one, whoever needs it.
func withoutKeys(found []lint.Category, catalogs map[string]connectors.Tables) []lint.Category {
	return slices.DeleteFunc(slices.Clone(found), func(f lint.Category) bool {
		t, ok := catalogs[f.Source].Find(f.Table)
		return ok && !t.Alternate && slices.Contains(t.Key, f.Field)
	})
}
