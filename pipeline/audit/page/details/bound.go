package details

import "fmt"

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
	p.Left = append(p.Left, fmt.Sprintf("%s more %s: the table %s has them.", number(int64(len(list)-most)), what,
		table))
	return list[:most]
}

// bound keeps each list to what there is room for.
func (p *page) bound() {
	p.Silos = cut(p, p.Silos, mostSilos, "silos", "summary")
	p.Done = cut(p, p.Done, mostLines, "lines of what was done", "actions")
	lines := 0
	for i := range p.Reasons {
		g := &p.Reasons[i]
		g.Rows = cut(p, g.Rows, max(mostLines-lines, 0), "reasons", "summary")
		lines += len(g.Rows)
	}
	p.Plans = cut(p, p.Plans, mostPlans, "plans", "plan")
	for i := range p.Plans {
		v := &p.Plans[i]
		v.Counts = cut(p, v.Counts, mostPlans, "counts of plan "+v.PlanID, "plan")
		v.Starts = cut(p, v.Starts, mostPlans/4, "tables of plan "+v.PlanID, "starts")
	}
	p.Answers = cut(p, p.Answers, mostLines, "answers", "answers")
	p.Findings = cut(p, p.Findings, mostFound, "findings", "findings")
	p.Remnants = cut(p, p.Remnants, mostLines, "fields with people who should be gone", "remnants")
	p.Exceptions = cut(p, p.Exceptions, mostFound, "exceptions", "exceptions")
	p.Backups = cut(p, p.Backups, mostFiles, "backup files", "backups")
	p.Copies = cut(p, p.Copies, mostFiles, "copies of consents", "consent_sync")
	p.Requests.Rows = cut(p, p.Requests.Rows, mostLines, "requests", "requests")
	p.Holds = cut(p, p.Holds, mostLines, "holds", "holds")
	p.Reviews = cut(p, p.Reviews, mostLines, "judged fields", "inventory")
	p.News = cut(p, p.News, mostFound, "changes", "inventory")
	p.boundInventory()
	p.Forgotten = cut(p, p.Forgotten, mostSilos, "silos of which the registry forgot", "runs")
	p.Heads = cut(p, p.Heads, mostSilos, "heads of the registry", "runs")
}

// boundInventory keeps the tables of all sources, their fields and their pictures to what there is room for. Live
// sources come first: a backup repeats what its source says.
func (p *page) boundInventory() {
	tables, fields, maps := 0, 0, 0
	p.Sources = cut(p, p.Sources, mostFiles, "sources", "inventory")
	for _, backup := range []bool{false, true} {
		for i := range p.Sources {
			s := &p.Sources[i]
			if s.backup != backup {
				continue
			}
			if maps++; maps > mostMaps {
				s.Map = nil
			}
			s.Tables = cut(p, s.Tables, max(mostTables-tables, 0), "tables of "+s.Name, "inventory")
			tables += len(s.Tables)
			for k := range s.Tables {
				t := &s.Tables[k]
				t.Fields = cut(p, t.Fields, max(mostFields-fields, 0), "fields of "+s.Name+"."+t.Name, "inventory")
				fields += len(t.Fields)
			}
		}
	}
	p.Left = cut(p, p.Left, mostLines/2, "lists that are cut", "inventory, among others,")
}
