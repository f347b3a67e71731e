package answers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
)

// Folder is where the files of the answers stand, in the folder of the reports.
const Folder = "answers"

// Book is where a company's answers are kept.
type Book struct {
	Chain
	journal *journal.Journal
	folder  string
	differ  []int64
	copies  [2]Copy // the journal's, the folder's
}

// Open reads both copies of the answers. It changes nothing. The error is [ErrBroken] where the chain does not hold;
// the book then has what is whole at its beginning.
func Open(ctx context.Context, j *journal.Journal, reports string) (*Book, error) {
	b := &Book{journal: j, folder: filepath.Join(reports, Folder)}
	var err error
	if b.copies[0], err = j.Answers(ctx); err != nil {
		return b, err
	}
	if b.copies[1], err = ReadFolder(reports); err != nil {
		return b, err
	}
	b.Chain, b.differ, err = Merge(b.copies[:]...)
	return b, err
}

// ReadFolder reads the files of a folder of reports; none where it has none.
func ReadFolder(reports string) (Copy, error) {
	entries, err := os.ReadDir(filepath.Join(reports, Folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	copied := Copy{}
	for _, e := range entries {
		place, ok := placeOf(e.Name())
		if !ok {
			continue // one that is being written
		}
		body, err := os.ReadFile(filepath.Join(reports, Folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		copied[place] = body
	}
	return copied, nil
}

// FileName is the name of the file of an answer.
func FileName(place int64) string { return fmt.Sprintf("%06d.json", place) }

// placeOf is the place that a file's name says.
func placeOf(name string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, ".json")
	place, err := strconv.ParseInt(digits, 10, 64)
	return place, ok && err == nil && FileName(place) == name
}

// Sign signs what comes next and records it, and moves a plan with it; nil moves none. The file comes first: cut off
// before the journal has it, the next night takes it from there.
func (b *Book) Sign(ctx context.Context, a Answer, by *keystore.Signer, now time.Time,
	m *journal.Move) (Signed, error) {
	s, err := b.Next(a, by, now)
	if err != nil {
		return s, err
	}
	if err := b.write(s); err != nil {
		return s, err
	}
	if err := b.journal.PutAnswer(ctx, s.Answer.Seq, s.Answer.About, s.Bytes(), m); err != nil {
		return s, errors.Join(err, os.Remove(filepath.Join(b.folder, FileName(s.Answer.Seq))))
	}
	b.list = append(b.list, s)
	return s, nil
}

// write makes the file of an answer, which must not be there yet.
func (b *Book) write(s Signed) error {
	if err := os.MkdirAll(b.folder, 0o750); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	f, err := os.CreateTemp(b.folder, ".tmp-*")
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(s.Bytes())
	if err := errors.Join(err, f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	err = os.Link(f.Name(), filepath.Join(b.folder, FileName(s.Answer.Seq)))
	if errors.Is(err, fs.ErrExist) {
		return ErrTaken
	}
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return syncDir(b.folder)
}

// Restore makes the two copies alike again, and returns the places of what one of them lacked or had otherwise. The
// chain must hold.
func (b *Book) Restore(ctx context.Context) ([]int64, error) {
	for _, place := range b.differ {
		s := b.list[place-1]
		if !bytes.Equal(b.copies[0][place], s.Bytes()) {
			if err := b.journal.RestoreAnswer(ctx, place, s.Answer.About, s.Bytes()); err != nil {
				return nil, err
			}
		}
		if !bytes.Equal(b.copies[1][place], s.Bytes()) {
			err := os.Remove(filepath.Join(b.folder, FileName(place)))
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				err = b.write(s)
			}
			if err != nil {
				return nil, fmt.Errorf("restore answer %d: %w", place, err)
			}
		}
	}
	return b.differ, nil
}

// Abandon moves aside what does not follow the chain any more, so that it can go on: files into a hidden folder beside
// the reports, where they can be looked at.
func (b *Book) Abandon(ctx context.Context, now time.Time) error {
	last := int64(len(b.list))
	aside := filepath.Join(filepath.Dir(b.folder), ".quarantine-answers-"+now.UTC().Format("20060102T150405Z"))
	for place := range b.copies[1] {
		if place <= last {
			continue
		}
		if err := os.MkdirAll(aside, 0o750); err != nil {
			return fmt.Errorf("move answers aside: %w", err)
		}
		name := FileName(place)
		if err := os.Rename(filepath.Join(b.folder, name), filepath.Join(aside, name)); err != nil {
			return fmt.Errorf("move answers aside: %w", err)
		}
	}
	if err := b.journal.CutAnswers(ctx, last); err != nil {
		return err
	}
	_, err := b.Restore(ctx)
	return err
}

// Last is the highest place that any copy has something at.
func (b *Book) Last() (last int64) {
	for _, copied := range b.copies {
		for place := range copied {
			last = max(last, place)
		}
	}
	return last
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
