package report

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/month"
	"lethe/pipeline/audit/page/night"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// lookBack is how many runs are looked through: more than a month of nights with what runs between them.
const lookBack = 400

// Again are the pages of a run in a language, as they are made for somebody to read or to send; "" is the last run.
// What was published stays as it was signed. name says of which day and run they are.
func Again(ctx context.Context, p *setup.Setup, runID, language string) (pages []page.Page, name string, err error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, "", err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, lookBack)
	if err != nil {
		return nil, "", err
	}
	for _, r := range runs {
		if len(r.Facts) == 0 || runID != "" && !strings.HasPrefix(r.ID, runID) || runID == "" && aside(r) {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return nil, "", err
		}
		totals := figures.Totals{}
		for rows, err := range eachNamed(Actions(ctx, p, j, r.ID), p.Names) {
			if err != nil {
				return nil, "", err
			}
			totals.Add(rows)
		}
		day := calendar.DateOf(f.Run.AsOf, p.Zone).String()
		pages, err := page.Render(night.Input{Facts: named(f, p.Names), Totals: totals, Date: day, Language: language})
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", setup.ErrConfig, err)
		}
		return pages, day, judged(p, pages)
	}
	return nil, "", fmt.Errorf("%w: the journal has no finished run %q, or it is long ago: its own page stands in the "+
		"reports", setup.ErrConfig, runID)
}

// aside reports whether a run between the nights only kept the applications' copies up to date.
func aside(r journal.Run) bool { return strings.Contains(r.Key, journal.SyncOnly+"/") }

// Month is the report of a month for the board.
func Month(ctx context.Context, p *setup.Setup, first time.Time, language string) (page.Page, error) {
	in := month.Input{Month: first, Language: language}
	j, err := p.Journal(ctx)
	if err != nil {
		return page.Page{}, err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, lookBack)
	if err != nil {
		return page.Page{}, err
	}
	of := func(f audit.Facts) string { return calendar.DateOf(f.Run.AsOf, p.Zone).String()[:len("2026-11")] }
	for _, r := range runs {
		if len(r.Facts) == 0 || aside(r) {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return page.Page{}, err
		}
		f = named(f, p.Names)
		if in.Newest.Run.RunID == "" || of(f) == first.Format("2006-01") && len(in.Runs) == 0 {
			in.Newest = f
		}
		if of(f) == first.Format("2006-01") {
			in.Runs = append(in.Runs, f)
		}
	}
	body, err := month.Render(in)
	if err != nil {
		return page.Page{}, fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	made := page.Page{Name: "month-" + first.Format("2006-01") + ".html", Body: body}
	return made, judged(p, []page.Page{made})
}

// judged lets the gate judge pages before anybody has them.
func judged(p *setup.Setup, pages []page.Page) error {
	for _, made := range pages {
		texts, err := fill.Texts(made.Body)
		if err != nil {
			return err
		}
		if err := (gate{p.Catalogue}).Check("page", "text", texts); err != nil {
			return fmt.Errorf("%w: %w: %w: correct the rule that let it through", setup.ErrConfig, publish.ErrGate, err)
		}
	}
	return nil
}
