package registry

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/identifier"
)

// attack is what somebody finds who has the file of the registry and no keys, and knows that two silos have the same
// people: of each silo the collections in an order that the file gives them. What they guess is that the first is the
// first, and so on.
type attack struct {
	name, order string // and by what the collections are sorted
}

var attacks = []attack{
	{"by number", `SELECT DISTINCT collection, collection FROM event_payload WHERE silo = ? AND collection > 0`},
	{"by the first event", `SELECT collection, MIN(seq) FROM event_payload WHERE silo = ? AND collection > 0
		GROUP BY collection`},
	{"by the last event", `SELECT collection, MAX(seq) FROM event_payload WHERE silo = ? AND collection > 0
		GROUP BY collection`},
	{"by when it was recorded", `SELECT p.collection, MIN(e.recorded_at * 1000000 + e.seq) FROM event_payload p JOIN event e
		ON e.silo = p.silo AND e.seq = p.seq WHERE p.silo = ? AND p.collection > 0 GROUP BY p.collection`},
	{"by how many events", `SELECT collection, COUNT(*) FROM event_payload WHERE silo = ? AND collection > 0
		GROUP BY collection`},
	{"by how many identifiers", `SELECT collection, COUNT(*) FROM subject_alias WHERE silo = ? GROUP BY collection`},
	{"by the order of references", `SELECT collection, MIN(rank) FROM (SELECT collection, ROW_NUMBER() OVER
		(ORDER BY alias_ref) AS rank FROM subject_alias WHERE silo = ?) GROUP BY collection`},
}

// joined is how well a guess joins two silos: how many people are matched, the rank correlation, and the longest
// sequence of people that stands in both in the same order.
type joined struct {
	matched, longest int
	correlation      float64
}

// join carries out an attack on two silos whose people are known to the judge only.
func (f *fixture) join(a attack, silos [2]string, people []string) joined {
	f.t.Helper()
	var ranks [2][]int // by person
	db := f.raw()
	for i, silo := range silos {
		s, err := f.r.store.FindSilo(f.t.Context(), f.r.store.Handle, silo)
		require.NoError(f.t, err)
		type guess struct {
			collection int64
			key        float64
		}
		var order []guess
		rows, err := db.Query(a.order, s.ID)
		require.NoError(f.t, err)
		for rows.Next() {
			var g guess
			require.NoError(f.t, rows.Scan(&g.collection, &g.key))
			order = append(order, g)
		}
		require.NoError(f.t, rows.Close())
		rand.New(rand.NewPCG(7, uint64(i))).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		slices.SortStableFunc(order, func(a, b guess) int { return int(math.Copysign(1, a.key-b.key)) * b2i(a.key != b.key) })
		rank := map[int64]int{}
		for n, g := range order {
			rank[g.collection] = n
		}
		for _, person := range people {
			ref := f.ref(silo, identifier.Email, person)
			var collection int64
			require.NoError(f.t, db.QueryRow(`SELECT collection FROM subject_alias WHERE silo = ? AND alias_ref = ?`, s.ID,
				ref[:]).Scan(&collection))
			ranks[i] = append(ranks[i], rank[collection])
		}
	}
	n := len(people)
	var j joined
	var squares float64
	in := make([]int, n) // the rank in the second silo, by the rank in the first
	for p := range people {
		d := ranks[0][p] - ranks[1][p]
		squares += float64(d) * float64(d)
		if d == 0 {
			j.matched++
		}
		in[ranks[0][p]] = ranks[1][p]
	}
	j.correlation = 1 - 6*squares/(float64(n)*(float64(n)*float64(n)-1)) // Spearman
	var tails []int                                                      // patience sorting
	for _, r := range in {
		at, _ := slices.BinarySearch(tails, r)
		if at == len(tails) {
			tails = append(tails, r)
		} else {
			tails[at] = r
		}
	}
	j.longest = len(tails)
	return j
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestSilosCannotBeJoined delivers the same people to two silos in the same order, and plays who has the file and not
// the keys. As the events come, the first guess joins everybody; as they are recorded, no guess is better than chance:
// one person is matched on average (Poisson), the rank correlation is 0 with a deviation of 1/sqrt(n), and the longest
// common sequence is 2 sqrt(n) long (Logan and Shepp, Vershik and Kerov 1977).
func TestSilosCannotBeJoined(t *testing.T) {
	const n = 1500
	people := make([]string, n)
	for i := range people {
		people[i] = fmt.Sprintf("person%d@example.org", i)
	}
	deliver := func(f *fixture, order int, silo string, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 2))
		var text strings.Builder
		text.WriteString("email,phone,type,purpose,occurred_at,notice,evidence,id\n")
		for i, p := range people {
			phone := ""
			if r.IntN(2) == 0 {
				phone = fmt.Sprintf("+39333%07d", i)
			}
			at := noon.AddDate(0, 0, -r.IntN(600)).Format("2006-01-02")
			fmt.Fprintf(&text, "%s,%s,given,news,%s,n,p,a%d\n", p, phone, at, i)
			for k := range r.IntN(3) {
				fmt.Fprintf(&text, "%s,%s,renewed,news,%s,n,p,b%d-%d\n", p, phone, at, i, k)
			}
		}
		report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key(silo), Reader: strings.NewReader(text.String()),
			Format: delivery.CSV, Source: "crm", BatchRows: 400})
		require.NoError(t, err)
		require.Zero(t, report.Refused)
	}
	for name, shuffled := range map[string]bool{"recorded as they came": false, "shuffled": true} {
		t.Run(name, func(t *testing.T) {
			f := newSQLite(t)
			if shuffled {
				f.r = f.open(Config{AllowEmpty: true, Shuffle: rand.New(rand.NewPCG(3, 4)).Shuffle})
			}
			deliver(f, 1, "newsletter", 1)
			deliver(f, 2, "contact", 2)
			found := 0
			for _, a := range attacks {
				j := f.join(a, [2]string{"newsletter", "contact"}, people)
				good := j.matched > 8 || math.Abs(j.correlation) > 5/math.Sqrt(n) || float64(j.longest) > 2.5*math.Sqrt(n)
				if good {
					found++
					require.False(t, shuffled, "%s joins the silos: %+v", a.name, j)
				}
			}
			if !shuffled {
				require.GreaterOrEqual(t, found, 3, "the attacks find what there is to find")
			}
		})
	}
}
