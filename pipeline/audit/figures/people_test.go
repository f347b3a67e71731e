package figures

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

// TestWhoseRowsNameNobody has no people to count: of such silos alone nobody says that they are 0, and others are summed
// without them.
func TestWhoseRowsNameNobody(t *testing.T) {
	log := audit.Silo{Silo: "log", Nameless: true, Rows: 9, Waiting: 2, ReadOn: "2026-11-20"}
	club := audit.Silo{Silo: "club", People: 7, PeopleWithoutGround: 2, ErasedPeople: 1, Rows: 8, ReadOn: "2026-11-20"}
	for name, c := range map[string]struct {
		silos []audit.Silo
		want  [4]int64
	}{
		"alone":                          {[]audit.Silo{log}, [4]int64{-1, -1, -1, 9}},
		"two of them":                    {[]audit.Silo{log, log}, [4]int64{-1, -1, -1, 18}},
		"beside another":                 {[]audit.Silo{log, club}, [4]int64{7, 2, 1, 17}},
		"after another":                  {[]audit.Silo{club, log}, [4]int64{7, 2, 1, 17}},
		"without one":                    {[]audit.Silo{club}, [4]int64{7, 2, 1, 8}},
		"a silo of which nobody is left": {[]audit.Silo{{Silo: "a", Rows: 1, ReadOn: "2026-11-20"}}, [4]int64{0, 0, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			n := Night(audit.Facts{Silos: c.silos}, nil, "2026-11-20")
			require.Equal(t, c.want, [4]int64{n.People, n.PeopleUnground, n.ErasedPeople, n.Rows})
		})
	}
}
