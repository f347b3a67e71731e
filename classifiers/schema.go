package classifiers

// Table is what is known about a table before any of its rows is read.
type Table struct {
	Database, Name string
	Fields         []Field
}

// Field describes one field of a table.
type Field struct {
	Name string
	Type string // the source's own type, as declared; may be empty
	// Kind is the logical kind: text, integer, decimal, float, bool, date, time, timestamp, binary, bit or json.
	Kind     string
	Nullable bool
	Key      bool // part of the primary key
	Unique   bool
	Length   int // declared length in characters, 0 if there is none
	// References is the "table.field" that a foreign key points to, in the same database; empty if there is none.
	References string
}

// TableVerdict is what was found in one table. Fields are in the table's order; behind them come the paths
// of the documents (JSON, XML, PHP, forms, ...) that some of them hold.
type TableVerdict struct {
	Database, Table string
	Rows            int64
	Fields          []Verdict
	// Subject says whose rows these are: "person", "company", "place", "thing" or "" where nothing tells.
	Subject string
}

// Verdict is what was found in one field.
type Verdict struct {
	Field string
	// a path inside the documents of a field: Field is the field's name, a point, and the keys of the path
	Path    bool
	Inside  string     // what a path stands in, the innermost first: "json in php"; of a field, what its documents are
	Primary Category   // None if nothing personal was found
	Sub     string     // refinement of Primary: given, family, full, job, age ...; may be empty
	Also    []Category // further categories that hold as well, best first
	Class   Class
	Company bool // the data is of legal persons: reported, not counted as personal
	// RoleAddress marks an e-mail field in which most addresses belong to a role (info@, noreply@), not to a person.
	RoleAddress bool
	Confidence  float64  // probability that Primary holds, 0 to 1; for None, that nothing does
	Candidate   Category // what came nearest where nothing personal was found; empty where nothing speaks for any kind
	Terms       []Term   // what was added up for Primary, or for the best candidate where Primary is None
	Rows        int64
	NonEmpty    int64 // neither NULL nor ''
	Distinct    int64 // estimate; exact up to 512 distinct values
	Detectors   []string
	// Fictitious counts sampled distinct values that an authority reserves for tests and examples.
	Fictitious int64
	// Shapes are the commonest forms of the values, without any of them: "Aa{3,9}" is a capital and three to nine small
	// letters, 9 a digit, x a letter of a writing without capitals.
	Shapes []string
	// SubjectKind names the identifier that the field can serve as when a row is joined to a person's
	// consents: email, phone, national-id, customer-number, or "".
	SubjectKind string
}

// Personal reports whether the field holds data of natural persons.
func (v Verdict) Personal() bool { return v.Primary.Personal() && !v.Company }

// Term is one summand of a verdict. Detail never holds a value of a record.
type Term struct {
	Name    string
	Detail  string
	LogOdds float64
}
