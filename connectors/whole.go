package connectors

// Whole is a Source of which single records can neither be read nor be taken out: it is kept or ended as a whole, and
// until then what should be gone from it is beyond use.
type Whole interface {
	// Whole says what it is, for people: "physical copy of a PostgreSQL server, made by pg_basebackup".
	Whole() string
}
