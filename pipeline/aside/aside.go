// Package aside is the rows that a database refused to change, until their next try. Its nouns: a Row is one of
// them, the List is what one night knows of them. What a live store refused is set aside in its backups too: a backup
// holds again what the store does.
package aside

import "lethe/pipeline/registry/keystore"

// Row is a row that the live store of a system refused to change.
type Row struct {
	System, Table string
	Record        keystore.Ref
	Destroys      bool // what was refused; what blocks the row is another matter
}

// List is the rows that are set aside tonight. The zero List is empty.
type List struct {
	rows map[Row]bool    // true: it was met in its live store, where the same is still due
	read map[string]bool // the systems whose live store was read to its end
}

// Add sets a row aside.
func (l *List) Add(r Row) {
	if l.rows == nil {
		l.rows, l.read = map[Row]bool{}, map[string]bool{}
	}
	l.rows[r] = false
}

// Live reports whether a row that is met in a live store, with a change that is due, is set aside.
func (l *List) Live(r Row) bool {
	_, is := l.rows[r]
	if is {
		l.rows[r] = true
	}
	return is
}

// Backup reports whether a row that is met in a backup is set aside: not one that the live store has no more, or in
// which the same is no more due.
func (l *List) Backup(r Row) bool {
	met, is := l.rows[r]
	return is && (met || !l.read[r.System])
}

// Read says that the live store of a system was read to its end.
func (l *List) Read(system string) {
	if len(l.rows) > 0 {
		l.read[system] = true
	}
}
