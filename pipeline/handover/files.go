package handover

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed" // the page, and the schemas
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/setup"
)

//go:embed answer.html
var page string

//go:embed access.schema.json
var accessSchema []byte

//go:embed portability.schema.json
var portabilitySchema []byte

// SchemaID names the schema of a document's JSON.
func SchemaID(as string) string { return "urn:lethe:" + as + ":1" }

// Files are the files of an answer, by name.
type Files map[string][]byte

// Files makes the files of a document.
func (d *Document) Files() (Files, error) {
	files := Files{"schema.json": accessSchema}
	var of any = d
	if d.As == Portability {
		files["schema.json"], of = portabilitySchema, d.people()
	}
	body, err := json.MarshalIndent(of, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	files["data.json"] = append(body, '\n')
	if err := d.tables(files); err != nil {
		return nil, err
	}
	files["index.html"], err = d.page()
	return files, err
}

// tables adds a CSV file for each table (RFC 4180).
func (d *Document) tables(files Files) error {
	type table struct {
		head []string
		rows []Record
	}
	found := map[string]*table{}
	for _, r := range d.Records {
		name := plainName(r.Source) + "." + plainName(r.Table) + ".csv"
		t := found[name]
		if t == nil {
			t = &table{}
			found[name] = t
		}
		for _, f := range r.Fields {
			if !slices.Contains(t.head, f.Name) {
				t.head = append(t.head, f.Name)
			}
		}
		t.rows = append(t.rows, r)
	}
	for name, t := range found {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = true
		lines := [][]string{t.head}
		for _, r := range t.rows {
			line := make([]string, len(t.head))
			for _, f := range r.Fields {
				if f.Value != nil {
					line[slices.Index(t.head, f.Name)] = *f.Value
				}
			}
			lines = append(lines, line)
		}
		if err := w.WriteAll(lines); err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
		files[name] = b.Bytes()
	}
	return nil
}

// plainName is a name that any system takes for one of a file.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

// view is what the page is written from.
type view struct {
	*Document
	Lang, Title, Made, Holds, Recipients string
	Portable                             bool
	Lacks                                string
}

// page is the answer to be read.
func (d *Document) page() ([]byte, error) {
	words, err := lang.In(d.Language)
	if err != nil {
		return nil, err
	}
	template, err := fill.Parse(page)
	if err != nil {
		return nil, err
	}
	v := view{Document: d.inWords(words), Lang: words.Code,
		Title:    words.Say("answer.title."+d.As, lang.Name(d.Controller.Name)),
		Made:     words.Say("answer.made", onDay(words, d.MadeOn), d.Request),
		Holds:    words.Say("answer.holds", int64(len(d.Records))),
		Portable: d.As == Portability}
	switch {
	case d.Controller.Recipients == nil:
		v.Recipients = words.Say("answer.recipients.unknown")
	case len(d.Controller.Recipients) == 0:
		v.Recipients = words.Say("answer.recipients.none")
	default:
		v.Recipients = lang.Name(strings.Join(d.Controller.Recipients, "; "))
	}
	if len(d.Missing) > 0 {
		v.Lacks = words.Say("answer.missing", lang.Name(strings.Join(d.Missing, ", ")))
	}
	return template.Execute(v, words.Say)
}

// inWords is the document with its days as they are said in a language, and with names from elsewhere as they may stand
// on a page: without signs that steer a screen.
func (d *Document) inWords(say *lang.Words) *Document {
	said := *d
	said.Records, said.Copies = slices.Clone(d.Records), slices.Clone(d.Copies)
	said.Withheld, said.Holders = slices.Clone(d.Withheld), slices.Clone(d.Holders)
	named := func(texts ...*string) {
		for _, text := range texts {
			*text = lang.Name(*text)
		}
	}
	for i := range said.Records {
		r := &said.Records[i]
		r.Until, r.Fields = onDay(say, r.Until), slices.Clone(r.Fields)
		named(&r.Application, &r.Table)
		for f := range r.Fields {
			named(&r.Fields[f].Name, &r.Fields[f].Shown)
		}
	}
	for i := range said.Copies {
		said.Copies[i].TakenOn = onDay(say, said.Copies[i].TakenOn)
		named(&said.Copies[i].Of)
	}
	for i := range said.Withheld {
		named(&said.Withheld[i].Table, &said.Withheld[i].Field)
	}
	for i := range said.Holders {
		named(&said.Holders[i].Application, &said.Holders[i].Processor)
	}
	return &said
}

// Digest is the SHA-256 of the files, hex: of their names and digests, in order.
func (f Files) Digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(h, "%x  %s\n", sha256.Sum256(f[name]), name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Write writes the files into a new folder that only its owner may enter. What there is already is refused; what could
// not be written whole is removed.
func (f Files) Write(folder string) (err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("%w: --to: %w: name a folder that is not there yet", setup.ErrConfig, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if err := os.WriteFile(filepath.Join(folder, name), f[name], 0o600); err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
	}
	return nil
}

// Seal writes the files as one zip, encrypted with age, to a new file that only its owner may read. In the clear they
// are nowhere but in memory.
func (f Files) Seal(path string, to ...age.Recipient) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w: --to: %w: name a file that is not there yet", setup.ErrConfig, err)
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	sealed, err := age.Encrypt(out, to...)
	if err != nil {
		return fmt.Errorf("encrypt the answer: %w", err)
	}
	return errors.Join(f.zip(sealed), sealed.Close(), out.Sync())
}

func (f Files) zip(to io.Writer) error {
	z := zip.NewWriter(to)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(f[name])
		}
		if err != nil {
			return fmt.Errorf("pack the answer: %w", err)
		}
	}
	return z.Close()
}
