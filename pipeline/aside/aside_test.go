package aside_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/aside"
)

func TestABackupSetsAsideWhatItsLiveStoreDoes(t *testing.T) {
	row := aside.Row{System: "crm", Table: "people", Destroys: true}
	block := aside.Row{System: "crm", Table: "people"}
	for name, c := range map[string]struct {
		before func(*aside.List)
		live   bool
		backup bool
	}{
		"nothing is":                      {func(*aside.List) {}, false, false},
		"another change of it":            {func(l *aside.List) { l.Add(block) }, false, false},
		"the live store was not read":     {func(l *aside.List) { l.Add(row) }, true, true},
		"another one was":                 {func(l *aside.List) { l.Add(row); l.Read("shop") }, true, true},
		"it is still due there":           {func(l *aside.List) { l.Add(row); l.Live(row); l.Read("crm") }, true, true},
		"it is not there, or no more due": {func(l *aside.List) { l.Add(row); l.Live(block); l.Read("crm") }, true, false},
		"read, and nothing is":            {func(l *aside.List) { l.Read("crm") }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var l aside.List
			c.before(&l)
			require.Equal(t, c.backup, l.Backup(row))
			require.Equal(t, c.live, l.Live(row))
		})
	}
}
