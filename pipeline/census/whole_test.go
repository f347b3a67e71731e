package census

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy/calendar"
)

// Backups into which nobody can look have whoever was erased since, as counted one by one.
func TestWhoIsInBackupsThatNobodyCanRead(t *testing.T) {
	type erasure struct {
		who Person
		at  int
	}
	hour := func(n int) time.Time { return time.Unix(int64(n)*3600, 0) }
	rapid.Check(t, func(t *rapid.T) {
		taken := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 5).Draw(t, "taken")
		ends := rapid.SliceOfN(rapid.IntRange(0, 4), len(taken), len(taken)).Draw(t, "ends")
		erased := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) erasure {
			return erasure{someone.Draw(t, "who"), rapid.IntRange(0, 9).Draw(t, "at")}
		}), 0, 12).Draw(t, "erased")
		tonight := rapid.SliceOfNDistinct(someone, 0, 3, rapid.ID).Draw(t, "tonight")
		read := rapid.SliceOfNDistinct(someone, 0, 3, rapid.ID).Draw(t, "copies that were read")

		n := New(20000)
		n.Table("s", "crm", "people", false)
		var copies []Whole
		goes := map[string]calendar.Date{"dump": 20002}
		for i, at := range taken {
			name := fmt.Sprintf("vm-%d", i)
			copies = append(copies, Whole{name, hour(at)})
			if ends[i] > 0 {
				goes[name] = calendar.Date(20000 + ends[i])
			}
		}
		n.KeptWhole("s", "crm", copies, func(yield func(Person, time.Time) bool) {
			for _, e := range erased {
				if !yield(e.who, hour(e.at)) {
					return
				}
			}
		})
		dump := n.Table("s", "dump", "people", true)
		for _, p := range read {
			dump.Add(Row{Person: p, Ground: Due, Erased: true})
		}
		for _, p := range tonight {
			n.Ended("s", "crm", p, Deleted)
		}

		in := map[string]map[Person]bool{}
		put := func(source string, p Person) {
			if p != 0 {
				if in[source] == nil {
					in[source] = map[Person]bool{}
				}
				in[source][p] = true
			}
		}
		for _, p := range read {
			put("dump", p)
		}
		for i, at := range taken {
			for _, e := range erased {
				if at < e.at {
					put(copies[i].Source, e.who)
				}
			}
			for _, p := range tonight {
				put(copies[i].Source, p)
			}
		}
		want := Copies{InFile: map[string]int64{}, Last: map[string]int64{}}
		last := map[Person]string{}
		for source, people := range in {
			want.InFile[source] = int64(len(people))
			for p := range people {
				if was, ok := last[p]; !ok || later(goes[source], source, goes[was], was) {
					last[p] = source
				}
			}
		}
		open := false
		for _, source := range last {
			want.Last[source]++
			want.LastCopy = max(want.LastCopy, goes[source])
			open = open || !goes[source].Known()
		}
		want.People = int64(len(last))
		if open {
			want.LastCopy = 0
		}
		got := n.CopiesOf("s", func(source string) calendar.Date { return goes[source] })
		maps.DeleteFunc(got.InFile, func(_ string, people int64) bool { return people == 0 })
		require.Equal(t, want, got)
	})
}
