package scan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// place is a row of the inventory: a table, or with a column a field of it.
func place(source, table, column, state, category, seen string) audit.Inventory {
	return audit.Inventory{Source: source, Object: table, Column: column, State: state, Category: category,
		FirstSeen: seen}
}

func TestDrift(t *testing.T) {
	const before, today = "2026-01-01", "2026-02-02"
	was := []audit.Inventory{
		place("crm", "people", "", "scanned", "none", before),
		place("crm", "people", "email", "scanned", "email", before),
		place("crm", "people", "phone", "scanned", "phone", before),
	}
	now := func(rows ...audit.Inventory) []audit.Inventory {
		for i := range rows {
			rows[i].FirstSeen = today
		}
		return rows
	}
	people := place("crm", "people", "", "scanned", "none", "")
	email := place("crm", "people", "email", "scanned", "email", "")
	phone := place("crm", "people", "phone", "scanned", "phone", "")
	failed := place("crm", "people", "", "failed", "none", "")

	tests := map[string]struct {
		history    [][]audit.Inventory // newest first
		now        []audit.Inventory
		read       []string
		configured []string
		want       []string // column, change, first seen
	}{
		"first night": {
			now: now(people, email), read: []string{"crm"},
			want: []string{" new " + today, "email new " + today},
		},
		"as before": {
			history: [][]audit.Inventory{was}, now: now(people, email, phone), read: []string{"crm"},
			want: []string{" same " + before, "email same " + before, "phone same " + before},
		},
		"a field changed": {
			history: [][]audit.Inventory{was}, read: []string{"crm"},
			now:  now(people, email, place("crm", "people", "phone", "scanned", "none", "")),
			want: []string{" same " + before, "email same " + before, "phone changed " + before},
		},
		"a field is gone and one is new before it": {
			history: [][]audit.Inventory{was}, read: []string{"crm"},
			now:  now(people, place("crm", "people", "city", "scanned", "none", ""), phone),
			want: []string{" same " + before, "city new " + today, "phone same " + before, "email gone " + before},
		},
		"the table is gone": {
			history: [][]audit.Inventory{was}, read: []string{"crm"},
			want: []string{" gone " + before, "email gone " + before, "phone gone " + before},
		},
		"what is gone is said once": {
			history: [][]audit.Inventory{{gone(was[0]), gone(was[1]), gone(was[2])}, was}, read: []string{"crm"},
			want: []string{},
		},
		"the source could not be read": {
			history: [][]audit.Inventory{was}, configured: []string{"crm"}, read: []string{"shop"},
			want: []string{},
		},
		"the source left the configuration": {
			history: [][]audit.Inventory{was}, configured: []string{"shop"}, read: []string{"shop"},
			want: []string{" gone " + before, "email gone " + before, "phone gone " + before},
		},
		"nothing was read at all": {
			history: [][]audit.Inventory{was},
			want:    []string{},
		},
		"the table could not be read: its fields are not gone": {
			history: [][]audit.Inventory{was}, now: now(failed), read: []string{"crm"},
			want: []string{" changed " + before},
		},
		"a night that failed says nothing of the table": {
			history: [][]audit.Inventory{{failed}, was}, now: now(people, email, phone), read: []string{"crm"},
			want: []string{" same " + before, "email same " + before, "phone same " + before},
		},
		"the newest night that read it counts": {
			history: [][]audit.Inventory{
				{place("crm", "people", "", "scanned", "none", before), place("crm", "people", "email", "scanned",
					"none", before)},
				was,
			},
			now: now(people, email), read: []string{"crm"},
			want: []string{" same " + before, "email changed " + before},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sc := &Scanner{Notes: &notes.Notes{}}
			for _, inventory := range tt.history {
				sc.Notes.History = append(sc.Notes.History, audit.Facts{Inventory: inventory})
			}
			sc.Notes.Facts.Inventory = tt.now
			for _, name := range tt.read {
				sc.sources = append(sc.sources, &Source{Store: stores.NewStore(setup.Source{Name: name}),
					Surveyed: true})
			}
			var configured []*stores.Store
			for _, name := range append(tt.configured, tt.read...) {
				configured = append(configured, stores.NewStore(setup.Source{Name: name}))
			}

			sc.Drift(configured)

			got := []string{}
			for _, row := range sc.Notes.Facts.Inventory {
				got = append(got, row.Column+" "+row.Change+" "+row.FirstSeen)
				require.Equal(t, row.Change == "gone", row.State == "gone", row.Column)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func gone(i audit.Inventory) audit.Inventory {
	i.Change, i.State = "gone", "gone"
	return i
}
