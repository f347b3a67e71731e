package duties

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// TestAHoldIsWhatPeopleSigned holds rows of the registry against what was signed.
func TestAHoldIsWhatPeopleSigned(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	p := &setup.Setup{People: answers.People{}, Now: func() time.Time { return now }}
	signers := map[string]*keystore.Signer{}
	for _, name := range []string{"anna", "bo", "eve"} {
		file := filepath.Join(t.TempDir(), name)
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		signers[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
		key, err := keystore.ParsePublic(public)
		require.NoError(t, err)
		if name != "eve" { // whom nobody knows
			p.People[name] = setup.Person{Key: key}
		}
	}
	placed := cases.Hold{ID: "h", CaseRef: "7", PlacedBy: "anna", PlacedAt: now, ReviewBy: now.AddDate(1, 0, 0)}
	approved, released, other := placed, placed, placed
	approved.ApprovedBy, released.ReleasedAt, other.CaseRef = "bo", now, "8"
	const place, approve, release = answers.HoldPlace, answers.HoldApprove, answers.HoldRelease
	type said struct {
		act answers.Act
		who string
	}
	for name, test := range map[string]struct {
		said []said
		is   cases.Hold
		want string
	}{
		"placed":                       {[]said{{place, "anna"}}, placed, ""},
		"placed by nobody":             {nil, placed, "nobody whose key counts"},
		"placed by a stranger":         {[]said{{place, "eve"}}, placed, "nobody whose key counts"},
		"another case":                 {[]said{{place, "anna"}}, other, "nobody whose key counts"},
		"approved":                     {[]said{{place, "anna"}, {approve, "bo"}}, approved, ""},
		"approved by who placed it":    {[]said{{place, "anna"}, {approve, "anna"}}, approved, "no second person"},
		"approved by nobody":           {[]said{{place, "anna"}}, approved, "no second person"},
		"released":                     {[]said{{place, "anna"}, {release, "anna"}, {release, "bo"}}, released, ""},
		"released by one":              {[]said{{place, "anna"}, {release, "bo"}}, released, "two people did not sign"},
		"released by one twice":        {[]said{{place, "anna"}, {release, "bo"}, {release, "bo"}}, released, "two people did not"},
		"released, and in force again": {[]said{{place, "anna"}, {release, "anna"}, {release, "bo"}}, placed, "two people released it"},
		"released of before signing":   {nil, released, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, bodies := answers.Chain{}, answers.Copy{}
			for _, s := range test.said {
				signed, err := c.Next(answers.Answer{Act: s.act, About: aboutHold("club", "h"),
					Digest: holdDigest("club", placed), Actor: s.who}, signers[s.who], now)
				require.NoError(t, err)
				bodies[signed.Answer.Seq] = signed.Bytes()
				c, _, err = answers.Merge(bodies)
				require.NoError(t, err)
			}
			got := unlike(c, p, "club", test.is)
			if test.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, test.want)
			}
			placedOnly := len(test.said) > 0 && test.said[len(test.said)-1].act != release
			require.Equal(t, placedOnly, len(gone(c, "club", nil)) == 1, "the registry lost it")
			require.Empty(t, gone(c, "club", []cases.Hold{test.is}))
		})
	}
}
