package apply

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

func TestAPlanRunsTheTriggersThatItNames(t *testing.T) {
	store := func(triggers ...connectors.Trigger) *stores.Store {
		s := stores.NewStore(setup.Source{Name: "crm"})
		s.Conn = mem.New("crm")
		s.Tables = connectors.Tables{{Name: "people", Triggers: triggers}}
		return s
	}
	gone := func(digest string) connectors.Trigger {
		return connectors.Trigger{Name: "gone", Event: "DELETE", Digest: digest}
	}
	made := func(s *stores.Store) *plan.Sealed {
		p := &plan.Sealed{Document: plan.Document{Counts: []plan.Count{{Source: "crm", Table: "people", Change: "delete"}}}}
		p.Triggers = p.Runs(s)
		return p
	}
	for name, c := range map[string]struct {
		then, now *stores.Store
		says      string
	}{
		"none":            {store(), store(), ""},
		"the same":        {store(gone("a")), store(gone("a")), ""},
		"another event":   {store(), store(connectors.Trigger{Name: "set", Event: "UPDATE"}), ""},
		"one came":        {store(), store(gone("a")), "trigger gone on table people came, or was changed"},
		"another text":    {store(gone("a")), store(gone("b")), "trigger gone on table people came, or was changed"},
		"one went":        {store(gone("a")), store(), "trigger gone on table people went"},
		"of another name": {store(gone("a")), store(connectors.Trigger{Name: "x", Event: "DELETE", Digest: "a"}), "trigger x"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &application{plan: made(c.then), store: c.now}
			if c.says == "" {
				require.NoError(t, a.sameTriggers())
				return
			}
			err := a.sameTriggers()
			require.ErrorIs(t, err, setup.ErrExpired)
			require.ErrorContains(t, err, c.says)
			c.now.Conn = struct{ connectors.Source }{c.now.Conn}
			require.NoError(t, a.sameTriggers(), "what cannot be changed runs none: the plan waits")
		})
	}
}
