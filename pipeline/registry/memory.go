package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// rememberedBy names the row of meta that says where the nights on this registry are remembered.
const rememberedBy = "remembered_by"

// Memory is what the registry knows of the nights that wrote to it.
type Memory struct {
	By     string // what the last of them left with RememberedBy; "" nothing
	Nights bool   // there were some: they left marks
}

// Memory says where the nights on this registry are remembered, and whether there were any.
func (r *Registry) Memory(ctx context.Context) (m Memory, err error) {
	m.By, err = tables.Meta(ctx, r.store.Handle, rememberedBy)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return m, fmt.Errorf("read registry: %w", err)
	}
	var marks int
	if err := r.store.Row(ctx, `SELECT (SELECT COUNT(*) FROM expiry_pass) + (SELECT COUNT(*) FROM tombstone)`).Scan(
		&marks); err != nil {
		return m, fmt.Errorf("read registry: %w", err)
	}
	m.Nights = marks > 0
	return m, nil
}

// RememberedBy says which night wrote to the registry last, and where it is remembered.
func (r *Registry) RememberedBy(ctx context.Context, note string) error {
	return r.store.Write(ctx, "say where nights are remembered", func(tx *database.Txn) error {
		_, err := tx.Exec(ctx, `DELETE FROM meta WHERE name = ?`, rememberedBy)
		if err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO meta (name, value) VALUES (?, ?)`, rememberedBy, note)
		}
		return err
	})
}
