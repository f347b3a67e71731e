package planner

import (
	"context"
	"fmt"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/stores"
)

// Read judges the rows of one source that are those of some of its judges, and reads no other table but those on the
// way to whose they are.
func (pl *Planner) Read(ctx context.Context, s *stores.Store, wanted func(*judge.Judge) bool) error {
	if err := s.ReadCarried(ctx, false); err != nil {
		return err
	}
	judges := map[string][]*judge.Judge{}
	var queries []connectors.Query
	for _, t := range s.Tables {
		for _, g := range s.Governed[t.Name] {
			if wanted(g) {
				judges[t.Name] = append(judges[t.Name], g)
			}
		}
		if len(judges[t.Name]) > 0 {
			queries = append(queries, connectors.Query{Table: t.Name})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	rows := int64(0)
	for batch, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		for _, g := range judges[batch.Table] {
			if err := pl.Session.Judge(g, batch); err != nil {
				return fmt.Errorf("judge rows of %s: %w", batch.Table, err)
			}
		}
		rows += batch.Rows.NumRows()
		pl.Setup.Progress("scan", s.Name, rows, 0)
	}
	pl.Notes.Facts.Run.RowsScanned += rows
	return nil
}
