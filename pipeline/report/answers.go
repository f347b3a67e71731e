package report

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// Answered adds what people answered to a run's facts, each answer once, in the order of the chain.
func Answered(n *notes.Notes, p *setup.Setup, list []answers.Signed) {
	rows := &n.Facts.Approvals
	for _, s := range list {
		if slices.ContainsFunc(*rows, func(r audit.Approval) bool { return r.Seq == s.Answer.Seq }) {
			continue
		}
		a := s.Answer
		planID, about := strings.CutPrefix(a.About, answers.AboutPlan(""))
		if !about {
			planID = ""
		}
		sum := sha256.Sum256([]byte(a.Key))
		*rows = append(*rows, audit.Approval{PlanID: planID, Digest: a.Digest, Actor: a.Actor,
			Role: strings.Join(p.People[a.Actor].Roles, ";"), Decision: string(a.Act), Comment: a.Comment,
			SignedAt: a.SignedAt, KeyID: hex.EncodeToString(sum[:8]), Signature: s.Signature, Seq: a.Seq,
			Previous: a.Previous, About: a.About, Rows: a.Rows, Key: a.Key})
	}
	slices.SortStableFunc(*rows, func(a, b audit.Approval) int { return int(a.Seq - b.Seq) })
}
