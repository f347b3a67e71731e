// Package packed opens what dumps are packed with, and packs a new text in the same way. Its nouns: a Packing is the
// layers around a text, the outermost first; a Layer is one of them, a stream (gzip, zstd, bzip2, xz, lz4, age) or an archive
// of members (tar, zip), of which one is the dump and the others stay as they are; Keys open what is encrypted.
//
// What something is packed with is told by what it begins with, never by its name.
package packed

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lethe/connectors"
)

// Kind is what a layer is.
type Kind string

// The kinds.
const (
	Gzip  Kind = "gzip"
	Zstd  Kind = "zstd"
	Bzip2 Kind = "bzip2"
	XZ    Kind = "xz"
	LZ4   Kind = "lz4"
	Age   Kind = "age"
	Tar   Kind = "tar"
	Zip   Kind = "zip"
)

// maxLayers is how often a text may be packed: a dump.sql.gz in a tar.zst.age has four.
const maxLayers = 4

// Layer is one packing, with what is needed to pack in the same way.
type Layer struct {
	Kind      Kind
	Header    gzip.Header // gzip: of the first member
	Fastest   bool        // gzip's level, where the file tells
	Best      bool
	Level     int  // bzip2
	Window    int  // zstd: of the first frame, in bytes, which tells about its level; xz: the dictionary; lz4: of blocks; 0: not told
	Checksum  bool // zstd, lz4: frames end with one
	Frame     int  // zstd: bytes of text in each frame of a file that can be sought in; 0: it cannot
	BlockSums bool // lz4: blocks end with one, too
	Check     byte // xz: the kind of checksum, as the format numbers them
	Armor     bool // age: as text
	For       int  // age: for how many recipients

	keys    *Keys
	archive *archive
}

// Packing is the layers around a text, the outermost first; none of a plain file.
type Packing []Layer

// Plain reports whether a text is not packed at all.
func (p Packing) Plain() bool { return len(p) == 0 }

// Zstd is the one layer of a text that is packed with zstd and with nothing else, and cannot be sought in.
func (p Packing) Zstd() (l *Layer, is bool) {
	if len(p) != 1 || p[0].Kind != Zstd || p[0].Frame > 0 {
		return nil, false
	}
	return &p[0], true
}

// Unzstd gives a reader of zstd, and what to do with it once it is no more needed.
type Unzstd func(io.Reader) (z *zstd.Decoder, closes func(), err error)

// Options say how a file is opened.
type Options struct {
	Path   string // of the file
	Size   int64
	Again  func() (File, error)    // opens the file once more; nil: at Path
	Spool  string                  // the folder in which a file is made that must be whole before it is written; "" that of Path
	Tee    io.Writer               // gets the bytes of the file as they are; nil gets none
	Member string                  // the name of the dump in an archive; "" the only one
	Unzstd Unzstd                  // nil makes one
	Keys   *Keys                   // nil: what is encrypted cannot be opened
	Beside *[32]byte               // gets a digest of the other members of an archive, once all was read; nil gets none
	Check  func(head []byte) error // of the text that is within; what it refuses is not opened
}

// File is what is unpacked: a file of this machine, or one on a Shelf.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// again opens the file once more.
func (o Options) again() (File, error) {
	if o.Again != nil {
		return o.Again()
	}
	return os.Open(o.Path)
}

// Text is a text that is being unpacked: it ends when all layers around it were read to their ends, and hold.
type Text struct {
	Packing Packing
	r       io.Reader
	ends    []func() error // of the layers, the innermost first
	closes  []func()
	raw     *counted
	read    int64
}

// Open unpacks a file.
func Open(f File, o Options) (_ *Text, err error) {
	t := &Text{raw: &counted{r: f}}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if o.Tee != nil {
		t.raw.r = io.TeeReader(f, o.Tee)
	}
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	t.r = t.raw
	for head = head[:n]; ; {
		l, ok := sniff(head)
		if !ok {
			break
		}
		if len(t.Packing) == maxLayers || l.archive != nil && slices.ContainsFunc(t.Packing, isArchive) ||
			l.Kind == Zip && len(t.Packing) > 0 {
			return nil, fmt.Errorf("%w (%s in %s): %w", errNested, l.Kind, t.Packing.words(), connectors.ErrConfig)
		}
		if err := t.unpack(f, &l, o); errors.Is(err, errNoDump) {
			return nil, cmp.Or(o.Check(head), err) // a spreadsheet, or what only a server reads
		} else if err != nil {
			return nil, err
		}
		if l.Kind == Zstd && len(t.Packing) == 0 {
			l.Frame = seekable(f, o.Size)
		}
		t.Packing = append(t.Packing, l)
		in := bufio.NewReaderSize(t.r, headBytes)
		head, _ = in.Peek(headBytes) // what is wrong with it says who reads it
		t.r = in
	}
	return t, o.Check(head)
}

// headBytes is how much is looked at to tell what something is.
const headBytes = 4 << 10

func isArchive(l Layer) bool { return l.archive != nil }

func (p Packing) words() string {
	text := ""
	for _, l := range p {
		text = string(l.Kind) + " " + text
	}
	return text[:max(0, len(text)-1)]
}

// unpack puts a layer around what was opened.
func (t *Text) unpack(f File, l *Layer, o Options) error {
	if l.archive == nil {
		r, closes, err := l.stream(t.r, o.Keys, o.Unzstd)
		if err != nil {
			return err
		}
		if closes != nil {
			t.closes = append(t.closes, closes)
		}
		t.r = failing{r}
		t.ends = append([]func() error{func() error { return drain(failing{r}) }}, t.ends...)
		return nil
	}
	l.archive = &archive{options: o, outer: slices.Clone(t.Packing)}
	var err error
	if l.Kind == Zip {
		err = t.openZip(f, l.archive)
	} else {
		err = t.openTar(l.archive)
	}
	return err
}

func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// Read reads the text. Behind its last byte all that surrounds it is read.
func (t *Text) Read(p []byte) (n int, err error) {
	n, err = t.r.Read(p)
	t.read += int64(n)
	if t.read > bombBytes && t.read/bombRatio > t.raw.n && !t.Packing.Plain() {
		return n, fmt.Errorf("%w: %w", errBomb, connectors.ErrDamaged)
	}
	if err != io.EOF {
		return n, err
	}
	for len(t.ends) > 0 {
		end := t.ends[0]
		t.ends = t.ends[1:]
		if err := end(); err != nil {
			return n, err
		}
	}
	return n, io.EOF
}

// What unpacks to more than so many bytes, each of the file to more than so many, is none that somebody wrote to have a
// backup: gzip packs nothing to less than a thousandth (1032:1, RFC 1951).
const (
	bombBytes = 256 << 20
	bombRatio = 1000
)

// Close ends the unpacking; the file is closed by who opened it.
func (t *Text) Close() {
	for _, c := range slices.Backward(t.closes) {
		c()
	}
	t.closes = nil
}

// counted counts what is read of a file.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// failing makes the errors of an unpacker those of a damaged file.
type failing struct{ io.Reader }

func (u failing) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = Damaged(err)
	}
	return n, err
}

// Damaged is the error of packed data that cannot be read.
func Damaged(err error) error {
	var path *fs.PathError
	switch {
	case errors.As(err, &path), errors.Is(err, connectors.ErrDamaged), errors.Is(err, connectors.ErrConfig),
		errors.Is(err, connectors.ErrDenied), errors.Is(err, connectors.ErrUnreachable),
		errors.Is(err, connectors.ErrTransient):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return fmt.Errorf("the compressed data ends too early: %w", connectors.ErrDamaged)
	}
	return fmt.Errorf("the compressed data cannot be read, %v: %w", err, connectors.ErrDamaged)
}

// What is refused, each with a way out that Hint has.
var (
	errNested  = errors.New("it is packed too often")
	errBomb    = errors.New("it unpacks to more than a thousand times its size")
	errSeveral = errors.New("the archive holds several dumps")
	errNoDump  = errors.New("no dump is in the archive")
	errMember  = errors.New("the archive has no such member")
	errOutside = errors.New("a name in the archive leads out of it")
	errLink    = errors.New("the archive holds what is no regular file")
	errTwice   = errors.New("the archive holds two files of one name")
	errMethod  = errors.New("a file in the archive is packed or encrypted in a way that is not read")
	errNoKey   = errors.New("it is encrypted with age")
	errPhrase  = errors.New("it is encrypted with age by a passphrase")
	errKey     = errors.New("it is encrypted with age, and for none of the identities that are given")
	errFor     = errors.New("it is encrypted with age for others than the recipients that are given")
	errDict    = errors.New("it is compressed by xz with a dictionary of more than 64 MB")
)

// Hint says what to do about an error of this package, "" about others.
func Hint(err error) string {
	for _, h := range []struct {
		err  error
		says string
	}{
		{errNested, "unpack the outer one, and give the path of what is in it"},
		{errBomb, "look who made it; unpack it by hand where it is meant"},
		{errSeveral, "say which by `options: {member: NAME}`, in a source for each"},
		{errNoDump, "give the path of an archive with a dump, or its name in it by `options: {member: NAME}`"},
		{errMember, "write its name as the archive has it (`tar -tf`, `unzip -l`)"},
		{errOutside, "look who made it, and make it anew (`tar -C FOLDER -cf`)"},
		{errLink, "make it anew of files alone (`tar --dereference --hard-dereference`)"},
		{errTwice, "make it anew: `tar -r` adds a file where it should replace it"},
		{errMethod, "make it anew (`zip` as it is without options)"},
		{errNoKey, "give the file of an identity by `options: {identity: file:PATH}`, or list it with `connector: physical`"},
		{errPhrase, "encrypt backups for a key (`age -r`); list this one with `connector: physical`"},
		{errKey, "give that of one of its recipients by `options: {identity: file:PATH}`"},
		{errFor, "give all of them by `options: {recipients: \"age1... age1...\"}`, or whoever is left out cannot open it " +
			"any more"},
		{errLZ4Dict, "pack it anew without"},
		{errDict, "pack it anew (`xz -9` or less)"},
	} {
		if errors.Is(err, h.err) {
			return h.says
		}
	}
	return ""
}

// sniff tells a layer by what it begins with.
func sniff(head []byte) (l Layer, ok bool) {
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\x1f\x8b"):
		l = Layer{Kind: Gzip}
		if len(head) > 8 { // RFC 1952: XFL is 2 for the slowest and 4 for the fastest algorithm
			l.Best, l.Fastest = head[8] == 2, head[8] == 4
		}
	case starts("\x28\xb5\x2f\xfd"), len(head) > 3 && head[0]&0xf0 == 0x50 && starts(string(head[0])+"\x2a\x4d\x18"):
		l = zstdLayer(head)
	case len(head) > 9 && starts("BZh") && head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90"):
		l = Layer{Kind: Bzip2, Level: int(head[3] - '0')}
	case len(head) > 12 && starts("\xfd7zXZ\x00"):
		l = Layer{Kind: XZ, Check: head[7] & 15, Window: xzDictionary(head[12:])}
	case starts(lz4Magic):
		l = lz4Layer(head)
	case starts(ageIntro), starts(ageArmor):
		l = Layer{Kind: Age, Armor: starts(ageArmor)}
	case isTar(head):
		l = Layer{Kind: Tar, archive: &archive{}}
	case starts("PK\x03\x04"), starts("PK\x05\x06"):
		l = Layer{Kind: Zip, archive: &archive{}}
	default:
		return l, false
	}
	return l, true
}
