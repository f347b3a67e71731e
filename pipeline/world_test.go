package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/journal"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// The words of pipelinetest that most tests here use.
var (
	field, table, fk        = pipelinetest.Field, pipelinetest.Table, pipelinetest.FK
	people, news, depends   = pipelinetest.People, pipelinetest.News, pipelinetest.Depends
	id, email, name, status = pipelinetest.ID, pipelinetest.Email, pipelinetest.Name, pipelinetest.Status
	created                 = pipelinetest.Created
	rome                    = pipelinetest.Rome()
)

// world is a company in memory that has nights.
type world struct{ *pipelinetest.World }

func newWorld(t *testing.T, silo policy.Silo, tables ...mem.Table) *world {
	t.Helper()
	return &world{pipelinetest.New(t, silo, tables...)}
}

// night runs one night that applies.
func (w *world) night() (pipeline.Result, error) {
	w.T.Helper()
	return pipeline.Run(w.T.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true})
}

// approve lets both people approve every waiting plan.
func (w *world) approve() {
	w.T.Helper()
	docs, err := plan.List(w.T.Context(), w.Setup, journal.Waiting)
	require.NoError(w.T, err)
	require.NotEmpty(w.T, docs, "no plan waits")
	for _, d := range docs {
		for _, name := range []string{"anna", "bo"} {
			_, _, err := plan.Approve(w.T.Context(), w.Setup, d.PlanID, name, "approve", "", w.Signers[name])
			require.NoError(w.T, err)
		}
	}
}

// planned runs a night whose plan waits, approves it and moves on one hour.
func (w *world) planned() {
	w.T.Helper()
	r, err := w.night()
	require.NoError(w.T, err)
	require.NotEmpty(w.T, r.Waiting)
	w.approve()
	w.Now = w.Now.Add(time.Hour)
}

// applied applies what is approved and returns how many rows had which outcome, by table and change.
func (w *world) applied() map[string]int64 {
	w.T.Helper()
	r, err := pipeline.Run(w.T.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.NoError(w.T, err)
	return settled(r)
}

func settled(r pipeline.Result) map[string]int64 {
	out := map[string]int64{}
	for _, l := range r.Settled {
		out[l.Object+" "+l.Change+" "+l.Status] += l.Rows
	}
	return out
}
