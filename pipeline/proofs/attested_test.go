package proofs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

// TestPurposes stand beside the tables and the fields that they are for.
func TestPurposes(t *testing.T) {
	silo := &policy.Compiled{Silo: policy.Silo{Name: "news", Records: []policy.Records{{Source: "crm", Table: "people"}},
		Rules: []policy.Rule{{Purpose: "newsletter", Fields: []string{"email"}}, {Purpose: "club", Fields: []string{"email", "phone"}}}}}
	b := &Book{Setup: &setup.Setup{Silos: []*policy.Compiled{silo}}, Notes: &notes.Notes{Facts: audit.Facts{
		Inventory: []audit.Inventory{{Source: "crm", Object: "people"}, {Source: "crm", Object: "people", Column: "email"},
			{Source: "crm", Object: "people", Column: "phone"}, {Source: "crm", Object: "people", Column: "nickname"},
			{Source: "shop", Object: "people", Rules: "of an earlier night"}}}}}
	b.purposes()
	var got []string
	for _, row := range b.Notes.Facts.Inventory {
		got = append(got, row.Rules)
	}
	require.Equal(t, []string{"club;newsletter", "club;newsletter", "club", "", ""}, got)
	silo.Silo.Rules[1].Fields = nil
	b.purposes()
	require.Equal(t, "club", b.Notes.Facts.Inventory[3].Rules)
}

// TestReviewsThatAreDue are said within thirty days of their day, the first first, by names as they may be shown.
func TestReviewsThatAreDue(t *testing.T) {
	day := func(text string) calendar.Date {
		d, err := calendar.ParseDate(text)
		require.NoError(t, err)
		return d
	}
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	p := &setup.Setup{Zone: time.UTC, Names: shown.New(catalogue, nil), Reviews: []setup.Review{
		{Source: "crm", Table: "maria.rossi@example.org", Field: "ref", By: "anna", Until: day("2026-12-20")},
		{Source: "crm", Table: "t", Field: "late", By: "bo", Until: day("2026-11-19")},
		{Source: "crm", Table: "t", Field: "far", By: "bo", Until: day("2026-12-22")},
	}, Attestations: []setup.Attestation{{Name: "training", Kind: "training", Owner: "anna", Every: calendar.Period{Years: 1}}}}
	rows := Attested(p, answers.Chain{}, day("2026-11-21"))
	require.Len(t, rows, 3)
	require.Equal(t, audit.Attestation{Name: "training", Kind: "training", Owner: "anna", Every: "P1Y", Status: "never"}, rows[0])
	require.Equal(t, audit.Attestation{Name: "crm.t.late", Kind: fieldReview, Owner: "bo", DueOn: "2026-11-19",
		Status: "overdue"}, rows[1])
	require.Equal(t, "due", rows[2].Status)
	require.NotContains(t, rows[2].Name, "maria")
	require.Contains(t, rows[2].Name, "email~")
}
