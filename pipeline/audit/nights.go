package audit

// Figures are one night in numbers, for the lines that pages of later nights draw.
type Figures struct {
	Day    string // civil date; the last, where several nights stand in one line
	Nights int64  // how many nights the line is of: one, or those of a month that are long ago

	People         int64 // counted once in each silo; -1 not known
	PeopleUnground int64 // of those, without a ground; -1 not known
	ErasedPeople   int64 // erased people who are still in backups; -1 not known

	Rows    int64 // live, at the end of the night
	Grace   int64 // of those: without a ground, in the grace that a rule gives
	Waiting int64 // without a ground, and waiting for people or for a next try
	Unknown int64 // unknown to the registry
	InUse   int64 // of Waiting: past their end, and an application may go on using them
	Pending int64 // rows in backups that should be gone

	Planned    int64 // live rows that were planned to end
	Deleted    int64 // live
	Anonymized int64 // live
	Open       int64 // requests
	OpenInTerm int64 //
	Closed     int64 // requests, on this day
	ClosedLate int64 //
}

// Kept is what an earlier night said of a source that this run did not read.
type Kept struct {
	Source     string // "" what is of no source
	Day        string // civil date of the night
	Summary    []Summary
	Inventory  []Inventory // the tables, without their fields
	Exceptions []Exception
	Findings   []Finding
	Backups    []Backup
}

// Settled counts rows that an earlier run of the night settled in one way, and those that were read again then and
// found gone or changed.
type Settled struct {
	Day                                                string // civil date of that run
	Plan, Silo, Source, Object, Change, Reason, Status string
	Along                                              bool // they went with rows of which it was decided
	Early                                              bool // settled before that run read the sources
	Rows, Verified                                     int64
}

// Ended counts rows of a table that a run deleted or anonymized.
type Ended struct {
	Silo, Source, Object, Change, Reason string
	Rows                                 int64
}
