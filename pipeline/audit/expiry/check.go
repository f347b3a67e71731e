package expiry

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
)

// Check tells, for a folder of reports, what was removed because its term was over from what is missing.
type Check struct {
	Purges   []Purge
	Problems []string
	Notes    []string
	folder   string
	gone     map[string]Gone
	named    map[string]bool // by path: published with the same digest
	absent   map[string]bool // by path
}

// Look reads the purges of a folder. One that is not as it was signed removes nothing.
func Look(folder string, key keystore.PublicKey) *Check {
	c := &Check{folder: folder, gone: map[string]Gone{}, named: map[string]bool{}, absent: map[string]bool{}}
	runs, err := List(folder)
	if err != nil {
		c.problem("%s cannot be read: %v", Folder, err)
	}
	for _, run := range runs {
		p, err := Read(folder, run, key)
		if err != nil {
			c.problem("%v: ask for it again; what it removed counts as missing", err)
			continue
		}
		c.Purges = append(c.Purges, p)
		for _, g := range p.Gone {
			c.gone[g.Path] = g
		}
	}
	return c
}

func (c *Check) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

// Published takes in that a file was published, and whether it is missing; expired says that it is, since its term was
// over.
func (c *Check) Published(f File, missing bool) (expired bool) {
	if g, ok := c.gone[f.Path]; !ok || g.SHA256 != f.SHA256 {
		return false
	}
	c.named[f.Path] = true
	c.absent[f.Path] = missing
	return missing
}

// End says, once all that was published is taken in, where a purge removed what was not published, or not over its
// term, or by terms that nobody adopted; and what expired.
func (c *Check) End(said answers.Chain) {
	for _, p := range c.Purges {
		place := Place(p.RunID)
		if why := c.terms(p, said); why != "" {
			c.problem("%s: %s", place, why)
		}
		absent, terms := 0, map[string]bool{}
		for _, g := range p.Gone {
			if terms[g.Term] = true; c.absent[g.Path] {
				absent++
			}
			if why := early(p, g); why != "" {
				c.problem("%s: %s", place, why)
			}
			if !c.named[g.Path] {
				c.problem("%s names %s, which nothing published so: ask who holds the runner's key", place, g.Path)
			}
		}
		words := ""
		for _, t := range [][2]string{{RowLevel, p.RowLevel}, {Keep, p.Keep}} {
			if terms[t[0]] {
				words += ", " + t[0] + " " + t[1]
			}
		}
		c.Notes = append(c.Notes, fmt.Sprintf("%d files are expired per retention, of %d that were signed as removed "+
			"(%s of %s%s); their digests stay in the manifests", absent, len(p.Gone), place, p.Date, words))
	}
}

// terms says why a purge does not rest on terms that people adopted; "" it does.
func (c *Check) terms(p Purge, said answers.Chain) string {
	if p.Answers < 0 || p.Answers > int64(len(said.All())) {
		return fmt.Sprintf("it rests on %d answers of people, and %d are there", p.Answers, len(said.All()))
	}
	now, err := adoption.InForce(c.policy, said.Upto(p.Answers))
	if err != nil {
		return fmt.Sprintf("whether people adopted its terms cannot be seen: %v", err)
	}
	if now == nil || now.Digest != p.Policy {
		return fmt.Sprintf("it rests on policy %.16s, which was not in force: people adopted another, or none",
			p.Policy)
	}
	var policy struct {
		Evidence struct{ RowLevel, Keep string }
	}
	if err := json.Unmarshal(now.Text, &policy); err != nil {
		return fmt.Sprintf("the terms of policy %.16s cannot be read", p.Policy)
	}
	if e := policy.Evidence; e.RowLevel != p.RowLevel || e.Keep != p.Keep {
		return fmt.Sprintf("its terms are not those of policy %.16s", p.Policy)
	}
	return ""
}

// policy reads the text of a policy that people adopted.
func (c *Check) policy(digest string) (*adoption.Policy, error) {
	text, err := os.ReadFile(filepath.Join(c.folder, "policies", path.Base(digest)+".json"))
	if err != nil || adoption.DigestOf(text) != digest {
		return nil, fmt.Errorf("the text of policy %.16s is missing or was edited: ask for it", digest)
	}
	var doc struct{ Controller struct{ Timezone string } }
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("the text of policy %.16s cannot be read", digest)
	}
	zone, err := time.LoadLocation(doc.Controller.Timezone)
	if err != nil {
		return nil, fmt.Errorf("the zone of policy %.16s is not known here", digest)
	}
	return adoption.Parse(digest, text, zone)
}

// early says what is wrong with the term of a file that a purge names; "" nothing is.
func early(p Purge, g Gone) string {
	text := map[string]string{RowLevel: p.RowLevel, Keep: p.Keep}[g.Term]
	term, err := calendar.ParsePeriod(text)
	if err != nil || term.IsZero() {
		return fmt.Sprintf("%s was removed by a term that there is not (%q)", g.Path, g.Term)
	}
	if of, _, _ := strings.Cut(strings.TrimPrefix(g.Path, "table="), "/"); g.Term == RowLevel &&
		!slices.Contains(RowTables(), of) {
		return fmt.Sprintf("%s was removed by %s, and has no line for each record", g.Path, g.Term)
	}
	day, err := calendar.ParseDate(g.Date)
	today, err2 := calendar.ParseDate(p.Date)
	if err := errors.Join(err, err2); err != nil || !strings.Contains(g.Path, "/date="+g.Date+"/run="+g.RunID+"/") {
		return g.Path + " was removed as of another night"
	}
	if last := calendar.EndOf(day, term); last >= today {
		return fmt.Sprintf("%s was removed on %s, before its term (%s) was over on %s", g.Path, p.Date, text, last)
	}
	return ""
}

// InLog holds the purges against the log.
func (c *Check) InLog(l *tilelog.Log) {
	logged, nights := map[string]bool{}, map[string]string{}
	for _, e := range l.Entries() {
		if e.Kind == tilelog.Night {
			nights[e.Run] = e.Date
		}
	}
	for at, e := range l.Entries() {
		if e.Kind != tilelog.Purge {
			continue
		}
		logged[e.Run] = true
		if night, ok := nights[e.Run]; ok && night != e.Date {
			c.problem("%s counted its terms on %s, and the run was of %s: ask who holds the runner's key", Place(e.Run),
				e.Date, night)
		}
		i := slices.IndexFunc(c.Purges, func(p Purge) bool { return p.RunID == e.Run })
		switch {
		case i < 0:
			c.problem("%s is missing, and is entry %d of the log: ask for it; what it removed counts as missing",
				Place(e.Run), at)
		case c.Purges[i].SHA256 != e.Manifest || c.Purges[i].Date != e.Date:
			c.problem("%s is not the one of the log (entry %d: sha256 %.16s): ask for the one of the log",
				Place(e.Run), at, e.Manifest)
		}
	}
	for _, p := range c.Purges {
		if !logged[p.RunID] {
			c.problem("%s is in no entry of the log: it was put in, or it was cut off, and then the next night adds it",
				Place(p.RunID))
		}
	}
}
