package classifiers

import "strings"

// prefixes are beginnings that the names of fields, or of tables, share without a sign behind them: ox in OXFNAME, OXLNAME.
type prefixes struct {
	fields map[string]int // by database, and by database and table: how long
	tables map[string]int // by database
}

const (
	shortestPrefix = 2
	longestPrefix  = 4
	fewestFields   = 6 // of a table: fewer share two letters by accident
)

// newPrefixes finds the shared beginnings.
func (l *lexicon) newPrefixes(scans []*Scan) prefixes {
	p := prefixes{map[string]int{}, map[string]int{}}
	names, tables := map[string][]string{}, map[string][]string{}
	for _, s := range scans {
		var own []string
		for _, f := range s.table.Fields {
			own = append(own, strings.ToLower(f.Name))
		}
		names[s.table.Database] = append(names[s.table.Database], own...)
		tables[s.table.Database] = append(tables[s.table.Database], strings.ToLower(s.table.Name))
		p.fields[tableKey(s.table)] = l.sharedLetters(own, fewestFields)
	}
	for database, all := range names {
		p.fields[database] = l.sharedLetters(all, 4*fewestFields)
		p.tables[database] = l.sharedLetters(tables[database], fewestFields)
	}
	return p
}

func tableKey(t Table) string { return t.Database + "\x00" + t.Name }

// field is the name of a field without the letters that others share.
func (p prefixes) field(t Table, name string) string {
	for _, n := range [...]int{p.fields[tableKey(t)], p.fields[t.Database]} {
		if n > 0 && isGlued(strings.ToLower(name), n) {
			return name[n:]
		}
	}
	return name
}

// table is the name of a table without the letters that others share.
func (p prefixes) table(t Table) string {
	if n := p.tables[t.Database]; n > 0 && isGlued(strings.ToLower(t.Name), n) {
		return t.Name[n:]
	}
	return t.Name
}

// sharedLetters counts the letters that nine of ten names begin with, if there are enough names, and if they are no word.
func (l *lexicon) sharedLetters(names []string, fewest int) int {
	if len(names) < fewest {
		return 0
	}
	for n := longestPrefix; n >= shortestPrefix; n-- {
		count, most := map[string]int{}, ""
		for _, name := range names {
			if isGlued(name, n) {
				count[name[:n]]++
				if count[name[:n]] > count[most] {
					most = name[:n]
				}
			}
		}
		if count[most]*10 >= len(names)*9 && !l.vocab[most] {
			return n
		}
	}
	return 0
}

// isGlued reports whether letters follow the first n letters.
func isGlued(name string, n int) bool {
	if len(name) < n+2 {
		return false
	}
	for i := range n + 2 {
		if name[i] < 'a' || name[i] > 'z' {
			return false
		}
	}
	return true
}
