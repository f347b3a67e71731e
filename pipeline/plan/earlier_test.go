package plan

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit/spool"
	"lethe/pipeline/change"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/setup"
)

func TestLookOpensWhatHasNotEnded(t *testing.T) {
	d := newDesk(t)
	p, identity, err := Look(t.Context(), d.p, d.plan.PlanID)
	require.NoError(t, err)
	require.NotNil(t, identity)
	require.Equal(t, d.plan.Digest, p.Digest)

	require.NoError(t, os.WriteFile(d.plan.Folder+"/000.changes.arrow.age", []byte("x"), 0o600))
	_, _, err = Look(t.Context(), d.p, d.plan.PlanID)
	require.ErrorIs(t, err, setup.ErrChanged)
	require.ErrorContains(t, err, "lethe plan discard")

	require.NoError(t, d.j.SetPlanState(t.Context(), d.plan.PlanID, journal.Lapsed, "run2"))
	_, _, err = Look(t.Context(), d.p, d.plan.PlanID)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "the keys of its rows were destroyed")
}

func TestPlansOfEarlierVersionsAreRead(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	set := change.SetOf(nil, change.Change{Kind: change.Root, Silo: "news", Table: "people", Key: "\x011",
		Op: judge.Delete})
	p := write(t, t.TempDir(), id.Recipient(), set)
	recode(t, p, id, func(rec arrow.Record) arrow.Record {
		return array.NewRecord(withoutWhy, rec.Columns()[:withoutWhy.NumFields()], rec.NumRows())
	})
	back, err := p.Changes(p.Sets[0], id)
	require.NoError(t, err)
	require.Equal(t, set.Rows, back.Rows)
	for r, err := range p.Entries(p.Sets[0], id) {
		require.NoError(t, err)
		require.Zero(t, r.Why)
	}

	recode(t, p, id, func(rec arrow.Record) arrow.Record {
		return array.NewRecord(arrow.NewSchema(changeSchema.Fields()[:3], nil), rec.Columns()[:3], rec.NumRows())
	})
	_, err = p.Changes(p.Sets[0], id)
	require.ErrorIs(t, err, setup.ErrChanged)
}

// recode writes the one batch of a plan's changes anew.
func recode(t *testing.T, p *Sealed, id *age.X25519Identity, as func(arrow.Record) arrow.Record) {
	t.Helper()
	path := filepath.Join(p.Folder, p.Sets[0].Changes)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	text, err := age.Decrypt(f, id)
	require.NoError(t, err)
	stream, err := spool.Unpack(text)
	require.NoError(t, err)
	defer stream.Close()
	r, err := ipc.NewReader(stream)
	require.NoError(t, err)
	defer r.Release()
	require.True(t, r.Next())
	rec := as(r.Record())
	var file bytes.Buffer
	sealed, err := age.Encrypt(&file, id.Recipient())
	require.NoError(t, err)
	w := ipc.NewWriter(sealed, ipc.WithSchema(rec.Schema()))
	require.NoError(t, w.Write(rec))
	require.NoError(t, w.Close())
	require.NoError(t, sealed.Close())
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
}
