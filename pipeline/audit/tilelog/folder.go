package tilelog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"lethe/pipeline/registry/keystore"
)

// Folder is where the log stands, in the folder of the reports.
const Folder = "log"

const (
	newestName   = "checkpoint"
	checkpoints  = "checkpoints"
	cosignatures = "cosignatures"
	stamps       = "stamps"
)

// CheckpointFile is the name under the reports of the checkpoint of a size.
func CheckpointFile(size int64) string { return fmt.Sprintf("%s/%s/%06d", Folder, checkpoints, size) }

// StampFile is the name under the reports of the time stamp of a size.
func StampFile(size int64) string { return fmt.Sprintf("%s/%s/%06d.tsr", Folder, stamps, size) }

// CosignatureFile is the name under the reports of a cosignature.
func CosignatureFile(c Cosignature) string {
	return fmt.Sprintf("%s/%s/%06d-%s", Folder, cosignatures, c.Checkpoint.Size, c.ID)
}

var sizeName = regexp.MustCompile(`^(\d{6,12})(?:-[0-9a-f]{8}|\.tsr)?$`)

// sizeOf is the size of which a file's name says that it is.
func sizeOf(name string) (int64, bool) {
	m := sizeName.FindStringSubmatch(path.Base(name))
	if m == nil {
		return 0, false
	}
	size, err := strconv.ParseInt(m[1], 10, 64)
	return size, err == nil
}

// Write makes the folder of the reports hold the log of these entries, and returns its checkpoint. It may be repeated,
// and cut off anywhere: tiles come first, then the checkpoint under its size, which is never replaced, and last the
// newest. A checkpoint that stands and does not go on to these entries is [ErrForked], one of a longer log [ErrCut];
// nothing is written then.
func Write(reports string, entries []Entry, by *keystore.Signer, crash func(point string)) (Checkpoint, error) {
	l, err := New(entries)
	if err != nil {
		return Checkpoint{}, err
	}
	key := by.PublicKey()
	now, err := l.Checkpoint(key)
	if err != nil || now.Size == 0 {
		return now, err
	}
	if err := l.goesOn(reports, key); err != nil {
		return now, fmt.Errorf("write log: %w", err)
	}
	signed, err := l.Sign(by)
	if err != nil {
		return now, err
	}
	files, err := l.tiles()
	if err != nil {
		return now, err
	}
	root := filepath.Join(reports, Folder)
	if err := cutOff(root); err != nil {
		return now, fmt.Errorf("write log: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := Put(filepath.Join(root, filepath.FromSlash(name)), files[name]); err != nil {
			return now, fmt.Errorf("write log: %w", err)
		}
	}
	crash("log_tiles")
	for _, name := range []string{filepath.FromSlash(CheckpointFile(now.Size)), filepath.Join(Folder, newestName)} {
		if err := Put(filepath.Join(reports, name), signed); err != nil {
			return now, fmt.Errorf("write log: %w", err)
		}
		crash("log_checkpoint")
	}
	return now, outgrown(root, files)
}

// goesOn makes sure that no checkpoint stands that the key signed and these entries contradict. One that it did not
// sign says nothing, but where it is of another log.
func (l *Log) goesOn(reports string, key keystore.PublicKey) error {
	sizes, err := sizes(reports)
	if err != nil {
		return err
	}
	for _, size := range slices.Backward(sizes) {
		body, err := readSmall(filepath.Join(reports, filepath.FromSlash(CheckpointFile(size))))
		if err != nil {
			return err
		}
		c, err := Open(body, key)
		if errors.Is(err, ErrForged) {
			continue
		}
		if err == nil {
			err = l.Agrees(c)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", CheckpointFile(size), err)
		}
		return nil
	}
	return nil
}

// sizes are those of the checkpoints that stand, in order.
func sizes(reports string) (list []int64, err error) {
	entries, err := os.ReadDir(filepath.Join(reports, Folder, checkpoints))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if size, ok := sizeOf(e.Name()); ok && CheckpointFile(size) == Folder+"/"+checkpoints+"/"+e.Name() {
			list = append(list, size)
		}
	}
	slices.Sort(list)
	return list, err
}

// Put makes a file hold a body, in one step, durably; one that does already is left alone.
func Put(file string, body []byte) error {
	if stands, err := os.ReadFile(file); err == nil && bytes.Equal(stands, body) {
		return nil
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(body)
	if err := errors.Join(err, f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// cutOff removes what Put left that was cut off.
func cutOff(root string) error {
	for _, dir := range []string{root, filepath.Join(root, checkpoints), filepath.Join(root, "tile", "*")} {
		left, err := filepath.Glob(filepath.Join(dir, ".tmp-*"))
		for _, name := range left {
			err = errors.Join(err, os.Remove(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outgrown removes the tiles that were not full and are written anew, longer: of each the files of fewer entries.
func outgrown(root string, files map[string][]byte) error {
	for name := range files {
		full, _ := partial(name)
		dir := filepath.Join(root, filepath.FromSlash(full)+".p")
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			if files[full+".p/"+e.Name()] == nil {
				err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
			}
		}
		if left, rerr := os.ReadDir(dir); rerr == nil && len(left) == 0 {
			err = errors.Join(err, os.Remove(dir))
		}
		if err != nil {
			return fmt.Errorf("clear log: %w", err)
		}
	}
	return nil
}

// AddCosignature puts a cosigned checkpoint into the reports, and returns its name there. One of the same size and key
// is replaced.
func AddCosignature(reports string, signed []byte, c Cosignature) (string, error) {
	name := CosignatureFile(c)
	if err := Put(filepath.Join(reports, filepath.FromSlash(name)), signed); err != nil {
		return "", fmt.Errorf("add cosignature: %w", err)
	}
	return name, nil
}

// AddStamp puts a time stamp into the reports.
func AddStamp(reports string, size int64, token []byte) error {
	if err := Put(filepath.Join(reports, filepath.FromSlash(StampFile(size))), token); err != nil {
		return fmt.Errorf("add time stamp: %w", err)
	}
	return nil
}

// Newest reads the newest checkpoint of a folder of reports, signed and as it is; nil where it has no log.
func Newest(reports string, key keystore.PublicKey) (signed []byte, c Checkpoint, err error) {
	name := filepath.Join(reports, Folder, newestName)
	signed, err = readSmall(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c, nil
	}
	if err == nil {
		c, err = Open(signed, key)
	}
	if err != nil {
		return signed, c, fmt.Errorf("%s/%s: %w", Folder, newestName, err)
	}
	return signed, c, nil
}

// Entries reads the entries of a folder of reports as far as its newest checkpoint says, whether that is signed or not;
// none where it has no log. What they hash to is for who calls: [New], and [Log.Agrees].
func Entries(reports string, size int64) (list []Entry, err error) {
	for n := int64(0); n*tileWidth < size; n++ {
		width := int(min(size-n*tileWidth, tileWidth))
		name := Folder + "/" + tileName(-1, n, width)
		body, err := readSmall(filepath.Join(reports, filepath.FromSlash(name)))
		if err != nil {
			return list, fmt.Errorf("%s cannot be read: %w", name, err)
		}
		bundle, err := parseBundle(body)
		list = append(list, bundle...)
		if err == nil && len(bundle) != width {
			err = fmt.Errorf("it has %d entries", len(bundle))
		}
		if err != nil {
			return list, fmt.Errorf("%s: %w", name, err)
		}
	}
	return list, nil
}

// Cosigned reads all cosignatures of a folder of reports by these witnesses, the newest of the greatest size last.
// Those that cannot be believed are left out: to name them is [Check]'s business.
func Cosigned(reports string, log keystore.PublicKey, witnesses []keystore.PublicKey) (list []Cosignature, err error) {
	entries, err := os.ReadDir(filepath.Join(reports, Folder, cosignatures))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if _, ok := sizeOf(e.Name()); !ok {
			continue
		}
		body, err := readSmall(filepath.Join(reports, Folder, cosignatures, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read cosignatures: %w", err)
		}
		found, err := Cosignatures(body, log, witnesses)
		if err != nil {
			continue
		}
		for _, c := range found {
			if c.Known {
				list = append(list, c)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Cosignature) int {
		return int(a.Checkpoint.Size-b.Checkpoint.Size)*2 + a.At.Compare(b.At)
	})
	return list, err
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(body) > maxFile {
		err = errors.New("it is too long")
	}
	return body, err
}

// maxFile is the most bytes of a file of the log: 256 entries of 64 KB.
const maxFile = 16 << 20
