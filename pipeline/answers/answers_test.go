package answers

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// signersOf makes the keys of people.
func signersOf(t *testing.T, names ...string) (map[string]*keystore.Signer, People) {
	t.Helper()
	signers, people := map[string]*keystore.Signer{}, People{}
	for _, name := range names {
		file := filepath.Join(t.TempDir(), name+".key")
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		signers[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
		key, err := keystore.ParsePublic(public)
		require.NoError(t, err)
		people[name] = Person{Key: key}
	}
	return signers, people
}

// say adds an answer to a chain.
func say(t require.TestingT, c *Chain, a Answer, by *keystore.Signer, at time.Time) Signed {
	s, err := c.Next(a, by, at)
	require.NoError(t, err)
	c.list = append(c.list, s)
	return s
}

// copyOf is a chain as it is kept.
func copyOf(c Chain) Copy {
	copied := Copy{}
	for _, s := range c.list {
		copied[s.Answer.Seq] = s.Bytes()
	}
	return copied
}

// chainOf is a chain of so many answers by two people.
func chainOf(t require.TestingT, signers map[string]*keystore.Signer, n int) Chain {
	var c Chain
	for i := range n {
		name := []string{"anna", "bo"}[i%2]
		say(t, &c, Answer{Act: Approve, About: AboutPlan(fmt.Sprint(i)), Digest: "d", Actor: name, Comment: "<ok>"},
			signers[name], noon.Add(time.Duration(i)*time.Second))
	}
	return c
}

// No single change of one copy goes unseen: alone it breaks the chain or leaves it short of what was seen, and beside
// the other copy nothing is lost by it.
func TestNoChangeOfACopyGoesUnseen(t *testing.T) {
	signers, _ := signersOf(t, "anna", "bo", "eve")
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(r, "answers")
		c := chainOf(r, signers, n)
		whole, altered := copyOf(c), copyOf(c)
		at := rapid.Int64Range(1, int64(n)).Draw(r, "at")
		switch kind := rapid.IntRange(0, 5).Draw(r, "kind"); kind {
		case 0:
			delete(altered, at)
		case 1: // cut off
			maps.DeleteFunc(altered, func(place int64, _ []byte) bool { return place >= at })
		case 2:
			body := bytes.Clone(altered[at])
			body[rapid.IntRange(0, len(body)-1).Draw(r, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(r, "bits"))
			altered[at] = body
		case 3: // an old answer, said again
			altered[at] = whole[rapid.Int64Range(1, int64(n)).Filter(func(i int64) bool { return i != at || n == 1 }).Draw(r, "old")]
			if n == 1 {
				delete(altered, at)
			}
		case 4: // somebody else says the same, in the name of who said it
			s := c.list[at-1]
			s.Answer.Key = signers["eve"].Public()
			s.Signature = signers["eve"].Sign(signContext, encode(s.Answer))
			altered[at] = s.Bytes()
			if at == int64(n) { // the last can be said by anybody with a key; it is not what was seen
				got, _, err := Merge(altered)
				require.NoError(r, err)
				_, err = got.Lacks(c.Head())
				require.ErrorIs(r, err, ErrBroken)
				_, _, err = Merge(altered, whole)
				require.ErrorContains(r, err, fmt.Sprintf("there are two answers %d", n))
				return
			}
		case 5: // left out, and the others moved up
			for i := at; i < int64(n); i++ {
				altered[i] = altered[i+1]
			}
			delete(altered, int64(n))
		}
		got, _, err := Merge(altered)
		if err == nil {
			_, err = got.Lacks(c.Head())
		}
		require.ErrorIs(r, err, ErrBroken)

		got, differ, err := Merge(altered, whole)
		require.NoError(r, err)
		require.Equal(r, c.Head(), got.Head())
		require.NotEmpty(r, differ)
	})
}

func TestAWholeChainHolds(t *testing.T) {
	signers, _ := signersOf(t, "anna", "bo")
	c := chainOf(t, signers, 5)
	got, differ, err := Merge(copyOf(c), copyOf(c))
	require.NoError(t, err)
	require.Empty(t, differ)
	require.Equal(t, c, got)
	for n := range 6 {
		two, err := c.Lacks(c.headAt(int64(n)))
		require.NoError(t, err)
		require.Empty(t, two)
	}
	got, _, err = Merge()
	require.NoError(t, err)
	require.Equal(t, Head{}, got.Head())
}

func TestAClockSetBackSignsNothing(t *testing.T) {
	signers, _ := signersOf(t, "anna")
	c := Chain{}
	say(t, &c, Answer{Act: Approve, Actor: "anna"}, signers["anna"], noon)
	_, err := c.Next(Answer{Act: Approve, Actor: "anna"}, signers["anna"], noon.Add(-time.Second))
	require.ErrorIs(t, err, ErrClock)
	require.ErrorContains(t, err, "answer 1 was signed at 2026-11-20T12:00:00Z: set the clock right")

	s, err := c.Next(Answer{Act: Approve, Actor: "anna"}, signers["anna"], noon)
	require.NoError(t, err)
	s.Answer.SignedAt = noon.Add(-time.Second) // as another program might
	s.Signature = signers["anna"].Sign(signContext, encode(s.Answer))
	copied := copyOf(c)
	copied[2] = s.Bytes()
	_, _, err = Merge(copied)
	require.ErrorIs(t, err, ErrBroken)
	require.ErrorContains(t, err, "answer 2 says that it was signed before the one before it")
}

func TestWhoseAnswersCount(t *testing.T) {
	signers, people := signersOf(t, "anna", "bo", "cleo", "dora", "emil")
	carl := people["bo"]
	carl.Roles = []string{"custodian"}
	people["bo"] = carl
	dora := people["dora"]
	dora.Roles = []string{"dpo"}
	people["dora"] = dora
	for name, c := range map[string]struct {
		alter func(*Chain)
		now   time.Time
		void  string
	}{
		"all":                 {func(*Chain) {}, noon, ""},
		"another digest":      {func(c *Chain) { c.list[0].Answer.Digest = "e" }, noon, "over another digest"},
		"somebody unknown":    {func(*Chain) { delete(people, "anna") }, noon, "not among people"},
		"another key":         {func(*Chain) { people["anna"] = people["cleo"] }, noon, "signed by another key"},
		"the key ends":        {func(*Chain) {}, noon.AddDate(1, 0, 0), "the key has ended"},
		"revoked by herself":  {func(c *Chain) { revoke(t, c, signers, "anna", "anna") }, noon, "the key was revoked"},
		"by a custodian":      {func(c *Chain) { revoke(t, c, signers, "bo", "anna") }, noon, ""},
		"by two":              {func(c *Chain) { revoke(t, c, signers, "bo dora", "anna") }, noon, "the key was revoked"},
		"by one twice":        {func(c *Chain) { revoke(t, c, signers, "bo bo", "anna") }, noon, ""},
		"by one and a nobody": {func(c *Chain) { revoke(t, c, signers, "bo emil", "anna") }, noon, ""},
		"revoked by a nobody": {func(c *Chain) { revoke(t, c, signers, "emil", "anna") }, noon, ""},
		"by a revoked one":    {func(c *Chain) { revoke(t, c, signers, "bo", "bo"); revoke(t, c, signers, "bo dora", "anna") }, noon, ""},
		"by one who is revoked since": {func(c *Chain) {
			revoke(t, c, signers, "bo", "anna")
			revoke(t, c, signers, "bo", "bo")
			revoke(t, c, signers, "dora", "anna")
		}, noon, ""},
		"by one and later by another": {func(c *Chain) {
			revoke(t, c, signers, "bo", "anna")
			revokeAt(t, c, signers, "dora", "anna", noon.AddDate(0, 0, 7))
		}, noon, "the key was revoked"},
		"by one and too late by another": {func(c *Chain) {
			revoke(t, c, signers, "bo", "anna")
			revokeAt(t, c, signers, "dora", "anna", noon.AddDate(0, 0, 7).Add(time.Second))
		}, noon, ""},
		"before a loss":        {func(c *Chain) { lost(t, c, signers, "anna", "bo") }, noon, "said before answers were lost"},
		"somebody else's plan": {func(c *Chain) { c.list[0].Answer.About = AboutPlan("q") }, noon, "none at all"},
	} {
		t.Run(name, func(t *testing.T) {
			anna := people["anna"]
			anna.Until = noon.AddDate(0, 6, 0)
			people["anna"] = anna
			defer func() { people["anna"] = anna }()
			var chain Chain
			say(t, &chain, Answer{Act: Approve, About: AboutPlan("p"), Digest: "d", Actor: "anna"}, signers["anna"], noon)
			c.alter(&chain)
			given, void := chain.Given(people, AboutPlan("p"), "d", c.now)
			switch c.void {
			case "":
				require.Len(t, given, 1)
				require.Empty(t, void)
			case "none at all":
				require.Empty(t, given)
				require.Empty(t, void)
			default:
				require.Empty(t, given)
				require.Len(t, void, 1)
				require.Contains(t, void[0], c.void)
			}
		})
	}
}

// revoke lets people, parted by spaces, sign that a key is revoked.
func revoke(t *testing.T, c *Chain, signers map[string]*keystore.Signer, by, whose string) {
	t.Helper()
	for name := range strings.FieldsSeq(by) {
		revokeAt(t, c, signers, name, whose, noon)
	}
}

func revokeAt(t *testing.T, c *Chain, signers map[string]*keystore.Signer, by, whose string, at time.Time) {
	t.Helper()
	say(t, c, Answer{Act: Revoke, About: AboutKey(signers[whose].Public()), Actor: by}, signers[by], at)
}

// Who wants a key revoked is said until the second signs, or a week is over; a company of one needs no second.
func TestARevocationWaitsForASecond(t *testing.T) {
	signers, people := signersOf(t, "anna", "bo", "dora")
	for name, role := range map[string]string{"bo": "custodian", "dora": "dpo"} {
		person := people[name]
		person.Roles = []string{role}
		people[name] = person
	}
	stood := func(Answer) People { return people }
	var c Chain
	key := signers["anna"].Public()
	revoke(t, &c, signers, "bo", "anna")
	r := c.Revocations(stood)[key]
	require.True(t, r.Pending(noon.AddDate(0, 0, 7)))
	require.False(t, r.Pending(noon.AddDate(0, 0, 8)))
	revoke(t, &c, signers, "dora", "anna")
	r = c.Revocations(stood)[key]
	require.True(t, r.Done)
	require.False(t, r.Pending(noon))
	require.Len(t, r.By, 2)

	bo := people["bo"]
	bo.Single = true
	people["bo"] = bo
	c = Chain{}
	revoke(t, &c, signers, "bo", "anna")
	require.True(t, c.Revoked(people, key))
}

// What people said of a plan before others let the nights begin anew is not said any more; what they said since is, and
// what they said of other things.
func TestNothingOfAPlanIsSaidBeforeTheNightsBeganAnew(t *testing.T) {
	signers, people := signersOf(t, "anna", "bo")
	var c Chain
	approve := func(name string) {
		say(t, &c, Answer{Act: Approve, About: AboutPlan("p"), Digest: "d", Actor: name}, signers[name], noon)
	}
	approve("anna")
	say(t, &c, Answer{Act: Rebuild, About: "state", Actor: "bo"}, signers["bo"], noon)
	approve("bo")
	given, void := c.GivenAnew(people, AboutPlan("p"), "d", noon)
	require.Len(t, given, 1)
	require.Equal(t, "bo", given[0].Answer.Actor)
	require.Equal(t, []string{"the approve of anna was said before the nights began anew, as people said since"}, void)
	given, void = c.Given(people, AboutPlan("p"), "d", noon)
	require.Len(t, given, 2)
	require.Empty(t, void)
}

func lost(t *testing.T, c *Chain, signers map[string]*keystore.Signer, names ...string) {
	t.Helper()
	for _, name := range names {
		say(t, c, Answer{Act: Acknowledge, About: Itself, Digest: "gone", Rows: 7, Actor: name}, signers[name],
			noon.Add(time.Hour))
	}
}

func TestTwoPeopleAcknowledgeALoss(t *testing.T) {
	signers, _ := signersOf(t, "anna", "bo")
	c := chainOf(t, signers, 2)
	seen := Head{7, "gone"}
	_, err := c.Lacks(seen)
	require.ErrorContains(t, err, "2 answers are there of 7 that were seen")
	one := c
	lost(t, &one, signers, "anna", "anna")
	_, err = one.Lacks(seen)
	require.ErrorIs(t, err, ErrBroken, "one person with one key")
	c.list = c.list[:2:2]
	lost(t, &c, signers, "anna", "bo")
	two, err := c.Lacks(seen)
	require.NoError(t, err)
	require.Len(t, two, 2)
	_, err = c.Lacks(Head{5, "between"})
	require.NoError(t, err)
	for _, other := range []Head{{8, "later"}, {2, "another"}} {
		_, err = c.Lacks(other)
		require.ErrorIs(t, err, ErrBroken)
	}
}

// bookOf is an open book of three answers.
func bookOf(t *testing.T) (*journal.Journal, string, map[string]*keystore.Signer) {
	t.Helper()
	signers, _ := signersOf(t, "anna", "bo")
	j, err := journal.Open(t.Context(), t.TempDir(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	reports := filepath.Join(t.TempDir(), "reports")
	for i := range 3 {
		b, err := Open(t.Context(), j, reports)
		require.NoError(t, err)
		_, err = b.Sign(t.Context(), Answer{Act: Approve, About: AboutPlan("p"), Actor: "anna"}, signers["anna"],
			noon.Add(time.Duration(i)*time.Second), nil)
		require.NoError(t, err)
	}
	return j, reports, signers
}

func TestEitherCopyIsEnough(t *testing.T) {
	for name, damage := range map[string]func(j *journal.Journal, folder string) error{
		"rows gone":    func(j *journal.Journal, _ string) error { return j.CutAnswers(t.Context(), 1) },
		"a row edited": func(j *journal.Journal, _ string) error { return j.RestoreAnswer(t.Context(), 2, "", []byte("{}")) },
		"files gone":   func(_ *journal.Journal, folder string) error { return os.RemoveAll(folder) },
		"a file edited": func(_ *journal.Journal, folder string) error {
			return os.WriteFile(filepath.Join(folder, FileName(2)), []byte("{}"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			j, reports, _ := bookOf(t)
			before, err := Open(t.Context(), j, reports)
			require.NoError(t, err)
			require.NoError(t, damage(j, filepath.Join(reports, Folder)))
			b, err := Open(t.Context(), j, reports)
			require.NoError(t, err)
			require.Equal(t, before.Head(), b.Head())
			places, err := b.Restore(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, places)
			again, err := Open(t.Context(), j, reports)
			require.NoError(t, err)
			places, err = again.Restore(t.Context())
			require.NoError(t, err)
			require.Empty(t, places)
			require.Equal(t, before.copies, again.copies)
		})
	}
}

func TestWhatDoesNotFollowIsMovedAside(t *testing.T) {
	j, reports, signers := bookOf(t)
	require.NoError(t, j.RestoreAnswer(t.Context(), 2, "", []byte("{}")))
	require.NoError(t, os.WriteFile(filepath.Join(reports, Folder, FileName(2)), []byte("{}"), 0o600))
	b, err := Open(t.Context(), j, reports)
	require.ErrorIs(t, err, ErrBroken)
	require.ErrorContains(t, err, "answer 2 is not as it was written")
	require.Equal(t, int64(3), b.Last())
	require.NoError(t, b.Abandon(t.Context(), noon))
	b, err = Open(t.Context(), j, reports)
	require.NoError(t, err)
	require.Equal(t, int64(1), b.Head().Length)
	_, err = b.Sign(t.Context(), Answer{Act: Approve, Actor: "bo"}, signers["bo"], noon, nil)
	require.NoError(t, err)
	aside, err := filepath.Glob(filepath.Join(reports, ".quarantine-answers-*", "*"))
	require.NoError(t, err)
	require.Len(t, aside, 2)
}

func TestTwoCannotTakeOnePlace(t *testing.T) {
	j, reports, signers := bookOf(t)
	first, err := Open(t.Context(), j, reports)
	require.NoError(t, err)
	second, err := Open(t.Context(), j, reports)
	require.NoError(t, err)
	_, err = first.Sign(t.Context(), Answer{Act: Approve, Actor: "anna"}, signers["anna"], noon.Add(time.Hour), nil)
	require.NoError(t, err)
	_, err = second.Sign(t.Context(), Answer{Act: Object, Actor: "bo"}, signers["bo"], noon.Add(time.Hour), nil)
	require.ErrorIs(t, err, ErrTaken)
	move := &journal.Move{Plan: journal.Plan{ID: "nothing"}, To: journal.Rejected}
	_, err = first.Sign(t.Context(), Answer{Act: Reject, Actor: "bo"}, signers["bo"], noon.Add(time.Hour), move)
	require.ErrorIs(t, err, journal.ErrMovedOn)
	b, err := Open(t.Context(), j, reports)
	require.NoError(t, err)
	require.Equal(t, int64(4), b.Head().Length)
	require.Empty(t, b.differ, "what was not recorded left no file")
}
