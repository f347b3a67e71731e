package packed

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/signature"
)

// archive is what is needed to write an archive anew: how it was opened, and which of its members is the dump.
type archive struct {
	options Options
	outer   Packing // around it
	dump    string  // the name of the member
}

// maxMembers is how many members an archive may have.
const maxMembers = 100_000

func isTar(head []byte) bool {
	return len(head) >= 512 && string(head[257:262]) == "ustar" && !bytes.HasPrefix(head, []byte("toc.dat"))
}

// members says whether those of an archive may stand in one.
type members struct{ seen map[string]bool }

func (m *members) check(name string, regular, folder bool) error {
	clean := path.Clean(strings.TrimPrefix(name, "./"))
	if strings.Contains(name, "\\") || strings.ContainsRune(name, 0) || !filepath.IsLocal(clean) {
		return fmt.Errorf("%w: %w", errOutside, connectors.ErrDamaged)
	}
	if folder {
		return nil
	}
	if !regular {
		return fmt.Errorf("%w: %w", errLink, connectors.ErrConfig)
	}
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	if m.seen[clean] || len(m.seen) == maxMembers {
		return fmt.Errorf("%w: %w", errTwice, connectors.ErrConfig)
	}
	m.seen[clean] = true
	return nil
}

// isDump reports whether a member is a dump, by what it begins with, also packed once more. What is packed so that
// its beginning cannot be told from so few bytes may be one.
func isDump(head []byte, keys *Keys) bool {
	for range maxLayers {
		l, packed := sniff(head)
		if !packed || l.archive != nil {
			break
		}
		r, closes, err := l.stream(bytes.NewReader(head), keys, nil)
		if err != nil {
			return false
		}
		within := make([]byte, headBytes)
		n, _ := io.ReadFull(r, within) // it breaks off, as its packed beginning does
		if closes != nil {
			closes()
		}
		if n == 0 {
			return true
		}
		head = within[:n]
	}
	kind, err := signature.Read(bytes.NewReader(head))
	if err != nil || kind.Class != signature.Unknown {
		return err == nil && kind.Class == signature.Dump
	}
	start := strings.ToUpper(string(bytes.TrimLeft(head[:min(len(head), 512)], " \t\r\n")))
	return slices.ContainsFunc(begins, func(word string) bool { return strings.HasPrefix(start, word) })
}

// begins are how scripts of SQL begin that do not say who wrote them.
var begins = []string{"/*!", "-- ", "--\n", "CREATE ", "INSERT ", "REPLACE ", "SET ", "DROP ", "USE ", "BEGIN", "COPY ",
	"PRAGMA ", "START TRANSACTION", "LOCK TABLES", "ALTER "}

// wants reports whether a member is the dump.
func (a *archive) wants(name string, head func() []byte) bool {
	if a.options.Member != "" {
		return path.Clean(name) == path.Clean(a.options.Member)
	}
	return isDump(head(), a.options.Keys)
}

// missing says that no member is the dump.
func (a *archive) missing() error {
	if a.options.Member != "" {
		return fmt.Errorf("%w: %w", errMember, connectors.ErrConfig)
	}
	return fmt.Errorf("%w: %w", errNoDump, connectors.ErrDamaged)
}

// say hands over the digest of the members that are not the dump.
func (a *archive) say(beside hash.Hash) {
	if a.options.Beside != nil {
		*a.options.Beside = [32]byte(beside.Sum(nil))
	}
}

// tarReader goes through the members of a tar archive.
type tarReader struct {
	*tar.Reader
	members
}

// next is the next member; io.EOF behind the last.
func (r *tarReader) next() (*tar.Header, error) {
	h, err := r.Next()
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		return nil, Damaged(err)
	}
	if h.Typeflag == tar.TypeXGlobalHeader {
		return h, nil
	}
	sparse := slices.ContainsFunc(paxSparse, func(key string) bool { return h.PAXRecords[key] != "" })
	regular := (h.Typeflag == tar.TypeReg || h.Typeflag == '\x00') && !sparse
	return h, r.check(h.Name, regular, h.Typeflag == tar.TypeDir)
}

var paxSparse = []string{"GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.numblocks"}

// openTar goes on to the dump in a tar archive.
func (t *Text) openTar(a *archive) error {
	r := &tarReader{Reader: tar.NewReader(t.r)}
	beside := sha256.New()
	for {
		h, err := r.next()
		if err == io.EOF {
			return a.missing()
		}
		if err != nil {
			return err
		}
		is, content := r.dump(a, h)
		if !is {
			if err := hashMember(beside, h, content); err != nil {
				return err
			}
			continue
		}
		a.dump = h.Name
		outer := t.r
		t.r = failing{content}
		t.ends = append([]func() error{func() error {
			if err := r.rest(a, beside); err != nil {
				return err
			}
			a.say(beside)
			return drain(outer)
		}}, t.ends...)
		return nil
	}
}

// dump reports whether a member is the dump, and gives its content.
func (r *tarReader) dump(a *archive, h *tar.Header) (bool, io.Reader) {
	if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
		return false, bytes.NewReader(nil)
	}
	in := bufio.NewReaderSize(r, headBytes)
	return a.wants(h.Name, func() []byte { head, _ := in.Peek(headBytes); return head }), in
}

// rest reads the members behind the dump.
func (r *tarReader) rest(a *archive, beside hash.Hash) error {
	for {
		h, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		is, content := r.dump(a, h)
		if is {
			return fmt.Errorf("%w: %w", errSeveral, connectors.ErrConfig)
		}
		if err := hashMember(beside, h, content); err != nil {
			return err
		}
	}
}

func hashMember(to hash.Hash, h *tar.Header, content io.Reader) error {
	fmt.Fprintf(to, "%q %o %d %d %q %q\n", h.Name, h.Mode, h.Size, h.ModTime.Unix(), h.Uname, h.Gname)
	if _, err := io.Copy(to, content); err != nil {
		return Damaged(err)
	}
	return nil
}

// zipMembers are those of a zip archive, which is checked as a whole.
func zipMembers(f io.ReaderAt, size int64) (*zip.Reader, error) {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("it is a zip archive, or a spreadsheet, that cannot be read, %v: %w", err,
			connectors.ErrDamaged)
	}
	var m members
	packed := uint64(0)
	for _, h := range z.File {
		if err := m.check(h.Name, h.Mode().IsRegular(), h.Mode().IsDir()); err != nil {
			return nil, err
		}
		if h.Flags&1 != 0 || h.Method != zip.Store && h.Method != zip.Deflate {
			return nil, fmt.Errorf("%w: %w", errMethod, errors.ErrUnsupported)
		}
		if packed += h.CompressedSize64; packed > uint64(size) { // members lie upon each other
			return nil, fmt.Errorf("%w: %w", errBomb, connectors.ErrDamaged)
		}
	}
	return z, nil
}

// openZip goes on to the dump in a zip archive.
func (t *Text) openZip(f File, a *archive) error {
	z, err := zipMembers(f, a.options.Size)
	if err != nil {
		return err
	}
	var dump *zip.File
	beside := sha256.New()
	for _, h := range z.File {
		is, err := isZipped(a, h)
		switch {
		case err != nil:
			return err
		case is && dump != nil:
			return fmt.Errorf("%w: %w", errSeveral, connectors.ErrConfig)
		case is:
			dump = h
		default:
			if err := hashZipped(beside, h); err != nil {
				return err
			}
		}
	}
	if dump == nil {
		return a.missing()
	}
	a.dump = dump.Name
	content, err := dump.Open()
	if err != nil {
		return Damaged(err)
	}
	t.closes = append(t.closes, func() { content.Close() }) // nothing was written
	a.say(beside)
	t.raw.n = int64(dump.CompressedSize64)
	t.r = failing{content}
	if a.options.Tee != nil { // a zip archive is read by its directory, and not from its beginning
		raw := t.raw
		t.ends = append([]func() error{func() error { return drain(raw) }}, t.ends...)
	}
	return nil
}

func isZipped(a *archive, h *zip.File) (is bool, err error) {
	if !h.Mode().IsRegular() {
		return false, nil
	}
	return a.wants(h.Name, func() []byte {
		content, failed := h.Open()
		if failed != nil {
			err = Damaged(failed)
			return nil
		}
		defer content.Close()
		head := make([]byte, headBytes)
		n, failed := io.ReadFull(content, head)
		if failed != nil && failed != io.EOF && failed != io.ErrUnexpectedEOF {
			err = Damaged(failed)
		}
		return head[:n]
	}), err
}

func hashZipped(to hash.Hash, h *zip.File) error {
	fmt.Fprintf(to, "%q %o %d %d %08x\n", h.Name, h.Mode(), h.UncompressedSize64, h.Modified.Unix(), h.CRC32)
	content, err := h.OpenRaw()
	if err != nil {
		return Damaged(err)
	}
	if _, err := io.Copy(to, content); err != nil {
		return Damaged(err)
	}
	return nil
}
