package requests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

// TestLeft says what keeps a request from being closed, for each kind and outcome.
func TestLeft(t *testing.T) {
	taken := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	p := &setup.Setup{Zone: pipelinetest.Rome(), Sources: []setup.Source{{Name: "crm"},
		{Name: "kept", Of: "crm", Keep: calendar.Period{Days: 90}, TakenAt: taken},
		{Name: "written", Of: "crm", Rewrite: &setup.RewriteTerms{}}, {Name: "open", Of: "crm"}}}
	row := func(source string, how How, change string, code reason.Code) *Hit {
		return &Hit{Source: source, Backup: source != "crm", Table: "t", How: how, Change: change, Words: string(code),
			Decision: &policy.Decision{Reason: code}}
	}
	exported := func(how string) []cases.Step { return []cases.Step{{Name: cases.StepExported, How: how}} }
	for name, c := range map[string]struct {
		kind, outcome string
		steps         []cases.Step
		hits          []*Hit
		missing       []Lack
		others        bool
		want          string // "" nothing is left
	}{
		"nothing is left": {kind: cases.RequestErasure, outcome: cases.OutcomeCompleted},
		"anonymized":      {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("crm", Own, "", reason.KAnonymized)}, nil, false, ""},
		"it stands":       {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("crm", Own, "delete", reason.DErasureRequest)}, nil, false, "delete is due"},
		"it stays":        {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("crm", Own, "", reason.KLegalHold)}, nil, false, "1 rows stay: " + string(reason.KLegalHold)},
		"what goes along": {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{{Source: "crm", Table: "t", How: Dependent}}, nil, false, "1 rows stay"},
		"what goes with what is due": {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("crm", Own, "delete", reason.DErasureRequest),
			{Source: "crm", Table: "u", How: Dependent}}, nil, false, "not done: lethe request fulfil r1"},
		"partly":                {cases.RequestErasure, cases.OutcomePartlyRefused, nil, []*Hit{row("crm", Own, "", reason.KLegalHold)}, nil, false, ""},
		"partly, and due":       {cases.RequestErasure, cases.OutcomePartlyRefused, nil, []*Hit{row("crm", Own, "clear", reason.KLegalHold)}, nil, false, "clear is due"},
		"a backup that ends":    {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("kept", Own, "delete", reason.DErasureRequest)}, nil, false, ""},
		"one that is rewritten": {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("written", Own, "delete", reason.DErasureRequest)}, nil, false, ""},
		"one that does not end": {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{row("open", Own, "", reason.KLegalHold)}, nil, false, "neither ends by `keep`"},
		"perhaps":               {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{{Source: "crm", Table: "t", How: Names}}, nil, false, "may be the person's (names)"},
		"perhaps, looked at":    {cases.RequestErasure, cases.OutcomeCompleted, nil, []*Hit{{Source: "crm", Table: "t", How: Names}}, nil, true, ""},
		"not looked at":         {cases.RequestErasure, cases.OutcomeCompleted, nil, nil, []Lack{{Source: "crm", Why: "unreachable"}}, false, "crm: unreachable was not looked at"},
		"not handed over":       {kind: cases.RequestAccess, outcome: cases.OutcomeCompleted, want: "nothing was handed over"},
		"handed over":           {cases.RequestAccess, cases.OutcomeCompleted, exported("access sha256:1"), nil, nil, false, ""},
		"the other":             {cases.RequestAccess, cases.OutcomeCompleted, exported("portability sha256:1"), nil, nil, false, "nothing was handed over"},
		"incomplete":            {cases.RequestAccess, cases.OutcomeCompleted, exported("incomplete access sha256:1"), nil, nil, false, "nothing was handed over"},
		"all of it others'":     {kind: cases.RequestAccess, outcome: cases.OutcomePartlyRefused},
		"blocked":               {cases.RequestRestriction, cases.OutcomeCompleted, nil, []*Hit{row("crm", Own, "", reason.KRestricted)}, nil, false, ""},
		"not blocked":           {cases.RequestRestriction, cases.OutcomeCompleted, nil, []*Hit{row("crm", Own, "block", reason.KRestricted)}, nil, false, "block is due"},
	} {
		a := &cases.Asked{Request: cases.Request{ID: "r1", Kind: c.kind}, Steps: c.steps}
		left := Closing{Outcome: c.outcome, Others: c.others}.Left(p, a, &Section{Request: "r1", Hits: c.hits, Missing: c.missing})
		if c.want == "" {
			require.Empty(t, left, name)
			continue
		}
		require.Len(t, left, 1, name)
		require.Contains(t, left[0], c.want, name)
	}
	require.False(t, Closing{Outcome: cases.OutcomeRefused}.Looked())
	day, ends := Ends(p, "kept")
	require.True(t, ends)
	require.Equal(t, "2027-01-30", day)
	_, ends = Ends(p, "open")
	require.False(t, ends)
}

// TestPlacesThatNoSourceReachesAreSeenTo keeps a request open until each place of its silo was seen to, and of no other.
func TestPlacesThatNoSourceReachesAreSeenTo(t *testing.T) {
	p := &setup.Setup{Attestations: []setup.Attestation{{Name: "archive", Owner: "bo", Silos: []string{"crm", "hr"}},
		{Name: "binder", Owner: "anna", Silos: []string{"crm"}}, {Name: "training", Owner: "anna"},
		{Name: "hr-box", Owner: "anna", Silos: []string{"hr"}}}}
	done := func(at ...string) (steps []cases.Step) {
		for _, place := range at {
			steps = append(steps, cases.Step{Name: cases.StepManual, How: place})
		}
		return append(steps, cases.Step{Name: cases.StepVerified, How: "binder"})
	}
	for _, kind := range []string{cases.RequestErasure, cases.RequestRectification, cases.RequestRestriction} {
		left := func(steps []cases.Step) []string {
			a := &cases.Asked{Request: cases.Request{ID: "r1", Kind: kind}, Steps: steps}
			return Closing{Outcome: cases.OutcomeCompleted}.Left(p, a, &Section{Silo: "crm", Request: "r1"})
		}
		require.Equal(t, []string{
			"archive (bo): nobody has seen to it: lethe request done r1 --silo crm --at archive",
			"binder (anna): nobody has seen to it: lethe request done r1 --silo crm --at binder"}, left(done()))
		require.Equal(t, []string{"binder (anna): nobody has seen to it: lethe request done r1 --silo crm --at binder"},
			left(done("archive", "training")))
		require.Empty(t, left(done("binder", "archive")))
	}
	for _, kind := range []string{cases.RequestObjection, cases.RequestWithdrawal} {
		require.Empty(t, Elsewhere(p, "crm", kind))
	}
	require.Empty(t, Elsewhere(p, "shop", cases.RequestErasure))
}

// TestACopyThatDoesNotKnowKeepsARequestOpen, of the silo that it was granted, until it was brought up to date after what
// was asked was recorded.
func TestACopyThatDoesNotKnowKeepsARequestOpen(t *testing.T) {
	at := time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)
	p := &setup.Setup{Grants: []setup.Grant{{Target: "shop", Grants: map[string][]string{"crm": {"news"}}},
		{Target: "mail", Grants: map[string][]string{"hr": {"pay"}}}}}
	copied := func(target string, seq int64) registry.Delivery {
		return registry.Delivery{Target: target, Object: "db.people", AckedSeq: seq, AckedAt: at}
	}
	require.Equal(t, []Untold{{Target: "shop"}}, untold(p, "crm", 7, nil))
	require.Equal(t, []Untold{{Target: "shop", Object: "db.people", Last: at}},
		untold(p, "crm", 7, []registry.Delivery{copied("shop", 6), copied("mail", 1)}))
	require.Empty(t, untold(p, "crm", 7, []registry.Delivery{copied("shop", 7), copied("gone", 1)}))
	require.Empty(t, untold(p, "other", 7, nil))

	s := &Section{Request: "r1", untold: untold(p, "crm", 7, []registry.Delivery{copied("shop", 6)})}
	for kind, want := range map[string]int{cases.RequestErasure: 1, cases.RequestWithdrawal: 1, cases.RequestObjection: 1,
		cases.RequestRestriction: 1, cases.RequestRectification: 1, cases.RequestAccess: 0, cases.RequestPortability: 0} {
		a := &cases.Asked{Request: cases.Request{ID: "r1", Kind: kind},
			Steps: []cases.Step{{Name: cases.StepExported, How: kind + " sha256:0"}}}
		left := Closing{Outcome: cases.OutcomeCompleted}.Left(p, a, s)
		require.Len(t, left, want, kind)
		if want > 0 {
			require.Equal(t, "the copy of db.people for shop does not know of it: it was brought up to date on "+
				"2026-11-20T01:15:00Z, before: lethe consent sync --apply", left[0])
		}
	}
}
