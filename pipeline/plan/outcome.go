package plan

// The outcomes of a planned row, as the journal keeps them: one byte a row.
const (
	Done       byte = 'd' // changed, and verified afterwards
	Unverified byte = 'u' // changed, but still seen by a read afterwards
	Recovered  byte = 'r' // changed by a run that was cut off before it could say so
	Drift      byte = 's' // skipped: the row, or the registry, is not as the plan saw it
	Gone       byte = 'g' // skipped: somebody else deleted the row
	Half       byte = 'h' // skipped like Drift, when rows that were to go with it had gone in an earlier transaction
	Unknown    byte = '?' // a run was cut off at it, and nothing says any more what it was to write
	Locked     byte = 'l' // skipped: somebody else had it locked for longer than is waited
	Refused    byte = 'f' // the database refused the change
)
