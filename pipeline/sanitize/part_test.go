package sanitize_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/sanitize"
	"lethe/pipeline/sanitize/maker"
	"lethe/pipeline/sanitize/part"
)

// row names a row: its table and its key.
type row struct {
	table int
	id    string
}

// world is a database of random tables whose rows refer to each other. Table 0 has people.
type world struct {
	tables   int
	parents  [][]int         // tables that a table refers to, by field
	rows     [][]string      // the keys of the rows, or numbers where there is none
	refers   map[row][]row   // what a row refers to; of a field that is NULL the table is -1
	empties  map[[2]int]bool // of a table and one of its fields: ON DELETE SET NULL
	personal map[int]bool    // tables with something personal
}

func invent(r *rand.Rand) *world {
	w := &world{tables: 2 + r.IntN(6), refers: map[row][]row{}, empties: map[[2]int]bool{}, personal: map[int]bool{0: true}}
	for t := range w.tables {
		var parents []int
		for range r.IntN(3) {
			w.empties[[2]int{t, len(parents)}] = r.IntN(3) == 0
			parents = append(parents, r.IntN(w.tables))
		}
		w.parents = append(w.parents, parents)
		var ids []string
		for i := range r.IntN(30) {
			ids = append(ids, fmt.Sprintf("k%d_%d", t, i))
		}
		w.rows = append(w.rows, ids)
		w.personal[t] = t == 0 || r.IntN(4) == 0
	}
	for t, ids := range w.rows {
		for _, id := range ids {
			for _, parent := range w.parents[t] {
				to := row{table: -1}
				if n := len(w.rows[parent]); n > 0 && r.IntN(5) > 0 {
					to = row{parent, w.rows[parent][r.IntN(n)]}
				}
				w.refers[row{t, id}] = append(w.refers[row{t, id}], to)
			}
		}
	}
	return w
}

// statements are those of a dump. References are written in capitals here and there: the collation takes them for alike.
func (w *world) statements(r *rand.Rand) string {
	var b strings.Builder
	for t, ids := range w.rows {
		fmt.Fprintf(&b, "CREATE TABLE `t%d` (`id` varchar(20) NOT NULL, `email` varchar(60)", t)
		for i := range w.parents[t] {
			fmt.Fprintf(&b, ", `ref%d` varchar(20)", i)
		}
		b.WriteString(", PRIMARY KEY (`id`)")
		for i, parent := range w.parents[t] {
			fmt.Fprintf(&b, ", CONSTRAINT `fk%d_%d` FOREIGN KEY (`ref%d`) REFERENCES `t%d` (`id`)", t, i, i, parent)
			if w.empties[[2]int{t, i}] {
				b.WriteString(" ON DELETE SET NULL")
			}
		}
		b.WriteString(");\n")
		for _, id := range ids {
			email := "NULL"
			if w.personal[t] {
				email = "'ada.rossi." + id + "@example.org'"
			}
			fmt.Fprintf(&b, "INSERT INTO `t%d` VALUES ('%s',%s", t, id, email)
			for _, to := range w.refers[row{t, id}] {
				switch {
				case to.table < 0:
					b.WriteString(",NULL")
				case r.IntN(4) == 0:
					fmt.Fprintf(&b, ",'%s'", strings.ToUpper(to.id))
				default:
					fmt.Fprintf(&b, ",'%s'", to.id)
				}
			}
			b.WriteString(");\n")
		}
	}
	return b.String()
}

// rules say of each field what it is, so that nothing is found out.
func (w *world) rules() sanitize.Rules {
	fields := map[string]sanitize.Rule{}
	for t, parents := range w.parents {
		key := sanitize.Rule{Do: maker.Keep, Because: "a key"}
		fields[fmt.Sprintf("t%d.id", t)] = key
		for i := range parents {
			fields[fmt.Sprintf("t%d.ref%d", t, i)] = key
		}
		fields[fmt.Sprintf("t%d.email", t)] = key
		if w.personal[t] {
			fields[fmt.Sprintf("t%d.email", t)] = sanitize.Rule{Do: maker.Email}
		}
	}
	return sanitize.Rules{Fields: fields}
}

// closed grows a set of rows until nothing is missing that step says of it.
func (w *world) closed(set map[row]bool, step func(from row, to row) (row, bool)) {
	for grown := true; grown; {
		grown = false
		for from, list := range w.refers {
			for _, to := range list {
				if to.table < 0 {
					continue
				}
				if r, ok := step(from, to); ok && !set[r] {
					set[r], grown = true, true
				}
			}
		}
	}
}

// want is what a copy with these people is to have.
func (w *world) want(people []string) map[row]bool {
	set := map[row]bool{}
	for _, id := range people {
		set[row{0, id}] = true
	}
	w.closed(set, func(from, to row) (row, bool) { return from, set[to] })
	hangs := map[int]bool{0: true}
	for range w.tables {
		for t, parents := range w.parents {
			hangs[t] = hangs[t] || slices.ContainsFunc(parents, func(p int) bool { return hangs[p] })
		}
	}
	for t, ids := range w.rows {
		referred := false
		for child, parents := range w.parents {
			referred = referred || child != t && slices.Contains(parents, t)
		}
		for _, id := range ids {
			if !hangs[t] && !(w.personal[t] && referred) {
				set[row{t, id}] = true
			}
		}
	}
	w.closed(set, func(from, to row) (row, bool) { return to, set[from] })
	return set
}

func TestAPartIsClosed(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := invent(r)
		j := job(t, w.statements(r))
		j.Rules = w.rules()
		j.Less = part.Less{People: 1 + r.IntN(6), Of: "t0", Seed: fmt.Sprint(seed)}
		report, err := sanitize.Run(t.Context(), j)
		require.NoError(t, err, "seed %d", seed)
		got := w.got(t, j)
		var people []string
		for at := range got {
			if at.table == 0 {
				people = append(people, at.id)
			}
		}
		if len(w.rows[0]) > 0 {
			require.NotEmpty(t, people, "seed %d", seed)
		}
		// Which people were drawn is not known here: some set of them gives what is there.
		drawn := slices.DeleteFunc(slices.Clone(people), func(id string) bool {
			return !w.whole(got, id)
		})
		found := false
		for _, some := range subsets(drawn, min(j.Less.People, len(w.rows[0]))) {
			if want := w.want(some); maps.Equal(want, got) {
				found = true
				break
			}
		}
		require.True(t, found, "seed %d: no %d people explain what the copy has", seed, j.Less.People)
		for _, p := range report.Parts {
			n := int64(0)
			for at := range got {
				if fmt.Sprintf("t%d", at.table) == p.Table {
					n++
				}
			}
			require.Equal(t, n, p.Kept, "seed %d: %s", seed, p.Table)
		}
	}
}

// Who is left out is not there, nor what refers to them, unless the database would empty the reference.
func TestWhoIsLeftOut(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := invent(r)
		j := job(t, w.statements(r))
		j.Rules = w.rules()
		out, names := map[row]bool{}, map[string]map[connectors.Key]bool{}
		for table, ids := range w.rows {
			for _, id := range ids {
				if table < 2 && r.IntN(6) == 0 {
					name := fmt.Sprintf("t%d", table)
					if names[name] == nil {
						names[name] = map[connectors.Key]bool{}
					}
					out[row{table, id}], names[name][connectors.MakeKey([]byte(id))] = true, true
				}
			}
		}
		j.Less = part.Less{Out: names}
		if seed%3 == 0 {
			j.Less.People, j.Less.Of = 4, "t0"
		}
		_, err := sanitize.Run(t.Context(), j)
		require.NoError(t, err, "seed %d", seed)
		for grown := true; grown; {
			grown = false
			for from, list := range w.refers {
				for i, to := range list {
					if to.table >= 0 && out[to] && !out[from] && !w.empties[[2]int{from.table, i}] {
						out[from], grown = true, true
					}
				}
			}
		}
		got := w.got(t, j)
		n := 0
		for table, ids := range w.rows {
			copied := rows(t, j, j.To, fmt.Sprintf("t%d", table))
			for _, id := range ids {
				at := row{table, id}
				if got[at] {
					n++
				}
				require.False(t, got[at] && out[at], "seed %d: %v", seed, at)
				require.True(t, got[at] || out[at] || j.Less.People > 0, "seed %d: %v", seed, at)
				place := slices.Index(copied["id"], id)
				for i, to := range w.refers[at] {
					if place < 0 {
						continue
					}
					want := "NULL"
					if to.table >= 0 && !out[to] {
						want = to.id
						require.True(t, got[to], "seed %d: %v refers to %v", seed, at, to)
					}
					require.Equal(t, want, strings.Replace(copied[fmt.Sprintf("ref%d", i)][place], "K", "k", 1), "seed %d", seed)
				}
			}
		}
		require.Len(t, got, n, "seed %d", seed)
	}
}

func TestAShareIsClosed(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := invent(r)
		statements := w.statements(r)
		var before map[row]bool
		for _, share := range []float64{0.05, 0.3, 1} {
			j := job(t, statements)
			j.Rules = w.rules()
			j.Less = part.Less{Share: share}
			_, err := sanitize.Run(t.Context(), j)
			require.NoError(t, err, "seed %d", seed)
			got := w.got(t, j)
			all := map[row]bool{}
			for at := range got {
				all[at] = true
			}
			w.closed(all, func(from, to row) (row, bool) { return to, all[from] })
			require.Equal(t, all, got, "seed %d: a row refers to one that is not there", seed)
			for at := range before { // a larger share has what a smaller one of the same seed has
				require.True(t, got[at], "seed %d", seed)
			}
			before = got
			require.NoError(t, os.Remove(j.To))
		}
		n := 0
		for _, ids := range w.rows {
			n += len(ids)
		}
		require.Len(t, before, n)
	}
}

func TestTheSameSeedGivesTheSamePart(t *testing.T) {
	w := invent(rand.New(rand.NewPCG(7, 7)))
	for len(w.rows[0]) < 10 {
		w.rows[0] = append(w.rows[0], fmt.Sprintf("k0_x%d", len(w.rows[0])))
	}
	copyOf := func(seed string) map[row]bool {
		j := job(t, w.statements(rand.New(rand.NewPCG(1, 1))))
		j.Rules = w.rules()
		j.Less = part.Less{People: 3, Of: "t0", Seed: seed}
		_, err := sanitize.Run(t.Context(), j)
		require.NoError(t, err)
		return w.got(t, j)
	}
	first := copyOf("a")
	require.Equal(t, first, copyOf("a"))
	others := false
	for _, seed := range []string{"b", "c", "d", "e"} {
		others = others || !maps.Equal(first, copyOf(seed))
	}
	require.True(t, others)
}

// got is what a copy has.
func (w *world) got(t *testing.T, j sanitize.Job) map[row]bool {
	got := map[row]bool{}
	for table := range w.tables {
		for _, id := range rows(t, j, j.To, fmt.Sprintf("t%d", table))["id"] {
			got[row{table, id}] = true
		}
	}
	return got
}

// whole reports whether all that refers to somebody is there.
func (w *world) whole(got map[row]bool, id string) bool {
	for from, list := range w.refers {
		if slices.Contains(list, row{0, id}) && !got[from] {
			return false
		}
	}
	return true
}

func subsets(of []string, n int) (all [][]string) {
	if n == 0 {
		return [][]string{nil}
	}
	for i, first := range of {
		for _, rest := range subsets(of[i+1:], n-1) {
			all = append(all, append([]string{first}, rest...))
		}
	}
	return all
}
