// Package tried keeps what came of trials to put backups back: a [Trial] each, signed, in the state folder. [Leave]
// puts one there, [Read] finds them.
package tried

import (
	"errors"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/setup"
	"lethe/pipeline/vouched"
)

// forgotten is for how long the trial of a file that is gone is kept: it says when one of its set was tried last.
const forgotten = 400 * 24 * time.Hour

// Trial is what came of the last trial to put a backup back.
type Trial struct {
	Source  string    `json:"source"`           // of the backup, as the reports name it
	Digest  string    `json:"sha256"`           // of the file that was tried
	TriedAt time.Time `json:"tried_at"`         // when it ended
	Engine  string    `json:"engine"`           // into which it was put back; "" it came to none
	Tables  int       `json:"tables"`           // that were compared
	Rows    int64     `json:"rows"`             // in them, as they stand there again
	Erased  int64     `json:"rows_of_erased"`   // of them, those that a night had ended
	Left    []string  `json:"left,omitempty"`   // what of it was not put back or compared, in words
	Faults  []string  `json:"faults,omitempty"` // why it cannot be relied on; none: it can
	Program string    `json:"program"`          // the version of Lethe
}

// Holds reports whether the backup was put back as the file says.
func (t Trial) Holds() bool { return len(t.Faults) == 0 }

// trials are the files that keep them.
var trials = vouched.Kind[Trial]{Folder: "trials", Under: "backup trial", Field: "trial",
	Name: func(t Trial) string { return t.Source }}

// Leave signs a trial and puts it in the place of an earlier one of its backup. Those of backups that are long gone go.
func Leave(p *setup.Setup, t Trial) error {
	t.Program = p.Version
	if err := trials.Leave(p, t); err != nil {
		return err
	}
	all, err := Read(p)
	if err != nil {
		return err
	}
	var errs []error
	for _, old := range all {
		there := slices.ContainsFunc(p.Sources, func(s setup.Source) bool { return s.Name == old.Source })
		if !there && p.Now().Sub(old.TriedAt) > forgotten {
			errs = append(errs, trials.Forget(p, old.Source))
		}
	}
	return errors.Join(errs...)
}

// Read finds the trials, by source. One that is not as this keystore's runner signed it, or of a time to come, is none.
func Read(p *setup.Setup) ([]Trial, error) {
	list, err := trials.Read(p)
	return slices.DeleteFunc(list, func(t Trial) bool { return !t.TriedAt.Before(p.Now().Add(24 * time.Hour)) }), err
}

// Of is the trial of a backup; ok is false where it has none.
func Of(list []Trial, source string) (t Trial, ok bool) {
	i := slices.IndexFunc(list, func(t Trial) bool { return t.Source == source })
	if i < 0 {
		return t, false
	}
	return list[i], true
}

// Newest is when a backup of a set was last put back as its file says; zero: never.
func Newest(list []Trial, set string) (at time.Time) {
	for _, t := range list {
		if of, _, _ := strings.Cut(t.Source, "/"); of == set && t.Holds() && t.TriedAt.After(at) {
			at = t.TriedAt
		}
	}
	return at
}
