package details

import (
	"unicode"
	"unicode/utf8"
)

// How much of each list the page shows: so much that it stays below 300 KB whatever a night met. What is left out is
// said, with the table that has it.
const (
	mostSilos, mostLines, mostFound, mostFiles, mostPlans = 40, 80, 110, 50, 25
	mostTables, mostFields, mostMaps                      = 110, 500, 6
)

// cut keeps the first of a list, and says how many it leaves out.
func cut[T any](p *page, list []T, most int, what, table string) []T {
	if len(list) <= most {
		return list
	}
	said := p.say("details.left", p.number(int64(len(list)-most)), what, table)
	first, size := utf8.DecodeRuneInString(said)
	p.Left = append(p.Left, string(unicode.ToUpper(first))+said[size:])
	return list[:most]
}

// bound keeps each list to what there is room for.
func (p *page) bound() {
	p.Silos = cut(p, p.Silos, mostSilos, p.say("details.left.silos"), "summary")
	p.Done = cut(p, p.Done, mostLines, p.say("details.left.done"), "actions")
	lines := 0
	for i := range p.Reasons {
		g := &p.Reasons[i]
		g.Rows = cut(p, g.Rows, max(mostLines-lines, 0), p.say("details.left.reasons"), "summary")
		lines += len(g.Rows)
	}
	p.Plans = cut(p, p.Plans, mostPlans, p.say("details.left.plans"), "plan")
	for i := range p.Plans {
		v := &p.Plans[i]
		v.Counts = cut(p, v.Counts, mostPlans, p.say("details.left.counts", v.PlanID), "plan")
		v.Starts = cut(p, v.Starts, mostPlans/4, p.say("details.left.starts", v.PlanID), "starts")
	}
	p.Answers = cut(p, p.Answers, mostLines, p.say("details.left.answers"), "answers")
	p.Findings = cut(p, p.Findings, mostFound, p.say("details.left.findings"), "findings")
	p.Remnants = cut(p, p.Remnants, mostLines, p.say("details.left.remnants"), "remnants")
	p.Exceptions = cut(p, p.Exceptions, mostFound, p.say("details.left.exceptions"), "exceptions")
	p.Backups = cut(p, p.Backups, mostFiles, p.say("details.left.backups"), "backups")
	p.Copies = cut(p, p.Copies, mostFiles, p.say("details.left.copies"), "consent_sync")
	p.Requests.Rows = cut(p, p.Requests.Rows, mostLines, p.say("details.left.requests"), "requests")
	p.Holds = cut(p, p.Holds, mostLines, p.say("details.left.holds"), "holds")
	p.Reviews = cut(p, p.Reviews, mostLines, p.say("details.left.reviews"), "inventory")
	p.News = cut(p, p.News, mostFound, p.say("details.left.news"), "inventory")
	p.boundInventory()
	p.Forgotten = cut(p, p.Forgotten, mostSilos, p.say("details.left.forgotten"), "runs")
	p.Heads = cut(p, p.Heads, mostSilos, p.say("details.left.heads"), "runs")
}

// boundInventory keeps the tables of all sources, their fields and their pictures to what there is room for. Live
// sources come first: a backup repeats what its source says.
func (p *page) boundInventory() {
	tables, fields, maps := 0, 0, 0
	p.Sources = cut(p, p.Sources, mostFiles, p.say("details.left.sources"), "inventory")
	for _, backup := range []bool{false, true} {
		for i := range p.Sources {
			s := &p.Sources[i]
			if s.backup != backup {
				continue
			}
			if maps++; maps > mostMaps {
				s.Map = nil
			}
			s.Tables = cut(p, s.Tables, max(mostTables-tables, 0), p.say("details.left.tables", s.Name), "inventory")
			tables += len(s.Tables)
			for k := range s.Tables {
				t := &s.Tables[k]
				of := p.say("details.left.fields", s.Name+"."+t.Name)
				t.Fields = cut(p, t.Fields, max(mostFields-fields, 0), of, "inventory")
				fields += len(t.Fields)
			}
		}
	}
	p.Left = cut(p, p.Left, mostLines/2, p.say("details.left.lists"), "inventory …")
}
