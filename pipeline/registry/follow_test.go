package registry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// TestFollowersReadWhatTheJoinReads records histories in which the events of people are spread over the
// log, with and without evidence, forgets some of them, and compares the rows that the followers put
// together with those of the join.
func TestFollowersReadWhatTheJoinReads(t *testing.T) {
	silos := 0
	f := newSQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		silos++
		silo := fmt.Sprint("silo", silos)
		var text strings.Builder
		text.WriteString("id," + header1)
		for i, person := range rapid.SliceOfN(rapid.IntRange(0, 200), 1, 300).Draw(rt, "people") {
			typ := rapid.SampledFrom([]string{"given,news,%s,,n3,proof", "given,news,%s,,n3,", "withdrawn,news,%s,,,",
				"objected,,%s,,,"}).Draw(rt, "type")
			at := noon.AddDate(-3, 0, i).Format("2006-01-02")
			fmt.Fprintf(&text, "%d,p%d@b.it,%s\n", i, person, fmt.Sprintf(typ, at))
		}
		f.importCSV(silo, text.String())
		if rapid.Bool().Draw(rt, "forget") {
			_, err := f.r.ForgetEnded(t.Context(), silo, noon, oneYear)
			require.NoError(rt, err)
		}
		tx, err := f.r.store.Begin(t.Context(), true)
		require.NoError(rt, err)
		defer tx.End()
		s, err := f.r.store.FindSilo(t.Context(), tx.Handle, silo)
		require.NoError(rt, err)
		read := func(list *[]string) func(database.Row) error {
			return func(row database.Row) error {
				line := ""
				for column := range 12 {
					switch column {
					case 2, 3, 11:
						line += string(bytes.Clone(row.ColumnRawText(column))) + "|"
					default:
						line += fmt.Sprint(row.ColumnInt64(column), row.Null(column) && column != 9, "|")
					}
				}
				*list = append(*list, line)
				return nil
			}
		}
		var joined, followed []string
		require.NoError(rt, tx.Each(t.Context(), tables.FactQuery+`WHERE p.silo = ? ORDER BY p.block, p.seq`,
			read(&joined), s.ID))
		require.NoError(rt, tables.AllFacts(t.Context(), tx, s.ID, read(&followed)))
		require.NotEmpty(rt, joined)
		require.Equal(rt, joined, followed)
	})
}
