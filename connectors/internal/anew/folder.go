package anew

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// Folder is one rewrite of a dump that is a folder of files: a folder beside it, which holds the new files, and hard links
// to those that stay as they are, takes its place in one step, so that whoever looks finds the whole old one or the whole
// new one. The old one is removed then; what a killed run left is removed when the next begins.
type Folder struct {
	Before, After connectors.FileState // once it is written

	target string // the folder, symbolic links resolved
	hook   func(Point) error
	info   os.FileInfo
	files  []*folderFile // of the original, sorted by name
	temp   string        // the new folder; the old one, once it is in place
}

// folderFile is a file of the original.
type folderFile struct {
	name   string
	info   os.FileInfo
	digest *Digest // of its bytes, as they were read; nil until then
	sum    string  // of its bytes, hex
	made   bool    // there is a new one
	gone   bool    // the new folder has none
}

// NoExchange is what to do where two folders cannot change places.
const NoExchange = "keep the folder on a file system that can exchange two folders in one step (ext4, xfs, btrfs, " +
	"tmpfs), or take the backup as one file"

var errExchange = fmt.Errorf("the file system cannot put a folder in the place of another in one step: %w",
	errors.ErrUnsupported)

// BeginFolder looks at the folder at a path and clears what a killed run left. Every entry must be a regular file. hook
// is asked at each Point: nil, or of tests. Whoever begins also defers Discard.
func BeginFolder(path string, hook func(Point) error) (*Folder, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, textfile.Error(err)
	}
	f := &Folder{target: target, hook: hook, Before: connectors.FileState{Path: path},
		After: connectors.FileState{Path: path}}
	if err := clearTemporary(target); err != nil {
		return nil, err
	}
	if f.info, err = os.Stat(target); err != nil {
		return nil, textfile.Error(err)
	}
	names, err := textfile.FolderNames(target)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(target, name))
		if err != nil {
			return nil, textfile.Error(err)
		}
		f.files = append(f.files, &folderFile{name: name, info: info})
	}
	for _, suffix := range []string{".sha256", ".md5"} {
		if _, err := os.Lstat(target + suffix); err == nil {
			return nil, fmt.Errorf("checksums of the folder's files stand outside of it, in %s, and could not be replaced "+
				"with it in one step: move that file into the folder: %w", filepath.Base(target+suffix), connectors.ErrConfig)
		}
	}
	if err := f.begin(); err != nil {
		f.Discard()
		return nil, err
	}
	return f, nil
}

// begin makes the new folder, and sees whether it could take the place of the old one.
func (f *Folder) begin() (err error) {
	parent, pattern := filepath.Dir(f.target), connectors.TemporaryPrefix(f.target)+"*"
	if above, err := os.Stat(parent); err == nil && device(above) != device(f.info) {
		return fmt.Errorf("it is a mount of its own: %w", errExchange)
	}
	if f.temp, err = os.MkdirTemp(parent, pattern); err != nil {
		return err
	}
	other, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return err
	}
	defer os.Remove(other)
	return exchange(f.temp, other)
}

// device is the file system that a file or folder is on.
func device(info os.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}

// Target is the folder whose files are replaced.
func (f *Folder) Target() string { return f.target }

// Discard removes the new folder where it is not in place.
func (f *Folder) Discard() {
	if f.temp != "" {
		os.RemoveAll(f.temp)
	}
}

func (f *Folder) file(name string) *folderFile {
	i := slices.IndexFunc(f.files, func(o *folderFile) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return f.files[i]
}

// Reading returns what is to get all bytes of a file of the original, as they are read.
func (f *Folder) Reading(name string) io.Writer {
	d := newDigest(false)
	if o := f.file(name); o != nil {
		o.digest = d
	}
	return d
}

// Create makes the new file in the place of one of the original, which the caller closes. Those that nobody creates stay
// as they are.
func (f *Folder) Create(name string) (*os.File, error) {
	o := f.file(name)
	if o == nil {
		return nil, fmt.Errorf("the folder has no file %s", name)
	}
	if linked(o.info) {
		return nil, fmt.Errorf("%s: %w: %w", name, errSecondName, connectors.ErrConfig)
	}
	o.made = true
	return os.OpenFile(filepath.Join(f.temp, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Omit leaves a file out of the new folder.
func (f *Folder) Omit(name string) error {
	o := f.file(name)
	if o == nil {
		return fmt.Errorf("the folder has no file %s", name)
	}
	o.gone = true
	return nil
}

// Drop leaves a file as it is after all, though a new one was made.
func (f *Folder) Drop(name string) error {
	f.file(name).made = false
	return os.Remove(filepath.Join(f.temp, name))
}

// Wrote says that all new files are written: the original is held against what was read of it.
func (f *Folder) Wrote() error {
	for _, o := range f.files {
		if o.digest == nil || o.digest.size != o.info.Size() { // not read, or not to its end
			o.digest = newDigest(false)
			if err := o.digest.ReadFile(filepath.Join(f.target, o.name)); err != nil {
				return err
			}
		}
		if o.digest.size != o.info.Size() {
			return errMoved
		}
		sum := o.digest.sha()
		o.sum = hex.EncodeToString(sum[:])
		f.Before.Size += o.digest.size
	}
	if err := f.same(); err != nil {
		return err
	}
	f.Before.SHA256 = folderSum(f.files, func(o *folderFile) string { return o.sum })
	return nil
}

// folderSum is the digest of a folder: that of the lines that sha256sum writes of its files, sorted by name.
func folderSum(files []*folderFile, sum func(*folderFile) string) [32]byte {
	h := sha256.New()
	for _, o := range files {
		fmt.Fprintf(h, "%s  %s\n", sum(o), o.name)
	}
	return [32]byte(h.Sum(nil))
}

// Finish has the new folder verified and puts it in the place of the original, if that still holds what was read.
func (f *Folder) Finish(verify func(temp string) error) error {
	if err := f.fill(); err != nil {
		return err
	}
	if err := f.reached(Written); err != nil {
		return err
	}
	if err := verify(f.temp); err != nil {
		return err
	}
	if err := f.reached(Verified); err != nil {
		return err
	}
	if err := f.unchanged(); err != nil {
		return err
	}
	if err := f.dress(); err != nil {
		return err
	}
	if err := f.reached(Ready); err != nil {
		return err
	}
	if err := exchange(f.temp, f.target); err != nil {
		return err
	}
	if err := f.reached(Renamed); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(f.target)); err != nil {
		return err
	}
	old := f.temp
	f.temp = ""
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("the new folder is in place; remove the old one, %s: %w", filepath.Base(old), err)
	}
	return syncFolder(filepath.Dir(f.target))
}

func (f *Folder) reached(p Point) error {
	if f.hook == nil {
		return nil
	}
	return f.hook(p)
}

// fill adds the checksums of the new files, and all files that stay as they are.
func (f *Folder) fill() error {
	if err := f.sidecars(); err != nil {
		return err
	}
	after := map[*folderFile]string{}
	left := slices.DeleteFunc(slices.Clone(f.files), func(o *folderFile) bool { return o.gone })
	for _, o := range left {
		path := filepath.Join(f.temp, o.name)
		if !o.made {
			if err := keep(filepath.Join(f.target, o.name), path, o.info); err != nil {
				return err
			}
			after[o] = o.sum
			f.After.Size += o.info.Size()
			continue
		}
		d := newDigest(false)
		if err := d.ReadFile(path); err != nil {
			return err
		}
		sum := d.sha()
		after[o] = hex.EncodeToString(sum[:])
		f.After.Size += d.size
	}
	f.After.SHA256 = folderSum(left, func(o *folderFile) string { return after[o] })
	return nil
}

// keep gives a file a second name, or a copy where the file system has no such names.
func keep(old, path string, info os.FileInfo) error {
	err := os.Link(old, path)
	if err == nil || !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EXDEV) &&
		!errors.Is(err, syscall.EMLINK) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	in, err := os.Open(old)
	if err != nil {
		return textfile.Error(err)
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return dressAs(path, info)
}

// same checks that the folder holds the files that it held when the rewrite began.
func (f *Folder) same() error {
	names, err := textfile.FolderNames(f.target)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(names, f.files, func(name string, o *folderFile) bool { return name == o.name }) {
		return errMoved
	}
	for _, o := range f.files {
		info, err := os.Lstat(filepath.Join(f.target, o.name))
		if err != nil {
			return textfile.Error(err)
		}
		if !os.SameFile(info, o.info) || info.Size() != o.info.Size() || !info.ModTime().Equal(o.info.ModTime()) {
			return errMoved
		}
	}
	now, err := os.Stat(f.target)
	if err != nil {
		return textfile.Error(err)
	}
	if !os.SameFile(now, f.info) {
		return errMoved
	}
	return nil
}

// unchanged checks that the original still holds the bytes that were read.
func (f *Folder) unchanged() error {
	if err := f.same(); err != nil {
		return err
	}
	for _, o := range f.files {
		if !o.made {
			continue // the new folder holds that very file
		}
		now := newDigest(false)
		if err := now.ReadFile(filepath.Join(f.target, o.name)); err != nil {
			return err
		}
		if now.sha() != o.digest.sha() {
			return errMoved
		}
	}
	return nil
}

// dress gives the new files and the new folder owner, mode and times of the old ones, and syncs them.
func (f *Folder) dress() error {
	for _, o := range f.files {
		if !o.made {
			continue
		}
		if err := dressAs(filepath.Join(f.temp, o.name), o.info); err != nil {
			return err
		}
	}
	return dressAs(f.temp, f.info)
}

// ForeseeFolder says what stands in the way of writing a folder anew.
func ForeseeFolder(path string) []connectors.Obstacle {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // rewriting will tell
	}
	beside, err := os.ReadDir(filepath.Dir(path))
	if err != nil || slices.ContainsFunc(beside, func(e os.DirEntry) bool {
		return strings.HasPrefix(e.Name(), connectors.TemporaryPrefix(path))
	}) {
		return nil // of a killed run, whose links are second names until it is cleared
	}
	names, err := textfile.FolderNames(path)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if info, err := os.Lstat(filepath.Join(path, name)); err == nil && linked(info) {
			return []connectors.Obstacle{{Kind: connectors.ErrConfig, DSN: "path", What: name + ": " + secondName,
				Mend: mendSecondName}}
		}
	}
	return nil
}
