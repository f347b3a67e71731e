package dumpfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"lethe/connectors"
	"lethe/connectors/internal/packed"
	"lethe/connectors/internal/textfile"
)

// The options of what dumps are packed in.
const (
	memberOption     = "member"
	identityOption   = "identity"
	recipientsOption = "recipients"
)

// PackedOptions are those of every kind of backup that is one file.
var PackedOptions = []connectors.OptionSpec{{
	Name:  memberOption,
	About: "a name; which file in an archive (tar, zip) is the dump, where several are",
	Check: func(value string) error {
		if !filepath.IsLocal(value) {
			return errors.New("no name of a file in an archive")
		}
		return nil
	},
}, {
	Name:  identityOption,
	About: "file:PATH; the file of the age identity that opens what is encrypted",
	Check: func(value string) error {
		if path, is := strings.CutPrefix(value, "file:"); !is || path == "" {
			return errors.New("no reference to a file")
		}
		return nil
	},
}, {
	Name:  recipientsOption,
	About: "age1... age1...; for whom a rewritten file is encrypted, where that is not only who has the identity",
	Check: func(value string) error {
		_, err := recipientsOf(value)
		return err
	},
}}

// Opening is how the file of a dump is opened, as the options of its source say.
func Opening(o connectors.Options) (textfile.Options, error) {
	t := textfile.Options{Shelf: o.Shelf, Name: filepath.Base(o.DSN), Member: o.Extra[memberOption]}
	path, is := strings.CutPrefix(o.Extra[identityOption], "file:")
	if !is {
		return t, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return t, fmt.Errorf("option %s: %w", identityOption, textfile.Error(err))
	}
	defer f.Close()
	t.Keys = &packed.Keys{}
	if t.Keys.Identities, err = age.ParseIdentities(f); err != nil {
		return t, fmt.Errorf("option %s: the file holds no identity of age: %w", identityOption, connectors.ErrConfig)
	}
	t.Keys.Recipients, err = recipientsOf(o.Extra[recipientsOption])
	return t, err
}

func recipientsOf(text string) ([]age.Recipient, error) {
	if text == "" {
		return nil, nil
	}
	list, err := age.ParseRecipients(strings.NewReader(strings.Join(strings.Fields(text), "\n")))
	if err != nil {
		return nil, errors.New("no recipients of age")
	}
	return list, nil
}

// ErrBeside says that what lies in an archive beside the dump is not in the new one as it was.
var ErrBeside = fmt.Errorf("read back the new file: what lies in the archive beside the dump is not as it was: %w",
	connectors.ErrDamaged)

// Suffixes are what the names of dumps end in that are a text, packed or not, or lie in an archive.
var Suffixes = []string{".sql", ".sql.gz", ".sql.zst", ".sql.bz2", ".sql.xz", ".tar", ".tar.gz", ".tgz", ".tar.zst",
	".tar.bz2", ".tar.xz", ".zip"}
