package evidence

import (
	"path"
	"slices"
	"strings"

	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/page/index"
)

// index checks the list of nights: each page of it is signed, and together they have the nights that are here, each
// once. That the newest are not in it yet is what a night leaves that was cut off; the next one writes it.
func (v *verifier) index() {
	listed := map[string]int{}
	found, first := false, v.unclaimed[index.Name]
	for name := range v.unclaimed {
		ok, _ := path.Match(index.Folder+"/*.html", name)
		if !ok && name != index.Name {
			continue
		}
		found = true
		delete(v.unclaimed, name)
		body, err := expiry.ReadSmall(v.path(name))
		if err == nil {
			err = manifest.VerifyIndex(v.key, body)
		}
		if err != nil {
			v.problem("%s, a list of nights, is not what was signed: %v: the next night, or `lethe report "+
				"--from-journal`, writes it anew", name, reason(err))
			continue
		}
		for _, run := range index.Runs(body) {
			listed[run]++
		}
	}
	switch {
	case !found && len(v.report.Nights) > 0:
		v.report.Notes = append(v.report.Notes, "there is no list of nights, "+index.Name+": these reports are of "+
			"before there was one, or it was left out of the copy")
	case found && !first:
		v.problem("%s, the list of the newest nights, is missing, and %s has the pages of those before: ask for it; "+
			"the next night, or `lethe report --from-journal`, writes it anew", index.Name, index.Folder)
	case found:
		v.compareIndex(listed)
	}
}

// compareIndex holds what is listed against the nights that are here.
func (v *verifier) compareIndex(listed map[string]int) {
	var absent []string
	newest := ""
	for _, n := range v.report.Nights {
		if n.Files == 0 { // its manifest could not be trusted, which is said of it
			delete(listed, n.RunID)
			continue
		}
		if !index.Listed(n.phases) {
			continue
		}
		if listed[n.RunID] == 0 {
			absent = append(absent, n.RunID)
		} else {
			newest = max(newest, n.RunID)
		}
		if listed[n.RunID] > 1 {
			v.problem("run %s stands twice in the list of nights: a page of it is an old one", n.RunID)
		}
		delete(listed, n.RunID)
	}
	for run := range listed {
		v.problem("the list of nights has run %s, which is not here: the copy is not whole, or a night was taken away",
			run)
	}
	slices.Sort(absent)
	if len(absent) == 0 {
		return
	}
	older := func(run string) bool { return strings.Compare(run, newest) < 0 }
	if len(absent) > 1 || slices.ContainsFunc(absent, older) { // one that was cut off leaves out the newest alone
		v.problem("the list of nights lacks run %s, and %d more: a page of it is an old one, or was left out of the "+
			"copy; the next night, or `lethe report --from-journal`, writes it anew", absent[0], len(absent)-1)
		return
	}
	v.report.Notes = append(v.report.Notes, "the list of nights lacks the newest, run "+absent[0]+
		": the next night writes it anew")
}
