package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func (d *desk) answer(t *testing.T, name, decision string) (string, error) {
	t.Helper()
	return Approve(t.Context(), d.p, d.plan.PlanID, name, decision, "", d.signers[name])
}

func TestMissingNamesWhoHasToApprove(t *testing.T) {
	const news, shop, custodian, second = "an owner of news", "an owner of shop", "a custodian", "a second person"
	const controller = "the controller, over the data protection officer's objection"
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
			[]string{controller}},
		{"an objection to a company of one", 1, []string{"carl:approve", "dora:object"}, []string{controller}},
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
			var answers []Signed
			for _, s := range c.said {
				name, decision, _ := strings.Cut(s, ":")
				answers = append(answers, Signed{Answer: Answer{Actor: name, Decision: decision}})
			}
			require.Equal(t, c.want, Missing(p, doc, answers))
		})
	}
}

func TestMayAnswerByRole(t *testing.T) {
	doc := &Sealed{Document: Document{Counts: []Count{{Silo: "news"}, {Silo: "shop"}}}}
	for name, may := range map[string][]string{
		"anna": {approve, reject}, "bo": {approve, reject}, "carl": {approve, reject}, "cleo": {approve, reject},
		"dora": {object}, "emil": nil,
	} {
		for _, decision := range []string{approve, reject, object, "shrug", ""} {
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

func TestAnswersAreThoseToThisVeryPlan(t *testing.T) {
	d := newDesk(t)
	sign := func(a Answer, by string) Signed {
		return Signed{a, d.signers[by].Sign(approvalContext, a.message())}
	}
	a := Answer{PlanID: d.plan.PlanID, Digest: d.plan.Digest, Rows: 1, Actor: "anna", Decision: approve, SignedAt: noon}
	older, stranger := a, a
	older.Actor, older.Digest = "bo", "the digest of another document"
	stranger.Actor = "zoe"
	for _, s := range []Signed{sign(a, "anna"), sign(older, "bo"), sign(stranger, "anna")} {
		d.put(t, s)
	}
	got, err := Answers(t.Context(), d.p, d.j, d.plan)
	require.NoError(t, err)
	require.Equal(t, []Signed{sign(a, "anna")}, got)
	rows := Approvals(d.p, got)
	require.Len(t, rows, 1)
	require.Equal(t, []any{"anna", "owner:news", approve, d.plan.Digest},
		[]any{rows[0].Actor, rows[0].Role, rows[0].Decision, rows[0].Digest})
}

func TestAForgedAnswerIsRefused(t *testing.T) {
	for name, forge := range map[string]func(d *desk, a Answer) Signed{
		"another's signature": func(d *desk, a Answer) Signed {
			return Signed{a, d.signers["bo"].Sign(approvalContext, a.message())}
		},
		"signed for something else": func(d *desk, a Answer) Signed {
			return Signed{a, d.signers["carl"].Sign("manifest", a.message())}
		},
		"a rejection turned round": func(d *desk, a Answer) Signed {
			a.Decision = reject
			s := Signed{a, d.signers["carl"].Sign(approvalContext, a.message())}
			s.Answer.Decision = approve
			return s
		},
		"other counts": func(d *desk, a Answer) Signed {
			s := Signed{a, d.signers["carl"].Sign(approvalContext, a.message())}
			s.Answer.Rows = 1000
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.put(t, forge(d, Answer{PlanID: d.plan.PlanID, Digest: d.plan.Digest, Rows: 1, Actor: "carl",
				Decision: approve, SignedAt: noon}))
			_, err := Answers(t.Context(), d.p, d.j, d.plan)
			require.ErrorIs(t, err, setup.ErrTampered)
		})
	}
}

// put enters an answer past Approve.
func (d *desk) put(t *testing.T, s Signed) {
	t.Helper()
	body, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, d.j.PutApproval(t.Context(), d.plan.PlanID, s.Answer.Actor, body))
}
