package evidence

import (
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/audit"
)

// Has looks for an answer by its hash, which was given to who signed it, and says in the report what it finds; "" looks
// for none.
func (r *VerifyReport) Has(hash string) error {
	if hash == "" {
		return nil
	}
	for _, s := range r.Answers {
		if a := s.Answer; s.Hash() == hash {
			r.Notes = append(r.Notes, fmt.Sprintf("answer %d is there: the %s of %s about %s", a.Seq, a.Act, a.Actor,
				a.About))
			return nil
		}
	}
	r.Problems = append(r.Problems, fmt.Sprintf("no answer has the hash %s: it was taken out, or never recorded", hash))
	return fmt.Errorf("verify answer: %w", ErrEdited)
}

// answers checks the files of what people answered: their signatures, the chain from each to the one before it, and
// that what every night saw of it is still there.
func (v *verifier) answers() {
	copied, err := answers.ReadFolder(v.folder)
	if err != nil {
		v.problem("%v", err)
	}
	for place := range copied {
		delete(v.unclaimed, answers.Folder+"/"+answers.FileName(place))
	}
	for name := range v.unclaimed {
		if strings.HasPrefix(name, answers.Folder+"/.tmp-") { // of one who was cut off while answering
			delete(v.unclaimed, name)
		}
	}
	c, _, err := answers.Merge(copied)
	if err != nil {
		v.problem("%s: %v", answers.Folder, err)
	}
	lost, before := map[string]bool{}, int64(0)
	for i := range v.report.Nights {
		n := &v.report.Nights[i]
		two, err := c.Lacks(n.answers)
		if err != nil {
			n.Problems = append(n.Problems, fmt.Sprintf("its answers: %v", err))
		}
		if len(two) > 0 {
			a, b := two[0].Answer, two[1].Answer
			words := fmt.Sprintf("answers up to %d were lost, as %s and %s acknowledged: see whose keys these are: "+
				"%s, %s", a.Rows, a.Actor, b.Actor, a.Key, b.Key)
			if !lost[words] {
				v.report.Notes = append(v.report.Notes, words)
			}
			lost[words] = true
			before = max(before, two[1].Answer.Seq) // from there on the chain goes on without them
			continue
		}
		if n.answers.Length < before && n.Files > 0 {
			n.Problems = append(n.Problems, fmt.Sprintf("it has %d answers, and a night before it had %d",
				n.answers.Length, before))
		}
		before = max(before, n.answers.Length)
	}
	v.said, v.report.Answers = c, c.All()
}

// policies checks the texts of policies that people adopted: each is there, and stands under its digest.
func (v *verifier) policies() {
	there := map[string]bool{}
	for name := range v.unclaimed {
		digest, ok := strings.CutPrefix(strings.TrimSuffix(name, ".json"), "policies/")
		if !ok {
			continue
		}
		if got, err := audit.FileDigest(v.path(name)); err == nil && got == digest {
			delete(v.unclaimed, name)
			there[digest] = true
		}
	}
	for _, s := range v.said.All() {
		a := s.Answer
		if a.Act != answers.Adopt || a.About != adoption.About || there[a.Digest] {
			continue
		}
		there[a.Digest] = true // said once
		v.problem("the text of policy %.12s, which %s adopted with answer %d, is missing, or is not the one that they "+
			"signed: put policies/%s.json back from a copy", a.Digest, a.Actor, a.Seq, a.Digest)
	}
}
