package classifiers

import (
	"slices"
	"strings"
)

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

// sharedLetters counts the letters that nine of ten names begin with, if there are enough names, and if they are no word. Where
// the names have more in common than such letters, they begin with a word (studentname, studentbirth): it is none of them.
func (l *lexicon) sharedLetters(names []string, fewest int) int {
	if len(names) < fewest {
		return 0
	}
	if most, many := commonStart(names, longestPrefix+1); many && most != "" {
		return 0
	}
	for n := longestPrefix; n >= shortestPrefix; n-- {
		if most, many := commonStart(names, n); many && !l.vocab[most] {
			return n
		}
	}
	return 0
}

// commonStart is what most names begin with, in so many letters, and whether nine of ten do.
func commonStart(names []string, n int) (most string, many bool) {
	count := map[string]int{}
	for _, name := range names {
		if isGlued(name, n) {
			count[name[:n]]++
			if c := count[name[:n]]; c > count[most] {
				most = name[:n]
			}
		}
	}
	return most, count[most]*10 >= len(names)*9
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

// sharedEnds are unknown words that names of fields of one table begin or end with, because they stand for the table: usr_,
// tbl_ and ENT_ in front, Ens behind in nomEns and telEns of enseignants. They say nothing of a field.
type sharedEnds struct {
	first, last string
	// whether a word is the beginning of one in the table's name (cli in nome_cli of clienti), and means nothing with its neighbour
	abbreviated func(word, pair string) bool
}

// sharedEnds finds them: most fields have such a word, or half of four or more do, or it is what the table's name begins with.
func (l *lexicon) sharedEnds(fields []Field, table []string) (s sharedEnds) {
	s.abbreviated = func(w, pair string) bool {
		known := len(l.phrases[w]) > 0 || len(l.phrases[pair]) > 0 || allDigits(w) || isIDWord(w)
		return !known && !slices.Contains(table, w) && beginsName(w, table)
	}
	if len(fields) < 3 {
		return s
	}
	first, last := map[string]int{}, map[string]int{}
	for _, f := range fields {
		if tokens := l.tokens(f.Name); len(tokens) > 1 {
			first[tokens[0]]++
			last[tokens[len(tokens)-1]]++
		}
	}
	commonest := func(count map[string]int) (word string) {
		for w, n := range count {
			if len(l.phrases[w]) > 0 || allDigits(w) || isIDWord(w) {
				continue
			}
			many := n*10 >= len(fields)*7 || n >= 4 && n*2 >= len(fields)
			if (many || n >= 3 && n*3 >= len(fields) && beginsName(w, table)) &&
				(word == "" || n > count[word] || n == count[word] && w < word) {
				word = w
			}
		}
		return word
	}
	s.first, s.last = commonest(first), commonest(last)
	return s
}

// beginsName reports whether a word of a table's name begins with the letters.
func beginsName(letters string, table []string) bool {
	return len(letters) >= 2 && slices.ContainsFunc(table, func(t string) bool { return strings.HasPrefix(t, letters) })
}

// drop takes the shared words off the words of a name, of which one at least is left.
func (s sharedEnds) drop(tokens []string) []string {
	own := func(w, shared, pair string) bool {
		return w == shared || s.abbreviated != nil && s.abbreviated(w, pair)
	}
	if n := len(tokens); n > 1 && own(tokens[0], s.first, tokens[0]+" "+tokens[1]) {
		tokens = tokens[1:]
	}
	if n := len(tokens); n > 1 && own(tokens[n-1], s.last, tokens[n-2]+" "+tokens[n-1]) {
		tokens = tokens[:n-1]
	}
	return tokens
}
