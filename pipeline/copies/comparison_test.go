package copies

import (
	"context"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// people is the application's table: what the copy should say of a row is written in the row, a letter
// for each of granted: a allowed, e allowed until an instant, b blocked, u unknown, and - for nothing.
var people = connectors.Table{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{
	{Name: "id", Kind: connectors.Text, Length: 8}, {Name: "says", Kind: connectors.Text, Length: 8},
}}

// granted is what the copy speaks of, by silo and purpose.
var granted = [][2]string{{"news", "letters"}, {"news", "polls"}, {"shop", "orders"}}

const untilThen = "2026-12-24 18:00:00"

// said is what the copy should hold of a batch of people.
func said(b connectors.Batch) (rows []copyRow) {
	says := b.Rows.Column(1).(*array.Binary)
	for row := range int(b.Rows.NumRows()) {
		record, _ := connectors.KeyOf(b.Rows, []int{0}, row)
		for i, g := range granted {
			r := copyRow{record: record, silo: g[0], purpose: g[1]}
			switch says.Value(row)[i] {
			case '-':
				continue
			case 'a':
				r.status = copyAllowed
			case 'e':
				r.status, r.until = copyAllowed, untilThen
			case 'b':
				r.status = copyBlocked
			case 'u':
				r.status = copyUnknown
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// cells are the rows of a copy's table.
type cells []mem.Row

// twoSilos are the judges of the two silos, which have keys and nothing else.
func twoSilos(t *testing.T) map[string][]*judge.Judge {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id.age"))
	require.NoError(t, err)
	judges := map[string][]*judge.Judge{}
	for _, silo := range []string{"news", "shop"} {
		require.NoError(t, keys.EnsureSilo(silo))
		key, err := keys.SiloKey(silo)
		require.NoError(t, err)
		judges[silo] = []*judge.Judge{{Binding: &judge.Binding{Match: key}}}
	}
	return judges
}

// ordered is a source that reads its people in an order of its own. The copy's is the key's: only a
// server knows how it orders text, so the two need not agree.
type ordered struct {
	*mem.Store
	people []mem.Row
}

// Scan reads the people in their order, and all else as the store does.
func (s ordered) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	q := queries[0]
	if q.Table != "people" || q.Keys != nil {
		return s.Store.Scan(ctx, queries...)
	}
	return func(yield func(connectors.Batch, error) bool) {
		at, _ := strconv.Atoi(string(q.After))
		for at < len(s.people) {
			page := s.people[at:min(at+q.MaxRows, len(s.people))]
			at += len(page)
			b, err := connectors.NewBuilder(people, nil)
			fill(b, page)
			if !yield(b.Batch(connectors.Cursor(strconv.Itoa(at))), err) {
				return
			}
		}
	}
}

// fill adds rows to a batch; nil is NULL.
func fill(b *connectors.Builder, rows []mem.Row) {
	for _, row := range rows {
		for i, v := range row {
			if v == nil {
				b.AppendNull(i)
			} else {
				b.Append(i, []byte(v.(string)))
			}
		}
		b.EndRow()
	}
}

// delivery is a comparison of an application's people with a copy that holds these rows, on a day.
func delivery(t require.TestingT, judges map[string][]*judge.Judge, page int, day calendar.Date,
	application map[string]string, order []string, copied cells) *comparison {
	source := ordered{}
	for _, id := range order {
		source.people = append(source.people, mem.Row{id, application[id]})
	}
	source.Store = mem.New("crm", mem.Table{Def: people, Rows: slices.SortedFunc(slices.Values(source.people), byID)})
	table, err := source.EnsureCopy(context.Background(), connectors.Copy{Name: "lethe_app_people", Of: people,
		Fields: stores.CopyFields, Key: []string{"silo", "purpose"}})
	require.NoError(t, err)
	batch, err := connectors.NewBuilder(table, nil)
	require.NoError(t, err)
	fill(batch, copied)
	require.NoError(t, source.WriteCopy(context.Background(), table, batch.Batch("").Rows, nil))

	k := newKeeping(&Keeper{Setup: &setup.Setup{Crash: func(string) {}}, Tonight: setup.Tonight{Today: day}},
		setup.Grant{Target: "app", Page: page, Table: true}, stores.NewStore(setup.Source{Name: "crm"}), "people")
	k.of, k.key, k.judges, k.silos = people, []int{0}, judges, slices.Sorted(maps.Keys(judges))
	k.store.Conn, k.keeper = source, source
	for silo := range judges {
		k.lines[silo] = &audit.ConsentSync{Silo: silo}
		k.found[silo], k.wanted[silo] = &holding{}, &holding{}
	}
	require.NoError(t, k.opened(table))
	c := newComparison(k)
	c.should = func(b connectors.Batch) []copyRow {
		require.Less(t, len(c.ahead), (pagesAhead+1)*page, "rows read ahead, whatever the copy's size")
		return said(b)
	}
	return c
}

func byID(a, b mem.Row) int { return strings.Compare(a[0].(string), b[0].(string)) }

// holds are the rows of the copy now.
func (c *comparison) holds(t require.TestingT) (rows cells) {
	for b, err := range c.store.Conn.Scan(context.Background(), connectors.Query{Table: c.table.Name}) {
		require.NoError(t, err)
		for row := range int(b.Rows.NumRows()) {
			var cell mem.Row
			for i := range int(b.Rows.NumCols()) {
				if col := b.Rows.Column(i).(*array.Binary); col.IsNull(row) {
					cell = append(cell, nil)
				} else {
					cell = append(cell, string(col.Value(row)))
				}
			}
			rows = append(rows, cell)
		}
	}
	return rows
}

// content is what a copy says, by record, silo and purpose, with the day since which it says it.
func content(rows cells) map[[3]string][3]string {
	says := map[[3]string][3]string{}
	for _, r := range rows {
		until, _ := r[4].(string)
		says[[3]string{r[0].(string), r[1].(string), r[2].(string)}] = [3]string{r[3].(string), until, r[5].(string)}
	}
	return says
}

// wantedOf is what a copy of people should say, all of it since a day.
func wantedOf(application map[string]string, since string) map[[3]string][3]string {
	says := map[[3]string][3]string{}
	for id, letters := range application {
		for i, g := range granted {
			if status, ok := map[byte]string{'a': "allowed", 'e': "allowed", 'b': "blocked",
				'u': "unknown"}[letters[i]]; ok {
				until := ""
				if letters[i] == 'e' {
					until = untilThen
				}
				says[[3]string{id, g[0], g[1]}] = [3]string{status, until, since}
			}
		}
	}
	return says
}

// A copy ends equal to what the application's rows say, whatever somebody else did to it in
// between and however few rows are looked at together; what did not change keeps its day; and a
// second look finds nothing to do.
func TestCopyEndsAsItShouldBe(t *testing.T) {
	judges := twoSilos(t)
	first := calendar.DateOf(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.UTC)
	next := first + 1
	rapid.Check(t, func(t *rapid.T) {
		people := func(name string) map[string]string {
			least := rapid.SampledFrom([]int{0, 15, 30}).Draw(t, "least") // some outgrow what is read ahead
			return rapid.MapOfN(rapid.StringMatching(`[a-d]{1,2}|[0-9]|é`), rapid.StringMatching(`[aebu-]{3}`),
				least, 31).Draw(t, name)
		}
		was, is := people("was"), people("is")
		page := rapid.IntRange(1, 5)
		order := func(rows map[string]string) []string {
			return rapid.Permutation(slices.Sorted(maps.Keys(rows))).Draw(t, "order")
		}

		one := delivery(t, judges, page.Draw(t, "page"), first, was, order(was), nil)
		require.NoError(t, one.run(t.Context()))
		require.Equal(t, wantedOf(was, first.String()), content(one.holds(t)))

		// Somebody else takes rows out, alters some, and puts in their own.
		var meddled cells
		kept := map[[3]string]bool{}
		for _, r := range one.holds(t) {
			id := [3]string{r[0].(string), r[1].(string), r[2].(string)}
			switch rapid.SampledFrom([]string{"left", "left", "left", "removed", "status", "until", "seal"}).Draw(t,
				"meddling") {
			case "removed":
				continue
			case "status":
				r[3] = map[string]string{"allowed": "blocked", "blocked": "allowed",
					"unknown": "allowed"}[r[3].(string)]
			case "until":
				r[4] = "2039-01-01 00:00:00"
			case "seal":
				r[6] = "00000000000000000000000000000000"
			default:
				kept[id] = true
			}
			meddled = append(meddled, r)
		}
		there := content(meddled)
		for range rapid.IntRange(0, 8).Draw(t, "foreign") {
			id := [3]string{rapid.StringMatching(`[a-f]{1,2}`).Draw(t, "record"), rapid.SampledFrom([]string{"news",
				"shop", "other"}).Draw(t, "silo"), "letters"}
			if _, taken := there[id]; taken {
				continue
			}
			there[id] = [3]string{}
			meddled = append(meddled, mem.Row{id[0], id[1], id[2], "allowed", nil, "2020-01-01",
				"11111111111111111111111111111111"})
		}

		two := delivery(t, judges, page.Draw(t, "page"), next, is, order(is), meddled)
		require.NoError(t, two.run(t.Context()))
		want := wantedOf(is, next.String())
		before := wantedOf(was, first.String())
		for id, says := range want {
			if old, known := before[id]; known && kept[id] && old[0] == says[0] && old[1] == says[1] {
				want[id] = old // since the first day
			}
		}
		require.Equal(t, want, content(two.holds(t)))

		// What it was found to hold is every row once, and what it holds is what a third look finds.
		require.EqualValues(t, len(meddled), two.found["news"].rows+two.found["shop"].rows)
		three := delivery(t, judges, page.Draw(t, "page"), next+1, is, order(is), two.holds(t))
		require.NoError(t, three.run(t.Context()))
		for silo, line := range three.lines {
			require.Zero(t, line.Changed)
			require.Equal(t, two.wanted[silo], three.found[silo])
			require.Zero(t, three.found[silo].unsound)
		}
		require.Equal(t, two.holds(t), three.holds(t))
	})
}

func TestDrift(t *testing.T) {
	sum := func(b byte) [16]byte { return [16]byte{b} }
	tests := map[string]struct {
		was                       registry.Delivery
		clean                     bool
		files                     bool // no table is kept
		found                     holding
		missing, extra, different int64
	}{
		"as it was left": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true,
			found: holding{rows: 5, digest: sum(7)}},
		"two rows are missing": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true,
			found: holding{rows: 3, digest: sum(1)}, missing: 2},
		"one was added": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true,
			found: holding{rows: 6, unsound: 1, foreign: 1, digest: sum(7)}, extra: 1},
		"one was added, one gone": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true,
			found: holding{rows: 5, unsound: 1, foreign: 1, digest: sum(1)}, missing: 1, extra: 1},
		"one was altered": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true,
			found: holding{rows: 5, unsound: 1, digest: sum(1)}, different: 1},
		"an old row is back": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true,
			found: holding{rows: 5, digest: sum(1)}, different: 1},
		"after a broken delivery": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, found: holding{rows: 3,
			unsound: 1, digest: sum(1)}, different: 1},
		"files have nothing to tell": {was: registry.Delivery{Rows: 5, Digest: sum(7)}, clean: true, files: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			k := &keeping{Keeper: &Keeper{}, Grant: setup.Grant{Table: !tt.files},
				was: map[string]registry.Delivery{"news": tt.was}, clean: map[string]bool{"news": tt.clean},
				found: map[string]*holding{"news": &tt.found}, wanted: map[string]*holding{"news": {}}}
			line := &audit.ConsentSync{Silo: "news"}
			k.drift(line)
			require.Equal(t, [3]int64{tt.missing, tt.extra, tt.different}, [3]int64{line.DriftMissing,
				line.DriftExtra, line.DriftDifferent})
		})
	}
}
