// Package connectors says what Lethe asks of a place where records live, and nothing about how it is done.
// Each connector stands in a folder of its own (mem is the one to copy) and passes the suite in
// conformance. Every sentence of the comments below that says what a connector must do has a subtest
// there.
package connectors

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Source is an open place where records live: a live database, or a backup, export or dump of one. It only
// reads. A Source may be used by several goroutines.
type Source interface {
	// Tables returns the catalog, sorted by name. Views, system tables and temporary tables are not in it.
	Tables(ctx context.Context) ([]Table, error)
	// Scan reads the rows that the queries ask for, one or more batches a query, each batch naming its
	// table. A live store answers the queries one after another, in key order within a table; a stream
	// answers all of them in one pass, in its own order. Every row that a query asks for is in exactly one
	// batch. A query for a table or field that does not exist ends the sequence with ErrSchemaChanged. The
	// error, if any, is the last pair; its Batch is zero.
	Scan(ctx context.Context, q ...Query) iter.Seq2[Batch, error]
	Close() error
}

// Mutator is a Source whose rows can be changed where they are.
type Mutator interface {
	// Mutate runs one transaction. It reads the rows of each query under lock, in the order of the queries,
	// and hands each query's rows to edit as one batch, once (also when no row is left: the batch is then
	// empty). After the last query it applies the edits in the reverse order of the queries, so that
	// parents are named first and children go first. Then it calls confirm, and commits.
	//
	// A row may be read by several queries, so that it is locked before others are looked at; one of their
	// edits may change it.
	//
	// Queries must have Keys; After and MaxRows are ignored. An error from edit or confirm rolls everything
	// back and is returned as it is. If the engine refuses a change (a constraint, a trigger) nothing is
	// changed and the error wraps ErrRefused and is a *RefusedError (errors.As); a deadlock or a lock timeout
	// wraps ErrTransient.
	//
	// The result has one outcome for each key of a query by primary key, in the order of its Keys, and one
	// for each row read by a query by other fields, or with Keys.Of, in the order of the rows. Fields that the
	// engine would update by itself (Field.AutoUpdate) keep their values.
	//
	// A row to delete that is not there any more once the other edits are applied, as the engine's foreign keys
	// took it along, is Done; one that is still there, as a trigger ignored the delete or put it back, is refused, and
	// so is a row to update that does not hold what was set (RefusedTrigger).
	Mutate(ctx context.Context, q []Query, edit EditFunc, confirm func() error) ([]Outcome, error)
}

// Deferrer is a Mutator that says when its engine checks foreign keys.
type Deferrer interface {
	// DefersForeignKeys says whether rows that refer to each other in a circle can be deleted in one Mutate,
	// since the engine checks foreign keys when all is done, those declared RESTRICT too.
	DefersForeignKeys() bool
}

// Rewriter is a Source whose bytes cannot change in place: it is written anew beside the old, and takes its
// place when whole and verified.
type Rewriter interface {
	// Rewrite reads the source once, hands the rows of the queried tables to edit in batches, and writes
	// the result to a temporary file beside the original. What no query asks for, and what edit leaves, is
	// copied byte for byte. It then reads the new file back in full, calls verify with a Source over it,
	// and only when all of that succeeds replaces the original: fsync, rename, fsync of the folder. After
	// any error the original is as it was and no temporary file is left.
	Rewrite(ctx context.Context, q []Query, edit EditFunc, verify func(Source) error) (RewriteReport, error)
}

// CopyKeeper is a Mutator that keeps, beside an application's tables, copies of what the registry says of
// their rows: tables of Lethe's own, in which the application looks up what it may do, and views that show
// only what a purpose may see. Copies are read by Scan, like any table. A connector marks the tables and
// views that it makes (by a comment, an alias), and touches no others.
type CopyKeeper interface {
	// EnsureCopy creates the copy's table if it is missing, makes its views as c says, drops views of the
	// copy that c no longer names, and returns the table as the catalog has it: the fields of the key of
	// c.Of, as they are declared there, then c.Fields; the key is that of c.Of, then c.Key. What is as c
	// says is not touched. A table or view of such a name that is no copy, or one of another table or with
	// other fields, is left alone: the error wraps ErrRefused, and ErrOutdated as well where it is a copy
	// of this table and only its key or fields are not as c says. A copy that cannot be made, by Copy.Check
	// or for the length of a name, is ErrConfig.
	EnsureCopy(ctx context.Context, c Copy) (Table, error)
	// CheckCopy returns the error that EnsureCopy would return, and ErrDenied where the user lacks a right
	// that keeping or dropping the copy takes, as far as that can be known beforehand. It leaves everything
	// as it is.
	CheckCopy(ctx context.Context, c Copy) error
	// WriteCopy changes a copy in one transaction: rows takes the place of those with the same key or is
	// added, then the rows of gone are removed (one that is not there is no error). rows has the copy's
	// fields in catalog order, an *array.Binary each, as in a Batch; nil: none. Keys are compared as the
	// application's table compares them. If the engine refuses a row nothing is changed and the error wraps
	// ErrRefused, as it does if the table is no copy; a deadlock or a lock timeout wraps ErrTransient.
	WriteCopy(ctx context.Context, copy Table, rows arrow.Record, gone []Key) error
	// DropCopy removes a copy and its views. One that is not there is no error; one that is no copy is
	// ErrRefused.
	DropCopy(ctx context.Context, name string) error
}

// Copy says what a copy holds.
type Copy struct {
	Name string // of its table; views that belong to it begin with the name and an underscore
	Of   Table  // the application's table, which has a key
	// Fields are those besides the key of Of: Name, Kind (Text, Date or Timestamp), Length of texts,
	// Nullable. Texts are told apart by case.
	Fields []Field
	Key    []string
	Views  []CopyView
}

// CopyView is a purpose-bound view: the rows of Copy.Of that have a row in the copy which fulfils Where and
// is not past. Whoever may read the view needs no right to the tables behind it, where the engine knows
// rights.
type CopyView struct {
	Name   string            // begins with the copy's name and an underscore
	Fields []string          // of Copy.Of, in this order
	Where  map[string]string // Text field of the copy: value
	// Until is a Timestamp field of the copy, the first instant in UTC at which a row shows no more, whatever
	// the zone of the reader's session; NULL never ends. "" is none.
	Until string
}

// Clocked is a Source whose engine keeps a time of its own, which the host's is compared with before
// anything is decided.
type Clocked interface {
	// Clock returns the engine's present time.
	Clock(ctx context.Context) (time.Time, error)
}

// Zoner is a Source whose engine fills in times without an offset (CURRENT_TIMESTAMP) in a zone of its own.
type Zoner interface {
	// Zone returns the name of that zone, as the engine says it: UTC where it is that.
	Zone(ctx context.Context) (string, error)
}

// Viewer is a Source that can say which tables its views read.
type Viewer interface {
	// Views returns the views, sorted by name. What a view reads through other views is among its tables.
	Views(ctx context.Context) ([]View, error)
}

// View is a named query of a source.
type View struct {
	Name   string
	Tables []string // those of the catalog that it reads, sorted; nil where its definition may not be seen
}

// EditFunc decides what happens to the rows of one batch. The batch, and the Edit's arrays, are valid until
// the next call.
type EditFunc func(Batch) (Edit, error)

// Table is one entry of a source's catalog.
type Table struct {
	Database string // the catalog's own name: the schema of a server, the stem of a file
	Name     string
	Fields   []Field
	// Key names the fields of the primary key, in key order, or of what names rows as well where there is none
	// (NameRows). Empty: rows cannot be addressed, so they are never changed in place.
	Key []string
	// Alternate says that the key is a unique constraint, as there is no primary key: what a reference means that no
	// foreign key declares is another matter (KeyBy).
	Alternate   bool
	ForeignKeys []ForeignKey
	Outside     []Outside  // foreign keys that lead to it from tables which are not in the catalog
	Unique      [][]string // unique constraints other than the key
	// Distinct are further fields on which a unique constraint hangs: of them the engine computes a field or an
	// expression that is unique. A connector that cannot tell leaves it empty; the engine then refuses what it must.
	Distinct []string
	Rows     int64 // the engine's estimate; -1 where it has none
	// Stands are the engine's own numbers of what the rows stand in: the table itself, or its partitions. None is given
	// to anything else while it is there. Only a Standing tells them.
	Stands   []string
	Triggers []Trigger // sorted by name, as far as the user may see them; none where changes run none

	// Unreadable says why the rows cannot be read, though those of the other tables can: a file of a folder that is
	// damaged. What else is said of it may then be missing.
	Unreadable error
}

// Field returns the field of that name.
func (t Table) Field(name string) (Field, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// TakesPart reports whether a unique constraint hangs on the field, so that rows given one value there could not stand
// beside each other.
func (t Table) TakesPart(field string) bool {
	return slices.Contains(t.Distinct, field) ||
		slices.ContainsFunc(t.Unique, func(u []string) bool { return slices.Contains(u, field) })
}

// Tables is a catalog.
type Tables []Table

// Find returns the table of that name.
func (ts Tables) Find(name string) (Table, bool) {
	for _, t := range ts {
		if t.Name == name {
			return t, true
		}
	}
	return Table{}, false
}

// Field is a column of a table.
type Field struct {
	Name       string
	Type       string // as the source declares it
	Kind       Kind
	Nullable   bool
	Generated  bool   // computed by the engine: never written, checked for residue
	AutoUpdate bool   // set by the engine at every update (ON UPDATE current_timestamp)
	Zoned      bool   // the engine keeps its instants in UTC, whatever the zone of who writes them
	Default    string // the constant that a row gets which does not say, in canonical form; "" for none, or a computed one
	Length     int    // most characters (text) or bytes (binary) it holds; 0 no limit, or unknown
}

// Kind is the logical type of a field. It says how the canonical text of a value is to be read.
type Kind string

// The kinds, each with the canonical form of its values.
const (
	Text      Kind = "text"      // UTF-8
	Integer   Kind = "integer"   // -12
	Decimal   Kind = "decimal"   // -12.50, scale as declared
	Float     Kind = "float"     // shortest text of the source; lossy, never part of a key
	Bool      Kind = "bool"      // 0 or 1, or the source's own words
	Date      Kind = "date"      // 2006-01-02; zero dates pass as text
	Time      Kind = "time"      // 15:04:05.999999, may exceed 24 h
	Timestamp Kind = "timestamp" // 2006-01-02 15:04:05.999999, UTC where the engine knows zones, else as stored
	Binary    Kind = "binary"    // raw bytes; also text that is not valid in its declared character set
	Bit       Kind = "bit"       // a string of 0 and 1 as long as declared
	JSON      Kind = "json"      // UTF-8
)

// ForeignKey is a reference from this table's Fields to RefFields of RefTable, position by position.
type ForeignKey struct {
	Name      string
	Fields    []string
	RefTable  string
	RefFields []string
	OnDelete  string // upper case as in SQL: RESTRICT, CASCADE, SET NULL, NO ACTION, SET DEFAULT
	OnUpdate  string // what becomes of this table's rows where RefFields get other values; likewise
}

// Outside is a foreign key of a table that is not in the catalog: of another database, or one that may not be seen.
type Outside struct {
	Table     string // database.table; Scan answers queries of it by Keys, unless it is Hidden
	Fields    []string
	RefFields []string // of the table in the catalog
	OnDelete  string   // as in ForeignKey; CASCADE where it may not be seen
	Hidden    bool     // its rows may not be read
}

// Acts reports whether the engine changes rows along with those that they refer to, rather than refuse.
func (o Outside) Acts() bool { return o.OnDelete != "RESTRICT" && o.OnDelete != "NO ACTION" }

// OutsideKey is the key by which a table outside of the catalog refers to this one by such fields.
func (t *Table) OutsideKey(child string, fields []string) (Outside, bool) {
	for _, o := range t.Outside {
		if o.Table == child && slices.Equal(o.Fields, fields) {
			return o, true
		}
	}
	return Outside{}, false
}

// Query asks for rows of one table.
type Query struct {
	Table   string
	Fields  []string // the columns of the batch, in this order; nil: all fields in catalog order
	Keys    *Keys    // nil: every row
	After   Cursor   // "": from the start
	MaxRows int      // most rows of a batch; 0: as the connector finds best. Batches also end at about 8 MB of values

	// Sample, if more than 0, asks for about so many rows of a table that has more: some blocks of rows, in
	// key order, spread over the range of the keys, the first and the newest rows among them. Its batches
	// are marked Sampled, and no cursor resumes it. A stream, a table without a key where the engine
	// numbers no rows, and a table of no more rows than asked for are read whole. It has no meaning beside
	// Keys or After.
	Sample int
}

// Keys names rows by the values of some fields: the primary key, or the fields of a foreign key. There may
// be millions of tuples; a live source sends them in pieces, a stream filters its one pass. Field values
// are compared as the source itself compares them.
type Keys struct {
	Fields []string
	Tuples []Key

	// Of, if not nil, names what Fields refer to: the tuples are values of those fields, and a row is matched as
	// the engine matches a referring row to the one that it refers to, by the type and collation of the fields
	// referred to. Nil: by those of Fields.
	Of *Referred
}

// Referred is what a foreign key, of the engine or declared only, refers to.
type Referred struct {
	Table  string
	Fields []string
}

// Cursor is a place within a table where a scan resumes. It is opaque, survives a restart, and holds key
// values in the clear: it belongs in encrypted state only.
type Cursor string

// Batch is some rows of one table.
type Batch struct {
	Table string
	// Rows has one column for each field of the query, each an *array.Binary with the canonical text of the
	// values, NULL as not valid; the schema is that of Builder.
	Rows arrow.Record
	Next Cursor // resumes behind the last row of this batch

	// Tuples says, for each row of a query with Keys, which of Keys.Tuples it answers, as the source compares
	// them: its place there. A row that answers several is returned once, for one of them. Nil where rows are
	// matched byte by byte, so that the tuple is the row's own.
	Tuples []int

	Sampled bool // of a Query.Sample: between the batches rows of the table were left out
}

// Op is what happens to a row.
type Op uint8

// The operations of an Edit.
const (
	Leave  Op = iota // as it is
	Update           // set the fields of Edit.Set
	Delete
)

// Edit is the answer to a batch.
type Edit struct {
	Ops []Op // one for each row; nil leaves all
	Set []Assignment
}

// Assignment gives a field new values.
type Assignment struct {
	Field string
	Rows  []bool // the rows that get a new value; they must be Update rows
	// Values has one value for each row of the batch, in the canonical form of the field's kind; not valid
	// is NULL.
	Values *array.Binary
}

// Outcome is what became of one row in a transaction.
type Outcome struct {
	Table  string
	Key    Key // of the primary key
	Status Status
}

// Status says how a row stands after Mutate.
type Status uint8

// The statuses of an Outcome.
const (
	Left Status = iota // there, and unchanged because edit left it
	Done               // changed or deleted as edit said
	Gone               // no such row
)

// RewriteReport says what a rewrite did. A file that no edit touched is not replaced: After equals Before.
type RewriteReport struct {
	Tables        []RewriteCount // the queried tables, sorted by name
	Before, After FileState
}

// RewriteCount counts the rows of one table. Read = Left + Updated + Deleted.
type RewriteCount struct {
	Table                        string
	Read, Left, Updated, Deleted int64
}

// FileState identifies the bytes of a file.
type FileState struct {
	Path   string
	Size   int64
	SHA256 [32]byte
}
