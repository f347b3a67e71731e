package anew

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// sumBytes is the most that a file of checksums may hold.
const sumBytes = 16 << 20

// folderSums are the kinds of checksums that are computed anew: by the ending of a file's own, or the beginning of the
// name of a list of them.
var folderSums = []struct {
	suffix, list string
	make         func() hash.Hash
}{
	{".sha256", "sha256sum", sha256.New},
	{".md5", "md5sum", md5.New},
}

// sealed are endings of files that say something of another file's bytes which cannot be made true again.
var sealed = []string{".sha1", ".sha512", ".sig", ".asc", ".minisig"}

// IsSidecar reports whether a file in a folder is one that speaks of the bytes of others, by its name.
func IsSidecar(name string) bool {
	for _, kind := range folderSums {
		if strings.HasSuffix(name, kind.suffix) || strings.HasPrefix(strings.ToLower(name), kind.list) {
			return true
		}
	}
	return slices.Contains(sealed, filepath.Ext(name))
}

// sidecars writes the files of checksums anew that speak of new files.
func (f *Folder) sidecars() error {
	made := map[string]bool{}
	for _, o := range f.files {
		made[o.name] = o.made || o.gone
	}
	for _, o := range f.files {
		for _, suffix := range sealed {
			if of, ok := strings.CutSuffix(o.name, suffix); ok && made[of] {
				return fmt.Errorf("%s would not be true of the new %s: remove it, or leave the table as it is: %w", o.name, of,
					connectors.ErrConfig)
			}
		}
		for _, kind := range folderSums {
			of, own := strings.CutSuffix(o.name, kind.suffix)
			if own = own && f.file(of) != nil; !own && !strings.HasPrefix(strings.ToLower(o.name), kind.list) {
				continue
			}
			if own && f.file(of).gone {
				o.gone = true
				continue
			}
			if o.made {
				return fmt.Errorf("%s is both a file of checksums and a part of the dump: %w", o.name, connectors.ErrConfig)
			}
			var about []string
			for name, is := range made {
				if is && (!own || name == of) {
					about = append(about, name)
				}
			}
			if err := f.sums(o, kind.make, about, own); err != nil {
				return err
			}
		}
	}
	return nil
}

// sums writes a file of checksums anew as far as it speaks of some new files; own says that it must.
func (f *Folder) sums(o *folderFile, kind func() hash.Hash, about []string, own bool) error {
	if len(about) == 0 {
		return nil
	}
	if o.info.Size() > sumBytes {
		return fmt.Errorf("%s is too long for a file of checksums: %w", o.name, connectors.ErrConfig)
	}
	content, err := os.ReadFile(filepath.Join(f.target, o.name))
	if err != nil {
		return textfile.Error(err)
	}
	was := bytes.Clone(content)
	for _, name := range about {
		if f.file(name).gone {
			if start, end := lineOf(content, name); start >= 0 {
				content = slices.Delete(content, start, end)
			}
			continue
		}
		old, err := hexOf(kind(), filepath.Join(f.target, name))
		if err != nil {
			return err
		}
		fresh, err := hexOf(kind(), filepath.Join(f.temp, name))
		if err != nil {
			return err
		}
		start, end := 0, len(content)
		if !own {
			if start, end = lineOf(content, name); start < 0 {
				continue // not of this file
			}
		}
		at := bytes.Index(bytes.ToLower(content[start:end]), []byte(old))
		if at < 0 {
			return fmt.Errorf("%s does not have the checksum that %s gives: %w", name, o.name, connectors.ErrDamaged)
		}
		digits := []byte(fresh)
		if upper := bytes.ToUpper([]byte(old)); bytes.Equal(content[start+at:start+at+len(upper)], upper) {
			digits = bytes.ToUpper(digits)
		}
		copy(content[start+at:], digits)
	}
	if bytes.Equal(was, content) {
		return nil
	}
	file, err := f.Create(o.name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Close()
}

// lineOf finds the line of a list of checksums that speaks of a file: its name is a word of it.
func lineOf(list []byte, name string) (start, end int) {
	for line := range bytes.Lines(list) {
		end = start + len(line)
		words := strings.FieldsFunc(string(line), func(r rune) bool { return strings.ContainsRune(" \t\r\n*()=", r) })
		if slices.ContainsFunc(words, func(w string) bool { return strings.TrimPrefix(w, "./") == name }) {
			return start, end
		}
		start = end
	}
	return -1, -1
}

func hexOf(h hash.Hash, path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", textfile.Error(err)
	}
	defer in.Close()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
