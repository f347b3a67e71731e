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

// Digests completes the approvals by standing orders, which are asked before a plan is sealed, with the digest that the
// plan has since.
func Digests(n *notes.Notes) {
	for i := range n.Facts.Approvals {
		a := &n.Facts.Approvals[i]
		at := slices.IndexFunc(n.Facts.Plans, func(p audit.Plan) bool { return p.PlanID == a.PlanID })
		if a.Digest == "" && at >= 0 {
			a.Digest = n.Facts.Plans[at].Digest
		}
	}
}

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
