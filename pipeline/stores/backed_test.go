package stores

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// TestUnbacked asks of a source that asks for a backup of two days whether it waits for one.
func TestUnbacked(t *testing.T) {
	night := time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	p, err := calendar.ParsePeriod("P2D")
	require.NoError(t, err)
	backup := func(ago time.Duration, err error) *Store {
		b := NewStore(setup.Source{Name: "dump", Of: "crm", Environment: "backup", TakenAt: night.Add(-ago)})
		b.Err = err
		return b
	}
	for name, c := range map[string]struct {
		backups []*Store
		lacks   string // "" where it does not wait
	}{
		"young":                  {backups: []*Store{backup(9*day, nil), backup(2*day, nil)}},
		"made just now":          {backups: []*Store{backup(-time.Minute, nil)}},
		"old":                    {[]*Store{backup(3*day, nil)}, "taken on 2026-11-17"},
		"none":                   {nil, "no backup of it can be read"},
		"one that cannot be":     {[]*Store{backup(0, errors.New("cut"))}, "no backup of it can be read"},
		"dated in the future":    {[]*Store{backup(-9*day, nil)}, "dated in the future"},
		"old, and of the future": {[]*Store{backup(-9*day, nil), backup(3*day, nil)}, "taken on 2026-11-17"},
		"another's": {[]*Store{NewStore(setup.Source{Of: "shop", Environment: "backup", TakenAt: night})},
			"no backup"},
	} {
		t.Run(name, func(t *testing.T) {
			live := NewStore(setup.Source{Name: "crm", MaxBackupAge: p})
			set := &Set{List: append([]*Store{live}, c.backups...), tonight: setup.Tonight{AsOf: night},
				Setup: &setup.Setup{Zone: time.UTC, Now: func() time.Time { return night.Add(time.Minute) }}}
			for _, s := range set.List {
				if s.System() != live.Name {
					continue
				}
				got, lacks := set.Unbacked(s)
				require.Equal(t, c.lacks != "", lacks)
				if lacks {
					require.Contains(t, got.String(), c.lacks)
				}
			}
		})
	}
}
