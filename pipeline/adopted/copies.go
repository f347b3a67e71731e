package adopted

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/setup"
)

// copies are those that applications are given under the policy in force: of what the configuration adds, a target or
// another place, a silo or a purpose, nothing is sent before that is adopted; what it leaves out is left out at once.
func copies(p *setup.Setup, now *adoption.Policy) ([]setup.Grant, error) {
	if now.Digest == p.PolicyDigest || len(p.Grants) == 0 {
		return p.Grants, nil
	}
	next, err := adoption.Parse(p.PolicyDigest, p.Policy, p.Zone)
	if err != nil {
		return nil, err
	}
	var list []setup.Grant
	for _, g := range p.Grants {
		g.Grants, g.Unadopted = given(now.Copies[g.Target], next.Copies[g.Target])
		list = append(list, g)
	}
	return list, nil
}

// given is what both policies give a target, and what the second gives it besides.
func given(now, next adoption.Copy) (grants map[string][]string, more string) {
	grants = map[string][]string{}
	switch {
	case now.Source == "":
		return grants, "it is given none"
	case now.Source != next.Source, next.Files != "" && next.Files != now.Files, next.Table && !now.Table:
		return grants, "it is given one of another source, or elsewhere"
	}
	var besides []string
	for _, silo := range slices.Sorted(maps.Keys(next.Grants)) {
		for _, purpose := range slices.Sorted(slices.Values(next.Grants[silo])) {
			if slices.Contains(now.Grants[silo], purpose) {
				grants[silo] = append(grants[silo], purpose)
			} else {
				besides = append(besides, fmt.Sprintf("%s of silo %s", purpose, silo))
			}
		}
	}
	if len(besides) == 0 {
		return grants, ""
	}
	return grants, "it is not given " + strings.Join(besides, ", ")
}
