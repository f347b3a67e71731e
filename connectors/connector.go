package connectors

import (
	"context"
	"time"
)

// Connector is an entry of the explicit list that jobs holds: a kind of source and how to open one.
type Connector struct {
	Name    string       // as written in the configuration: "mysql"
	About   string       // one line for `lethe connectors`
	Schemes []string     // URL schemes that name it ad hoc: "mysql", "mariadb"
	Suffix  []string     // file name endings that name it ad hoc: ".sql", ".sql.gz"; "/" is that of a folder
	Options []OptionSpec // what Options.Extra may hold

	// Database is the name of the database that a DSN of a server leads to, "" if it names none. Nil: the
	// connector reads no server.
	Database func(dsn string) string

	Open func(ctx context.Context, o Options) (Source, error)

	// Fits reports whether the file at a path is one for this connector, where others that stand behind it
	// in the list have the same endings. Nil: any.
	Fits func(path string) bool
}

// Options says what to open. Secrets have been resolved; they must not reach an error or a log.
type Options struct {
	Name      string // of the source in the configuration; goes into errors
	DSN       string // of a server; a file's path where the connector reads files
	ApplyDSN  string // "" opens read-only: the Source is then no Mutator
	Rewrite   bool   // files: the Source may be a Rewriter
	Plaintext bool   // a server may be reached without TLS
	Unchecked bool   // files: accepted without the trailer that proves them complete

	// Of a server: how long it may answer nothing, and how long a statement may be at work without a row while
	// it answers others. 0 is the connector's default. What takes longer is ErrUnreachable.
	AnswerWithin, StatementWithin time.Duration

	// Of is, for files, the live source that they are backups of, "" where they are nobody's; Database is the
	// name of its database, "" where that cannot be told. A dump may hold several databases: the tables of
	// this one go by their own names, those of others by DATABASE.TABLE.
	Of, Database string

	// Shelf is where the file at DSN lies, nil: in a folder of this machine.
	Shelf Shelf

	// Catalog is, for files without CREATE TABLE, what the fields are: from a schema file or the live source.
	Catalog []Table

	// Extra holds options of this connector alone, as it declares them in Connector.Options: see CheckOptions.
	Extra map[string]string

	// Files holds the same options for files of a folder, by the name of the file, or a pattern of names as of
	// path.Match; a name goes before a pattern, and what stands there before Extra.
	Files map[string]map[string]string
}
