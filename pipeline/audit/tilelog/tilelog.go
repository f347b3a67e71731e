// Package tilelog is the append-only log of what was published: each night's manifest is a leaf of one Merkle tree (RFC
// 6962), so that a night that is taken out, replaced or put in shows against any checkpoint that somebody kept. Its
// nouns: Entry (a leaf), Log (all of them, with the hashes over them), Checkpoint (how many there were at a time, and
// the hash over all), Cosignature (that somebody else looked, and when).
//
// The formats are those of others, so that other tools read them: checkpoints are C2SP tlog-checkpoint, signed as a
// note; the files are C2SP tlog-tiles; cosignatures are C2SP tlog-cosignature; a proof for one night is C2SP
// tlog-proof. In the folder of the reports:
//
//	log/checkpoint                   the newest checkpoint
//	log/tile/0/000.p/27              hashes of leaves, 256 to a tile; 1, 2 and so on the levels above
//	log/tile/entries/000.p/27        the leaves themselves
//	log/checkpoints/000027           every checkpoint that was signed, by its size
//	log/cosignatures/000027-1a2b3c4d the checkpoint with a cosignature, by size and key
//	log/stamps/000027.tsr            an RFC 3161 time stamp over checkpoints/000027
//
// The log is small, an entry for each run that was published: it is read, hashed and checked in whole each time. What
// is written is made from the entries alone, so that the same entries give the same bytes, signatures too.
package tilelog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrOther: a checkpoint is of another log.
	ErrOther = errors.New("it is of another log")
	// ErrForged: a checkpoint is not signed by the key, or is not one.
	ErrForged = errors.New("it is not as the log's key signed it")
	// ErrForked: a checkpoint of the same log says otherwise what its first nights are.
	ErrForked = errors.New("the history is another one")
	// ErrCut: the log is shorter than it was.
	ErrCut = errors.New("the log was longer")
)

// The kinds of entries.
const (
	Night = "night" // the manifest of a run
	Purge = "purge" // what a run removed since its term was over
)

// Entry is a leaf of the log: its JSON, in this order, is what is hashed. Place and name of the night stand in it, so
// that one that is missing can be named.
type Entry struct {
	Kind     string `json:"kind"`     // night or purge
	Run      string `json:"run"`      // id of the run
	Date     string `json:"date"`     // civil date of its folder
	Manifest string `json:"manifest"` // sha256 of its manifest, or of its purge, hex

	// Receipts is the root of the tree over what the night committed to for people's receipts, in base64; "" nothing.
	Receipts string `json:"receipts,omitempty"`
}

// Bytes are the entry as it stands in the log.
func (e Entry) Bytes() []byte {
	body, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts always marshal
	}
	return body
}

// ParseEntry reads an entry. One that would be written otherwise is refused.
func ParseEntry(body []byte) (e Entry, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || !bytes.Equal(e.Bytes(), body) {
		return e, errors.New("it is no entry as this version of lethe writes it")
	}
	return e, nil
}

// Log is the entries of a log, with the hashes over them.
type Log struct {
	entries []Entry
	hashes
}

// New is the log of these entries.
func New(entries []Entry) (*Log, error) {
	l := &Log{entries: slices.Clone(entries)}
	for i, e := range entries {
		if err := l.add(i, e.Bytes()); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Entries are the leaves in their order.
func (l *Log) Entries() []Entry { return l.entries }

// Size is how many leaves there are.
func (l *Log) Size() int64 { return int64(len(l.entries)) }

// Root is the hash over the first so many leaves.
func (l *Log) Root(size int64) (tlog.Hash, error) {
	if size < 0 || size > l.Size() {
		return tlog.Hash{}, fmt.Errorf("%w: %d nights are there of %d", ErrCut, l.Size(), size)
	}
	return tlog.TreeHash(size, l)
}

// Find is the place of a run's night; -1 it has none.
func (l *Log) Find(run string) int64 {
	return int64(slices.IndexFunc(l.entries, func(e Entry) bool { return e.Kind == Night && e.Run == run }))
}

// Agrees says whether this log goes on from a checkpoint: nil it does; [ErrCut] it is shorter; [ErrForked] its nights
// up to there are others.
func (l *Log) Agrees(c Checkpoint) error {
	root, err := l.Root(c.Size)
	if err == nil && root != c.Root {
		err = fmt.Errorf("%w: the first %d nights are not those of the checkpoint", ErrForked, c.Size)
	}
	return err
}

// Nights are the civil days of the entries from a place on, each once, in their order.
func (l *Log) Nights(from int64) (days []string) {
	for _, e := range l.entries[min(max(from, 0), l.Size()):] {
		if e.Kind == Night && !slices.Contains(days, e.Date) {
			days = append(days, e.Date)
		}
	}
	return days
}

// tileHeight is that of C2SP tlog-tiles: 256 hashes to a tile.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tileName is where a tile stands under the log's folder: level -1 holds entries. width is how many of its hashes there
// are.
func tileName(level int, n int64, width int) string {
	number := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	kind := "entries"
	if level >= 0 {
		kind = fmt.Sprint(level)
	}
	name := "tile/" + kind + "/" + number
	if width < tileWidth {
		name += fmt.Sprintf(".p/%d", width)
	}
	return name
}

// tiles are the files that hold a log, by their name under its folder.
func (l *Log) tiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, t := range tlog.NewTiles(tileHeight, 0, l.Size()) {
		body, err := tlog.ReadTileData(t, l)
		if err != nil {
			return nil, fmt.Errorf("tile: %w", err)
		}
		files[tileName(t.L, t.N, t.W)] = body
	}
	for at := 0; at < len(l.entries); at += tileWidth {
		bundle := l.entries[at:min(at+tileWidth, len(l.entries))]
		var body []byte
		for _, e := range bundle {
			text := e.Bytes()
			body = append(append(body, byte(len(text)>>8), byte(len(text))), text...)
		}
		files[tileName(-1, int64(at/tileWidth), len(bundle))] = body
	}
	return files, nil
}

// tileNames are the names of the files that a log of a size has.
func tileNames(size int64) (names []string) {
	for _, t := range tlog.NewTiles(tileHeight, 0, size) {
		names = append(names, tileName(t.L, t.N, t.W))
	}
	for at := int64(0); at < size; at += tileWidth {
		names = append(names, tileName(-1, at/tileWidth, int(min(size-at, tileWidth))))
	}
	return names
}

// parseBundle reads a file of entries.
func parseBundle(body []byte) (list []Entry, err error) {
	for len(body) > 0 {
		if len(body) < 2 || len(body)-2 < int(body[0])<<8+int(body[1]) {
			return list, errors.New("it ends within an entry")
		}
		end := 2 + int(body[0])<<8 + int(body[1])
		e, err := ParseEntry(body[2:end])
		if err != nil {
			return list, err
		}
		list, body = append(list, e), body[end:]
	}
	return list, nil
}

// partial reports whether a name is that of a tile that is not full, and of which.
func partial(name string) (full string, ok bool) {
	full, _, ok = strings.Cut(name, ".p/")
	return full, ok
}
