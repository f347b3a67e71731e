package anew

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lethe/connectors"
)

// sidecar is a file beside the file that holds its checksum, in any layout: sha256sum's, BSD's or the bare
// digits.
type sidecar struct {
	path string
	md5  bool
	old  []byte
	at   int // where the checksum stands in it
	new  []byte
	temp string // "" once it has been renamed, or before it is written
}

// sidecars finds the side-cars of a path. One that a killed run had written but not yet put in place is put
// in place, if it belongs to the file as it is.
func sidecars(in room, path string) ([]*sidecar, error) {
	var list []*sidecar
	for _, suffix := range []string{".sha256", ".md5"} {
		s := &sidecar{path: path + suffix, md5: suffix == ".md5"}
		if err := s.recover(in, path); err != nil {
			return nil, err
		}
		content, err := in.read(s.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.old = content
		list = append(list, s)
	}
	return list, nil
}

func (s *sidecar) recover(in room, path string) error {
	left, err := in.left(s.path)
	if err != nil || len(left) == 0 {
		return err
	}
	d := newDigest(s.md5)
	if err := in.digest(d, path); err != nil {
		return err
	}
	for _, temp := range left {
		content, err := in.read(temp)
		if err != nil {
			return err
		}
		if bytes.Contains(bytes.ToLower(content), s.digits(d)) {
			old, err := in.read(s.path)
			if err == nil {
				err = in.put(temp, s.path, sha256.Sum256(old))
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := in.drop(temp); err != nil {
			return err
		}
	}
	return nil
}

// digits is the checksum of the side-car's kind in hexadecimal.
func (s *sidecar) digits(d *Digest) []byte {
	sum := d.sha256
	if s.md5 {
		sum = d.md5
	}
	return hex.AppendEncode(nil, sum.Sum(nil))
}

// agrees finds the checksum of the file as it was in the side-car.
func (s *sidecar) agrees(before *Digest) error {
	if s.at = bytes.Index(bytes.ToLower(s.old), s.digits(before)); s.at < 0 {
		return fmt.Errorf("the file does not have the checksum that %s gives: %w", filepath.Base(s.path),
			connectors.ErrDamaged)
	}
	return nil
}

// prepare makes the new content.
func (s *sidecar) prepare(after *Digest) {
	digits := s.digits(after)
	s.new = append(append(bytes.Clone(s.old[:s.at]), digits...), s.old[s.at+len(digits):]...)
}

// write puts the new content into a temporary file that has owner, mode and time of the file's.
func (s *sidecar) write(in room) error {
	f, err := in.create(s.path)
	if err != nil {
		return err
	}
	defer f.Close() // once it is synced nothing is lost
	s.temp = f.Name()
	if _, err := f.Write(s.new); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return in.ready(s.temp)
}
