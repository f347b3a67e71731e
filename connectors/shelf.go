package connectors

import (
	"io"
	"time"
)

// Shelf is where files lie that are in no folder of this machine: a bucket, another server. Paths are whole URLs, as
// List gives them. Every call, and every read and write of what it opened, ends by itself within the time that the Shelf
// was opened with. Errors wrap the sentinels of this package, and never hold what gives access. A Shelf may be used by
// several goroutines; connections that nobody uses close by themselves.
type Shelf interface {
	// List returns what lies in the folder of a pattern, sorted by path: names are matched as by path.Match. The
	// temporary files of Create are among the others.
	List(pattern string) (Listing, error)
	// Stat looks at one file. One that is not there is ErrUnreachable and fs.ErrNotExist.
	Stat(path string) (Stored, error)
	// Open reads a file as it was looked at: once other bytes stand there, reading fails with ErrTransient.
	Open(was Stored) (ShelfFile, error)
	// Create begins a new file, of a name of its own beside that of like (TemporaryPrefix). What else a rewritten file has
	// in common with the old one is taken from like, so that it ends on the same day.
	Create(like Stored) (ShelfWriter, error)
	// Replace puts what Create made in the place of a file, if that is still as it was looked at: else it is as it is, and
	// the error is ErrTransient. sum is the SHA-256 of the old bytes, for a Shelf that has no better way to tell.
	Replace(made, was Stored, sum [32]byte) error
	// Left lists what Create made beside a file and nobody removed: that of runs which were killed.
	Left(path string) ([]string, error)
	// Remove removes what Create made, with all that is left of it. One that is not there is no error.
	Remove(made Stored) error
	// Sum is the SHA-256 of a file as it was looked at. It is read for it, unless it was read whole just before.
	Sum(was Stored) ([32]byte, error)
	// Foresee says what stands in the way of writing a file anew.
	Foresee(path string) []Obstacle
}

// Listing is what lies in a folder.
type Listing struct {
	Matching []Stored
	Others   []Stored // in the same folder; none where the pattern has several

	// Earlier are copies that the Shelf keeps of files of matching names as they were before they were replaced or deleted.
	Earlier []Earlier
	// Unknown says why it is not known whether there are such copies; "" it is.
	Unknown string
}

// Stored is a file as it was looked at.
type Stored struct {
	Path string
	Size int64
	Time time.Time // when its content was written, also where it was copied since, as far as the Shelf knows
	Tag  string    // another one once other bytes stand there
}

// ShelfFile is an open file.
type ShelfFile interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// ShelfWriter writes a file, which is there once Finish has returned.
type ShelfWriter interface {
	io.Writer
	Name() string // its path
	Finish() (Stored, error)
	// Close leaves nothing of a file that is not finished.
	Close() error
}

// Earlier is a copy of a file as it was before.
type Earlier struct {
	Path        string // of the file
	ID          string // tells it from other copies of the file
	Size        int64
	Written     time.Time
	LockedUntil time.Time // until when nobody may delete it; zero: nothing says so
	Held        bool      // by a legal hold, which somebody has to lift
	Ends        time.Time // when the Shelf deletes it by its own rules; zero: none that is known
}

// ShelfOptions say what to open. Secrets have been resolved; they must not reach an error or a log.
type ShelfOptions struct {
	Name        string            // of the source in the configuration; goes into errors
	URL         string            // without what stands behind its ?
	Query       map[string]string // what stands there
	Credentials string            // "" whatever the environment of the process gives
	Plaintext   bool              // it may be reached without TLS
	// AnswerWithin is how long it may answer nothing; 0 is the Shelf's default.
	AnswerWithin time.Duration
	// DropReplaced has copies deleted that a Shelf keeps of what Replace replaced.
	DropReplaced bool
}
