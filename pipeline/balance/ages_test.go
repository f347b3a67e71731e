package balance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

func TestRowsThatWereEndedHaveNoAge(t *testing.T) {
	age := func(tenth int32, rows int64) audit.Age { // of those past it and whole, how long the oldest is
		days := map[bool]int64{true: 324}[tenth == 10 && rows == 100]
		return audit.Age{DaysPast: days, Silo: "news", Source: "crm", Object: "people", Tenth: tenth, Rows: rows, Due: rows,
			ReadOn: "2026-11-20"}
	}
	kept := func(tenth int32, rows int64) audit.Age { a := age(tenth, rows); a.Due = 0; return a }
	was := []audit.Age{age(10, 100), age(9, 5), age(-1, 40), kept(8, 7)}
	settled := func(change, reason, status string, rows int64) Settled {
		return Settled{Silo: "news", Source: "crm", Object: "people", Change: change, Reason: reason, Status: status,
			Rows: rows}
	}
	for name, c := range map[string]struct {
		settled Settled
		want    []audit.Age
	}{
		"nothing":          {Settled{}, was},
		"past their term":  {settled("delete", "D_RETENTION_ELAPSED", "done", 60), []audit.Age{age(10, 40), age(9, 5), age(-1, 40), kept(8, 7)}},
		"all of them":      {settled("delete", "D_CONSENT_EXPIRED", "recovered", 100), []audit.Age{age(9, 5), age(-1, 40), kept(8, 7)}},
		"more than those":  {settled("delete", "D_CONSENT_EXPIRED", "done", 102), []audit.Age{age(9, 3), age(-1, 40), kept(8, 7)}},
		"withdrawn":        {settled("delete", "D_CONSENT_WITHDRAWN", "done", 41), []audit.Age{age(10, 59), age(9, 5), age(-1, 40), kept(8, 7)}},
		"by a request":     {settled("delete", "D_ERASURE_REQUEST", "done", 41), []audit.Age{age(10, 100), age(9, 4), kept(8, 7)}},
		"all that are due": {settled("delete", "D_ERASURE_REQUEST", "done", 150), []audit.Age{kept(8, 7)}},
		"anonymized":       {settled("anonymize", "D_RETENTION_ELAPSED", "done", 100), []audit.Age{age(9, 5), {Silo: "news", Source: "crm", Object: "people", Tenth: -1, Rows: 140, Due: 40, ReadOn: "2026-11-20"}, kept(8, 7)}},
		"refused":          {settled("delete", "D_RETENTION_ELAPSED", "refused", 100), was},
		"blocked":          {settled("block", "D_RETENTION_ELAPSED", "done", 100), was},
		"of another table": {Settled{Silo: "news", Source: "crm", Object: "x", Change: "delete", Status: "done", Rows: 3}, was},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, aged(was, []Settled{c.settled})) })
	}
	require.EqualValues(t, 100, was[0].Rows, "what was counted stays")
}
