package plan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

func (d *desk) answer(t *testing.T, name string, act answers.Act) (string, error) {
	t.Helper()
	return d.write(t, name, act, "")
}

// write is answer with a comment.
func (d *desk) write(t *testing.T, name string, act answers.Act, comment string) (string, error) {
	t.Helper()
	to, _, err := Approve(t.Context(), d.p, d.plan.PlanID, name, act, comment, d.signers[name])
	return to, err
}

const (
	approve  = answers.Approve
	reject   = answers.Reject
	object   = answers.Object
	override = answers.Override
	withdraw = answers.Withdraw
)

func TestMissingNamesWhoHasToApprove(t *testing.T) {
	const news, shop, custodian, second = "an owner of news", "an owner of shop", "a custodian", "a second person"
	const controller = "the controller, over the data protection officer's objection: "
	const all = "an owner of news and an owner of shop and a custodian, each by --override"
	for _, c := range []struct {
		name      string
		approvals int
		said      []string // name:decision, in the order they came
		want      []string
	}{
		{"nobody yet", 2, nil, []string{news, shop, custodian}},
		{"one owner", 2, []string{"anna:approve"}, []string{shop, custodian}},
		{"a custodian", 2, []string{"carl:approve"}, []string{news, shop}},
		{"owners of all", 2, []string{"anna:approve", "bo:approve"}, []string{custodian}},
		{"all", 2, []string{"anna:approve", "bo:approve", "carl:approve"}, nil},
		{"one who is everything", 2, []string{"cleo:approve"}, []string{second}},
		{"two who are everything", 2, []string{"cleo:approve", "anna:approve"}, nil},
		{"a company of one", 1, []string{"carl:approve"}, nil},
		{"a company of one, silent", 1, nil, []string{news, shop, custodian}},
		{"three are asked for", 3, []string{"cleo:approve", "anna:approve"}, []string{second}},
		{"an objection", 2, []string{"anna:approve", "bo:approve", "carl:approve", "dora:object"},
			[]string{controller + all}},
		{"an objection to a company of one", 1, []string{"carl:approve", "dora:object"}, []string{controller + all}},
		{"overridden by one", 2, []string{"anna:approve", "dora:object", "anna:override", "bo:override"},
			[]string{controller + "a custodian, each by --override"}},
		{"overridden by all", 2, []string{"dora:object", "anna:override", "bo:override", "carl:override"}, nil},
		{"overridden in a company of one", 1, []string{"dora:object", "anna:override"}, nil},
		{"overridden, and objected to again", 2, []string{"dora:object", "anna:override", "bo:override",
			"carl:override", "dora:withdraw", "dora:object"}, []string{controller + all}},
		{"approved after an objection", 2, []string{"dora:object", "anna:approve", "bo:approve", "carl:approve"},
			[]string{controller + all}},
		{"an objection that was withdrawn", 2, []string{"anna:approve", "dora:object", "bo:approve", "dora:withdraw",
			"carl:approve"}, nil},
		{"somebody else withdraws it", 2, []string{"anna:approve", "dora:object", "bo:approve", "anna:withdraw",
			"carl:approve"}, []string{controller + all}},
		{"an approval that was withdrawn", 2, []string{"anna:approve", "bo:approve", "carl:approve", "bo:withdraw"},
			[]string{shop}},
		{"and given again", 2, []string{"anna:approve", "bo:approve", "bo:withdraw", "carl:approve", "bo:approve"}, nil},
		{"a rejection approves nothing", 2, []string{"cleo:reject", "anna:approve"}, []string{shop, custodian}},
		{"somebody who left the configuration", 2, []string{"anna:approve", "bo:approve", "gone:approve"},
			[]string{custodian}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &setup.Setup{Approvals: c.approvals, People: map[string]setup.Person{}}
			for name, r := range roles {
				p.People[name] = setup.Person{Roles: r}
			}
			doc := &Sealed{Document: Document{Counts: []Count{{Silo: "news"}, {Silo: "shop"}, {Silo: "news"}}}}
			var s Said
			for _, text := range c.said {
				name, act, _ := strings.Cut(text, ":")
				s = s.with(answers.Answer{Actor: name, Key: name, Act: answers.Act(act)})
			}
			require.Equal(t, c.want, Missing(p, doc, s))
		})
	}
}

func TestMayAnswerByRole(t *testing.T) {
	doc := &Sealed{Document: Document{Counts: []Count{{Silo: "news"}, {Silo: "shop"}}}}
	for name, may := range map[string][]answers.Act{
		"anna": {approve, reject, override}, "bo": {approve, reject, override}, "carl": {approve, reject, override},
		"cleo": {approve, reject, override},
		"dora": {object}, "emil": nil,
	} {
		for _, decision := range []answers.Act{approve, reject, override, object, "shrug", ""} {
			err := mayAnswer(doc, setup.Person{Roles: roles[name]}, decision)
			if slices.Contains(may, decision) {
				require.NoError(t, err, "%s %s", name, decision)
			} else {
				require.ErrorIs(t, err, setup.ErrConfig, "%s %s", name, decision)
			}
		}
	}
}

func TestAPlanMovesOnWhenNobodyIsMissing(t *testing.T) {
	d := newDesk(t)
	for _, step := range []struct{ name, state string }{
		{"anna", journal.Waiting}, {"carl", journal.Waiting}, {"bo", journal.Approved}} {
		state, err := d.answer(t, step.name, approve)
		require.NoError(t, err)
		require.Equal(t, step.state, state)
		require.Equal(t, step.state, d.state(t, d.plan.PlanID))
	}
	_, err := d.answer(t, "cleo", approve)
	require.ErrorContains(t, err, "is approved, not waiting")
	_, err = d.p.Keys.PlanIdentity(d.plan.PlanID)
	require.NoError(t, err, "it is needed to apply the plan")
}

func TestOneRejectionEndsThePlanAndItsKey(t *testing.T) {
	d := newDesk(t)
	_, err := d.answer(t, "anna", approve)
	require.NoError(t, err)
	state, err := d.answer(t, "bo", reject)
	require.NoError(t, err)
	require.Equal(t, journal.Rejected, state)
	require.Equal(t, journal.Rejected, d.state(t, d.plan.PlanID))
	_, err = d.p.Keys.PlanIdentity(d.plan.PlanID)
	require.ErrorIs(t, err, keystore.ErrDestroyed)
}

func TestAPlanOutOfTimeIsNotAnswered(t *testing.T) {
	d := newDesk(t)
	now := d.plan.ValidUntil
	d.p.Now = func() time.Time { return now }
	_, err := d.answer(t, "anna", approve)
	require.ErrorIs(t, err, setup.ErrExpired)
	d.p.Simulated = true
	_, err = d.answer(t, "anna", approve)
	require.NoError(t, err, "a simulated clock is anybody's")
}

// put enters a signed answer past Approve, as an insider with a key of their own could: its place in the chain is right.
func (d *desk) put(t *testing.T, a answers.Answer, by string, at time.Time) {
	t.Helper()
	book, err := answers.Open(t.Context(), d.j, d.p.Reports)
	require.NoError(t, err)
	_, err = book.Sign(t.Context(), a, d.signers[by], at, nil)
	require.NoError(t, err)
}

func (d *desk) said(t *testing.T) Said {
	t.Helper()
	s, err := SaidOf(t.Context(), d.p, d.j, d.plan)
	require.NoError(t, err)
	return s
}

// What an approval must be over, and by whom, for the plan to lack nothing: each of these differs in one thing.
func TestWhatDoesNotApprove(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(t *testing.T, d *desk, a *answers.Answer) (by string, at time.Time)
		why   string
	}{
		"another digest": {func(_ *testing.T, _ *desk, a *answers.Answer) (string, time.Time) {
			a.Digest = "another"
			return "bo", noon
		}, "it is over another digest"},
		"an old plan": {func(_ *testing.T, _ *desk, a *answers.Answer) (string, time.Time) {
			a.About = answers.AboutPlan("run0-destructive")
			return "bo", noon
		}, ""},
		"another silo's owner": {func(_ *testing.T, _ *desk, a *answers.Answer) (string, time.Time) {
			a.Actor = "emil"
			return "emil", noon
		}, "there is no role for it (any more)"},
		"in somebody's name": {func(_ *testing.T, _ *desk, _ *answers.Answer) (string, time.Time) {
			return "emil", noon
		}, "signed by another key than the one under people"},
		"somebody unknown": {func(_ *testing.T, _ *desk, a *answers.Answer) (string, time.Time) {
			a.Actor = "zoe"
			return "bo", noon
		}, "not among people"},
		"before the plan was sealed": {func(t *testing.T, d *desk, _ *answers.Answer) (string, time.Time) {
			d.plan.SealedAt = noon.Add(time.Hour)
			return "bo", noon
		}, "signed before the plan was sealed"},
		"the role was taken away since": {func(_ *testing.T, d *desk, _ *answers.Answer) (string, time.Time) {
			d.p.People["bo"] = setup.Person{Key: d.p.People["bo"].Key}
			return "bo", noon
		}, "there is no role for it (any more)"},
		"the key has ended": {func(_ *testing.T, d *desk, _ *answers.Answer) (string, time.Time) {
			d.p.People["bo"] = setup.Person{Key: d.p.People["bo"].Key, Roles: roles["bo"], Until: noon}
			return "bo", noon
		}, "the key has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			a := answers.Answer{Act: approve, About: answers.AboutPlan(d.plan.PlanID), Digest: d.plan.Digest, Rows: 1,
				Actor: "bo"}
			by, at := c.alter(t, d, &a)
			d.put(t, a, by, at)
			s := d.said(t)
			require.Contains(t, Missing(d.p, d.plan, s), "an owner of shop")
			why := strings.Join(s.Unmet(d.p, d.plan), "; ")
			require.Contains(t, why, c.why)
			require.Equal(t, c.why == "", why == "")
		})
	}
}

func TestAnEndedKeySignsNothing(t *testing.T) {
	d := newDesk(t)
	d.p.People["anna"] = setup.Person{Key: d.p.People["anna"].Key, Roles: roles["anna"], Until: noon}
	_, err := d.answer(t, "anna", approve)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "the key of anna has ended (until): make a new one with `lethe keys new`")

	book, err := answers.Open(t.Context(), d.j, d.p.Reports)
	require.NoError(t, err)
	_, err = state.Say(t.Context(), d.p, book, answers.Answer{Act: answers.Revoke, Actor: "bo",
		About: answers.AboutKey(d.signers["bo"].Public())}, d.signers["bo"], nil)
	require.NoError(t, err)
	_, err = d.answer(t, "bo", approve)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "the key of bo was revoked")
	require.Len(t, d.all(t), 1, "nothing else is recorded")
}

func (d *desk) all(t *testing.T) []answers.Signed {
	t.Helper()
	book, err := answers.Open(t.Context(), d.j, d.p.Reports)
	require.NoError(t, err)
	return book.All()
}

func TestAClockSetBackAnswersNothing(t *testing.T) {
	d := newDesk(t)
	now := noon.Add(-time.Hour)
	d.p.Now = func() time.Time { return now }
	_, err := d.answer(t, "anna", approve)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "was sealed at 2026-11-20T12:00:00Z: set the clock right")
	now = noon.Add(time.Hour)
	_, err = d.answer(t, "anna", approve)
	require.NoError(t, err)
	now = noon
	_, err = d.answer(t, "bo", approve)
	require.ErrorIs(t, err, answers.ErrClock)
	require.Len(t, d.all(t), 1)
}

func TestACommentSaysNothingOfAnybody(t *testing.T) {
	d := newDesk(t)
	_, err := d.write(t, "anna", approve, "ask ada.byron@lago.it")
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "--comment holds what looks like")
	require.NotContains(t, err.Error(), "ada")
	require.Empty(t, d.all(t))
}

func TestAnObjectionIsOverriddenInWriting(t *testing.T) {
	d := newDesk(t)
	_, err := d.answer(t, "anna", override)
	require.ErrorContains(t, err, "nobody objected to it")
	d.approve(t)
	_, err = d.write(t, "dora", object, "a claim")
	require.NoError(t, err)
	_, err = d.answer(t, "dora", object)
	require.ErrorContains(t, err, "dora has answered plan "+d.plan.PlanID+" already")
	_, err = d.write(t, "anna", override, " ")
	require.ErrorContains(t, err, "an objection is overridden in writing: say why with --comment")
	_, err = d.write(t, "dora", override, "never mind")
	require.ErrorIs(t, err, setup.ErrConfig, "who objected does not override")
	for _, step := range []struct{ name, state string }{
		{"anna", journal.Waiting}, {"carl", journal.Waiting}, {"bo", journal.Approved}} {
		state, err := d.write(t, step.name, override, "the claim is settled")
		require.NoError(t, err)
		require.Equal(t, step.state, state)
	}
	require.Len(t, d.all(t), 7, "both are recorded")
}

func TestOnesOwnAnswerIsWithdrawn(t *testing.T) {
	d := newDesk(t)
	_, err := d.answer(t, "anna", withdraw)
	require.ErrorContains(t, err, "anna has no answer to it that stands")
	d.approve(t)
	_, err = d.answer(t, "anna", approve)
	require.ErrorContains(t, err, "is approved, not waiting")
	_, err = d.answer(t, "cleo", withdraw)
	require.ErrorContains(t, err, "cleo has no answer to it that stands", "one's own")
	to, err := d.answer(t, "anna", withdraw)
	require.NoError(t, err)
	require.Equal(t, journal.Waiting, to)
	require.Equal(t, journal.Waiting, d.state(t, d.plan.PlanID))
	to, err = d.answer(t, "anna", approve)
	require.NoError(t, err)
	require.Equal(t, journal.Approved, to)

	_, err = d.answer(t, "dora", object)
	require.NoError(t, err)
	to, err = d.answer(t, "dora", withdraw)
	require.NoError(t, err)
	require.Equal(t, journal.Approved, to, "who approved before has approved")

	_, err = d.answer(t, "dora", object)
	require.NoError(t, err)
	to, err = d.answer(t, "anna", withdraw)
	require.NoError(t, err, "what an objection holds is hers still")
	require.Equal(t, journal.Waiting, to)
	_, err = d.answer(t, "anna", withdraw)
	require.ErrorContains(t, err, "anna has no answer to it that stands")
	to, err = d.answer(t, "dora", withdraw)
	require.NoError(t, err)
	require.Equal(t, journal.Waiting, to, "she took it back")
}

// The state in the journal is a note: whatever somebody writes there, what people said is what holds.
func TestTheStateFollowsWhatWasSaid(t *testing.T) {
	for name, c := range map[string]struct {
		said []string
		in   string // what the journal has
		want string
	}{
		"nobody":              {nil, journal.Waiting, journal.Waiting},
		"a standing order":    {nil, journal.Approved, journal.Approved},
		"approved":            {[]string{"anna:approve", "bo:approve", "carl:approve"}, journal.Waiting, journal.Approved},
		"rejected":            {[]string{"anna:reject"}, journal.Waiting, journal.Rejected},
		"rejected, and taken": {[]string{"anna:reject"}, journal.Approved, journal.Rejected},
		"objected to":         {[]string{"dora:object"}, journal.Approved, journal.Waiting},
		"approved by one":     {[]string{"anna:approve"}, journal.Approved, journal.Approved}, // apply refuses it
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			for _, text := range c.said {
				name, act, _ := strings.Cut(text, ":")
				d.put(t, answers.Answer{Act: answers.Act(act), About: answers.AboutPlan(d.plan.PlanID),
					Digest: d.plan.Digest, Rows: 1, Actor: name}, name, noon)
			}
			require.NoError(t, d.j.SetPlanState(t.Context(), d.plan.PlanID, c.in, ""))
			entry := d.entry
			entry.State = c.in
			got, err := Follow(t.Context(), d.p, d.j, entry, "run2")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want, d.state(t, d.plan.PlanID))
			_, err = d.p.Keys.PlanIdentity(d.plan.PlanID)
			require.Equal(t, c.want == journal.Rejected, err != nil)
		})
	}
}

// What a report has seen of the answers has to be there, whatever the journal says.
func TestAnAnswerThatWasSeenIsMissed(t *testing.T) {
	d := newDesk(t)
	d.approve(t)
	book, err := answers.Open(t.Context(), d.j, d.p.Reports)
	require.NoError(t, err)
	head := book.Head()
	facts, err := json.Marshal(audit.Facts{Run: audit.Run{Answers: head.Length, AnswersHead: head.Hash}})
	require.NoError(t, err)
	require.NoError(t, d.j.Begin(t.Context(), journal.Run{ID: "run1", AsOf: noon, StartedAt: noon}))
	require.NoError(t, d.j.End(t.Context(), journal.Run{ID: "run1", EndedAt: noon, Facts: facts}))
	_, err = state.Answers(t.Context(), d.p, d.j)
	require.NoError(t, err)

	require.NoError(t, d.j.CutAnswers(t.Context(), 2))
	require.NoError(t, os.Remove(filepath.Join(d.p.Reports, answers.Folder, answers.FileName(3))))
	_, err = d.answer(t, "cleo", approve)
	require.ErrorIs(t, err, answers.ErrBroken)
	require.Equal(t, 12, setup.ExitCode(err))
	require.ErrorContains(t, err, "2 answers are there of 3 that were seen")
	require.ErrorContains(t, err, "lethe audit acknowledge")
	require.Len(t, d.all(t), 2, "nothing is recorded")
}
