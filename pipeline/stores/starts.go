package stores

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/policy/starts"
)

// sampleRows is about how many rows of a table are looked at, to see which day is none before any is decided.
const sampleRows = 5000

// SurveyStarts looks at the days from which a binding's terms count, in a sample of the table's rows, or in all
// where the source is a stream. A day that most of them have is taken for none from then on, if it is an end's. It
// returns what it saw, a spread for each rule.
func SurveyStarts(ctx context.Context, conn connectors.Source, b *judge.Binding) ([]starts.Spread, error) {
	spreads := make([]starts.Spread, len(b.Starts))
	if !b.Dated() {
		return spreads, nil
	}
	g := judge.NewJudge(b)
	for batch, err := range conn.Scan(ctx, connectors.Query{Table: b.Table.Name, Sample: sampleRows}) {
		if err != nil {
			return nil, err
		}
		for row := range int(batch.Rows.NumRows()) {
			if !g.Mine(batch.Rows, row) {
				continue
			}
			g.Dates(batch.Rows, row)
			for i, f := range b.Starts {
				if f != nil {
					spreads[i].Add(g.Record.Starts[i])
				}
			}
		}
	}
	for i, f := range b.Starts {
		if f == nil {
			continue
		}
		if mass := spreads[i].Mass(); mass.Known() && !f.Settled(mass) && ends(b.Silo.Rules()[i].Start, mass) {
			f.Nothing = append(f.Nothing, mass)
			spreads[i].Unknown += spreads[i].Days[mass]
			delete(spreads[i].Days, mass)
		}
	}
	return spreads, nil
}

// ends reports whether a mass of rows with one day shows that it stands for none: always of an end; of a day of
// collecting, which an import has many of, and of a birth only where it is a first of January.
func ends(start policy.Start, mass calendar.Date) bool {
	_, month, day := mass.YMD()
	return start != policy.Collected && start != policy.BirthPlusAge || month == time.January && day == 1
}

// yearOf is the year of a day, "" where there is none.
func yearOf(d calendar.Date) string {
	year, _, _ := d.YMD()
	if year == 0 {
		return ""
	}
	return fmt.Sprintf("%04d", year)
}

// likeLive lets the days of a backup stand for none as those of its live source do, which was looked at before. It
// is false where there is no such.
func (set *Set) likeLive(s *Store, b *judge.Binding) bool {
	live := set.Find(s.Of)
	if live == nil {
		return false
	}
	for _, g := range live.Governed[b.Table.Name] {
		if g.Silo != b.Silo || len(g.Starts) != len(b.Starts) {
			continue
		}
		for i, f := range g.Starts {
			if f != nil && b.Starts[i] != nil {
				b.Starts[i].Nothing = f.Nothing
			}
		}
		return true
	}
	return false
}

// StartsOf says what the days look like from which the terms of a judge's rows count, a line for each rule that
// reads one. Since is the company's first day; zero where nobody said it.
func StartsOf(b *judge.Binding, spreads []starts.Spread, since calendar.Date) (lines []audit.Start) {
	for i, f := range b.Starts {
		if f == nil {
			continue
		}
		s, rule := &spreads[i], b.Silo.Rules()[i]
		oldest, newest := s.Span()
		most, rows := s.Most()
		line := audit.Start{Silo: b.Silo.Silo.Name, Source: b.Source.Name, Object: b.Table.Name, Column: f.Name,
			Rule: rule.Name, Start: string(rule.Start), Rows: s.Dated(),
			Oldest: oldest.String(), Newest: newest.String(),
			Most: most.String(), MostRows: rows, Open: s.Open, Unknown: s.Unknown}
		if since.Known() && rule.Start != policy.BirthPlusAge {
			line.BeforeSince = s.Before(since)
		}
		if rule.Start == policy.BirthPlusAge { // a day of birth is a value of one record; its year says enough
			line.Oldest, line.Newest, line.Most, line.MostRows = yearOf(oldest), yearOf(newest), "", 0
		}
		var nothing []string
		for _, d := range f.Nothing {
			if !instant.NoDay(d) { // those are none anywhere
				nothing = append(nothing, d.String())
			}
		}
		line.Nothing = strings.Join(nothing, ";")
		lines = append(lines, line)
	}
	return lines
}
