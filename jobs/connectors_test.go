package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/mem"
	"lethe/pipeline/engines"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/setup"
)

// inMemory is a ground of a MySQL 8.4 that is none, and only reads. Where lost is a table, its first row is lost.
func inMemory(lost string) *conformance.Ground {
	h := conformance.Harness{New: func(_ conformance.T, tables []conformance.Table) conformance.Store {
		var made []mem.Table
		for _, t := range tables {
			m := mem.Table{Def: t.Def}
			for i, row := range t.Rows {
				if i > 0 || t.Def.Name != lost {
					m.Rows = append(m.Rows, row)
				}
			}
			made = append(made, m)
		}
		s := mem.New("mem", made...)
		return conformance.Store{Open: func(conformance.T) connectors.Source { return struct{ connectors.Source }{s} }}
	}}
	return &conformance.Ground{Engine: connectors.Engine{Product: "MySQL", Series: "8.4", Version: "8.4.3"},
		Not: []string{"texts of one byte"}, Left: []string{"lethe_prove_0_1"},
		Ways: []conformance.Way{{Name: "utf8mb4_bin", Harness: h}}}
}

// company is a setup with a keystore.
func company(t *testing.T) *setup.Setup {
	p := pipelinetest.New(t, pipelinetest.News(nil), pipelinetest.People()).Setup
	p.Suite = conformance.Suite()
	return p
}

func TestWhatHoldsIsSaidAndSigned(t *testing.T) {
	p := company(t)
	var out bytes.Buffer
	c := &Command{Out: &out, Err: &out, Now: time.Now}
	require.NoError(t, c.prove(t.Context(), p, nil, "mysql", inMemory("")))
	for _, line := range []string{
		"MySQL 8.4 (version 8.4.3), texts compared by utf8mb4_bin\n",
		"left of an earlier run that was killed, and not touched: DROP DATABASE lethe_prove_0_1\n",
		"not tried: texts of one byte\n",
		"  holds     source: a scan may be left early (utf8mb4_bin)\n",
		" hold, 0 do not, in ",
		"proved: rows may be changed on MySQL 8.4, until ",
	} {
		require.Contains(t, out.String(), line)
	}
	found, err := engines.Read(t.Context(), p, nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Empty(t, found[0].Void)
	require.Equal(t, []string{"utf8mb4_bin"}, found[0].Collations)

	// what does not hold any more takes the proof away
	out.Reset()
	c.json = true
	err = c.prove(t.Context(), p, nil, "mysql", inMemory("staff"))
	require.ErrorIs(t, err, setup.ErrSource)
	require.Equal(t, 3, setup.ExitCode(err))
	require.ErrorContains(t, err, "do not hold on MySQL 8.4: no proof was left")
	var said trialLines
	require.NoError(t, json.Unmarshal(out.Bytes(), &said))
	require.False(t, said.Proof)
	require.Equal(t, len(said.Results), said.Held+said.Failed)
	require.Positive(t, said.Held)
	require.Positive(t, said.Failed)
	found, err = engines.Read(t.Context(), p, nil)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestAStoppedSuiteLeavesTheProofAsItWas(t *testing.T) {
	p := company(t)
	var out bytes.Buffer
	c := &Command{Out: &out, Err: &out, Now: time.Now}
	require.NoError(t, c.prove(t.Context(), p, nil, "mysql", inMemory("")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.prove(ctx, p, nil, "mysql", inMemory("staff")), context.Canceled)
	found, err := engines.Read(t.Context(), p, nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
}
