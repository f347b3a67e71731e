package tilelog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/registry/keystore"
)

// Found is what a check of the log of a folder of reports found.
type Found struct {
	Log          *Log // nil: there is none, or it cannot be read
	Newest       Checkpoint
	Cosignatures []Cosignature
	Stamps       []int64  // the sizes of which a time stamp stands; nobody has looked at it
	Claimed      []string // names of files of the log, under the reports
	Problems     []string
	Notes        []string
}

func (f *Found) problem(format string, args ...any) {
	f.Problems = append(f.Problems, fmt.Sprintf(format, args...))
}

// Next steps.
const (
	askWhole = "ask for the whole folder log again, as it stands with the company"
	fork     = "two histories were signed with the log's key: stop relying on either, keep this copy, and ask who " +
		"holds the key"
)

// Check checks the log of a folder of reports with the public keys alone. names are the files below its folder log,
// as they stand under the reports; since is a checkpoint that somebody kept, or nil. The file system's own errors come
// back apart.
func Check(reports string, names []string, key keystore.PublicKey, witnesses []keystore.PublicKey,
	since *Checkpoint) (f Found, err error) {
	signed, newest, err := Newest(reports, key)
	f.Newest = newest
	claim := func(name string) { f.Claimed = append(f.Claimed, name) }
	switch {
	case err != nil && signed == nil:
		return f, err
	case err != nil:
		claim(Folder + "/" + newestName)
		f.problem("%v: %s", err, askWhole)
		return f, nil
	case signed == nil && len(names) > 0:
		f.problem("%s/%s is missing: %s", Folder, newestName, askWhole)
		return f, nil
	case signed == nil:
		return f, nil
	}
	claim(Folder + "/" + newestName)
	entries, err := Entries(reports, newest.Size)
	if err != nil {
		f.problem("the log: %v: %s", reason(err), askWhole)
		return f, nil
	}
	l, err := New(entries)
	if err != nil {
		return f, err
	}
	if err := l.Agrees(newest); err != nil {
		f.problem("the entries of the log are not those that its checkpoint of %d nights was signed for: one was "+
			"altered; %s",
			newest.Size, askWhole)
		return f, nil
	}
	f.Log = l
	for _, name := range names {
		if err := f.file(reports, name, key, witnesses); err != nil {
			return f, err
		}
	}
	f.tiles(reports, names)
	f.against("the checkpoint that you keep", since)
	slices.SortStableFunc(f.Cosignatures, func(a, b Cosignature) int {
		return int(a.Checkpoint.Size-b.Checkpoint.Size)*2 + a.At.Compare(b.At)
	})
	return f, nil
}

// reason drops the path from a file system's error, which the caller has named already.
func reason(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		name, _, _ := strings.Cut(err.Error(), " cannot be read")
		return fmt.Errorf("%s is missing", name)
	}
	return err
}

// against says whether the log goes on from a checkpoint that stands elsewhere.
func (f *Found) against(what string, c *Checkpoint) {
	if c == nil {
		return
	}
	switch err := f.Log.Agrees(*c); {
	case errors.Is(err, ErrCut):
		f.problem("nights are missing at the end: the log ends with night %d, and %s was signed over %d: this is an "+
			"older "+
			"copy, or the newest nights were taken away; ask for the folder as it is now", f.Log.Size(), what, c.Size)
	case err != nil:
		f.problem("forked history: %s says otherwise what the first %d nights are: %s", what, c.Size, fork)
	}
}

// file checks a checkpoint or a cosignature, and claims what is known.
func (f *Found) file(reports, name string, key keystore.PublicKey, witnesses []keystore.PublicKey) error {
	size, ok := sizeOf(name)
	kind := strings.TrimPrefix(path.Dir(name), Folder+"/")
	if !ok || kind != checkpoints && kind != cosignatures && kind != stamps {
		return nil
	}
	f.Claimed = append(f.Claimed, name)
	if kind == stamps {
		f.Stamps = append(f.Stamps, size)
		return nil
	}
	body, err := readSmall(filepath.Join(reports, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	c, err := Open(body, key)
	if err != nil {
		f.problem("%s: %v", name, err)
		return nil
	}
	if c.Size != size {
		f.problem("%s is of %d nights: it was renamed; put it back under its name", name, c.Size)
	}
	if f.Log.Size() < c.Size && kind == checkpoints && c.Size == f.Log.Size()+1 {
		f.Notes = append(f.Notes, name+" is newer than log/checkpoint by one night: a publication was cut off "+
			"there; the "+
			"next night of the company mends it")
		return nil
	}
	f.against(name, &c)
	if kind == checkpoints {
		return nil
	}
	found, err := Cosignatures(body, key, witnesses)
	if err != nil {
		f.problem("%s: %v: ask who cosigned for theirs", name, err)
	}
	_, id, _ := strings.Cut(path.Base(name), "-")
	if err == nil && !slices.ContainsFunc(found, func(c Cosignature) bool { return c.ID == id }) {
		f.problem("%s holds no cosignature of the key %s: it was taken out or altered; ask who cosigned for "+
			"theirs", name,
			id)
	}
	f.Cosignatures = append(f.Cosignatures, found...)
	return nil
}

// tiles checks the files of hashes and entries against the entries, and the checkpoints that must stand.
func (f *Found) tiles(reports string, names []string) {
	want, err := f.Log.tiles()
	if err != nil {
		f.problem("%v", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		at := Folder + "/" + name
		body, err := readSmall(filepath.Join(reports, filepath.FromSlash(at)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.problem("%s is missing: %s", at, askWhole)
		case err != nil || !bytes.Equal(body, want[name]):
			f.problem("%s is not what the entries hash to: it was altered; %s", at, askWhole)
		}
		f.Claimed = append(f.Claimed, at)
	}
	for _, at := range names { // of fewer or of more entries: a publication that was cut off
		name := strings.TrimPrefix(at, Folder+"/")
		if _, known := want[name]; !known && f.cutOff(reports, name, want) {
			f.Claimed = append(f.Claimed, at)
		}
	}
}

// cutOff reports whether a tile that the checkpoint does not ask for is one that a publication left which was cut off:
// of fewer entries, or of one more.
func (f *Found) cutOff(reports, name string, want map[string][]byte) bool {
	if slices.Contains(tileNames(f.Log.Size()+1), name) {
		return true
	}
	full, ok := partial(name)
	for other, body := range want {
		if stem, _ := partial(other); ok && stem == full {
			got, err := readSmall(filepath.Join(reports, Folder, filepath.FromSlash(name)))
			return err == nil && bytes.HasPrefix(body, got)
		}
	}
	return false
}

// Files lists the files below the log's folder, named from the reports, but those that are being written.
func Files(reports string) (names []string, err error) {
	err = filepath.WalkDir(filepath.Join(reports, Folder), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(reports, file)
		if name := filepath.ToSlash(rel); !Unfinished(name) {
			names = append(names, name)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return names, err
}

// Unfinished tells the name of a file that was being written.
func Unfinished(name string) bool { return strings.HasPrefix(path.Base(name), ".tmp-") }

// Last is the newest cosignature of a key over what this log has; the zero one where there is none.
func Last(l *Log, list []Cosignature, key keystore.PublicKey) (last Cosignature) {
	for _, c := range list {
		if c.Known && c.Key.String() == key.String() && l.Agrees(c.Checkpoint) == nil &&
			c.Checkpoint.Size >= last.Checkpoint.Size {
			last = c
		}
	}
	return last
}
