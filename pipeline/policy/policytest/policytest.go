// Package policytest has small policies and standings for tests.
package policytest

import (
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// Now is the night on which the cases below are decided: 2026-11-21 01:15 in Rome.
const Now = "2026-11-21 01:15"

// At is an instant in Rome.
func At(t require.TestingT, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	layout := "2006-01-02 15:04"
	if len(s) == 10 {
		layout = "2006-01-02"
	}
	out, err := time.ParseInLocation(layout, s, rome(t))
	require.NoError(t, err)
	return out
}

// ConsentRule is a rule of consent.
func ConsentRule(change ...func(*policy.Rule)) policy.Rule {
	r := policy.Rule{Purpose: "newsletter", Basis: policy.Consent, MaxAge: calendar.Period{Years: 2},
		End: policy.Delete, Because: "sign-up form", Owner: "anna", ReviewBy: "2027-06-01"}
	for _, c := range change {
		c(&r)
	}
	return r
}

// TermRule is a rule with a term.
func TermRule(basis policy.Basis, purpose string, change ...func(*policy.Rule)) policy.Rule {
	r := policy.Rule{Purpose: purpose, Basis: basis, Start: policy.RelationEnded, At: "closed_on",
		Period: calendar.Period{Years: 10}, End: policy.Delete, Because: "law", Owner: "bo", ReviewBy: "2027-06-01"}
	for _, c := range change {
		c(&r)
	}
	return r
}

// Fields names the fields of a rule.
func Fields(names ...string) func(*policy.Rule) { return func(r *policy.Rule) { r.Fields = names } }

// Grace gives a rule a grace.
func Grace(p calendar.Period) func(*policy.Rule) { return func(r *policy.Rule) { r.Grace = p } }

// Marketing makes a rule one of marketing.
func Marketing(r *policy.Rule) { r.Marketing = true }

// Anonymizes lets a rule end in anonymizing.
func Anonymizes(r *policy.Rule) { r.End = policy.Anonymize }

// ElseAnonymize lets a rule anonymize where a referencing row stays.
func ElseAnonymize(r *policy.Rule) { r.Else = policy.Anonymize }

// Silo is a silo with these rules.
func Silo(rules ...policy.Rule) policy.Silo {
	constant := "constant"
	return policy.Silo{Name: "s", Records: []policy.Records{{Source: "crm", Table: "people",
		Subject: map[string]string{"email": "email"}, Collected: "created_at"}},
		Rules: rules, Anonymize: map[string]*string{"name": &constant}}
}

// Compiled compiles a silo.
func Compiled(t require.TestingT, s policy.Silo) *policy.Compiled {
	c, err := policy.Compile(s, rome(t), "IT")
	require.NoError(t, err)
	return c
}

// Standing is what the registry says of these purposes.
func Standing(purposes ...policy.PurposeStanding) *policy.Standing {
	return &policy.Standing{Purposes: purposes}
}

// Newsletter is the standing of one purpose.
func Newsletter(t require.TestingT, state policy.ConsentState, since string) policy.PurposeStanding {
	return policy.PurposeStanding{Purpose: "newsletter", State: state, Since: At(t, since), Proven: true}
}

// Matched is a row of a person with a standing.
func Matched(s *policy.Standing) policy.Record {
	return policy.Record{Identity: policy.Matched, Standing: s}
}

// Clean is a silo that nothing can be remarked on.
func Clean() policy.Silo {
	s := Silo(ConsentRule(func(r *policy.Rule) { r.Purpose = "club" }))
	s.ProofRetention = calendar.Period{Years: 5}
	s.Records[0].Block = &policy.Block{Set: map[string]string{"blocked": "1"}, Unset: map[string]string{"blocked": "0"}}
	return s
}

func rome(t require.TestingT) *time.Location {
	z, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	return z
}
