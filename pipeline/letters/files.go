package letters

import (
	_ "embed" // the templates
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/handover"
)

//go:embed letter.txt
var text string

//go:embed letter.html
var page string

// Templates are those of a company, by KIND.LANGUAGE.txt, KIND.LANGUAGE.html, or without the language for all.
type Templates map[string]fill.Template

// Read reads the templates of a folder and looks whether they can be filled in; "" is no folder, and none. Its error
// names the file and the place in it.
func Read(folder string) (Templates, error) {
	list := Templates{}
	if folder == "" {
		return list, nil
	}
	words, err := lang.In(lang.English)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := templateName(e.Name()); err != nil {
			return nil, err
		}
		body, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		if !utf8.Valid(body) {
			return nil, fmt.Errorf("%s is no text in UTF-8", e.Name())
		}
		t, err := fill.Parse(string(body))
		if err == nil {
			err = t.Check(Letter{}, words.Has)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		list[e.Name()] = t
	}
	return list, nil
}

// templateName says whether a file may be a template.
func templateName(name string) error {
	kind, rest, _ := strings.Cut(name, ".")
	language, format, two := strings.Cut(rest, ".")
	if !two {
		language, format = "", rest
	}
	if !slices.Contains(Kinds, Kind(kind)) || format != "txt" && format != "html" ||
		two && !slices.Contains(lang.Languages(), language) {
		return fmt.Errorf("%s is the name of no letter: name it as KIND.txt, KIND.html or KIND.LANGUAGE.html, with "+
			"one of %v and of %s", name, Kinds, strings.Join(lang.Languages(), ", "))
	}
	return nil
}

// find is the template of a letter in a format.
func (t Templates) find(l *Letter, format, own string) (fill.Template, error) {
	for _, name := range []string{string(l.Kind) + "." + l.Language + "." + format, string(l.Kind) + "." + format} {
		if found, ok := t[name]; ok {
			return found, nil
		}
	}
	return fill.Parse(own)
}

// Files writes a letter as text and as HTML, by the templates where they have it.
func (l *Letter) Files(t Templates) (handover.Files, error) {
	words, err := lang.In(l.Language)
	if err != nil {
		return nil, err
	}
	name := string(l.Kind) + "." + l.Language
	plain, err := t.find(l, "txt", text)
	if err != nil {
		return nil, err
	}
	body, err := plain.Text(l, words.Say)
	if err != nil {
		return nil, err
	}
	files := handover.Files{name + ".txt": []byte(wrap(string(body), width))}
	marked, err := t.find(l, "html", page)
	if err != nil {
		return nil, err
	}
	files[name+".html"], err = marked.Execute(l, words.Say)
	return files, err
}

// width is how many characters a line of text has at most.
const width = 76

// wrap breaks lines at spaces; those of a list go on below their text. Not more than one empty line is left of several.
func wrap(body string, width int) string {
	var out strings.Builder
	empty := true
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			if !empty {
				out.WriteByte('\n')
			}
			empty = true
			continue
		}
		empty = false
		indent := ""
		if strings.HasPrefix(line, "- ") {
			indent = "  "
		}
		n := 0
		for i, word := range strings.Split(line, " ") {
			switch length := utf8.RuneCountInString(word); {
			case i == 0:
				n = length
			case n+1+length > width:
				out.WriteString("\n" + indent)
				n = len(indent) + length
			default:
				out.WriteByte(' ')
				n += 1 + length
			}
			out.WriteString(word)
		}
		out.WriteByte('\n')
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// Write writes the files into a folder that only its owner may enter, made where it is not there. A letter that is
// there already is left as it is, and is an error.
func Write(files handover.Files, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name := range files {
		if _, err := os.Lstat(filepath.Join(folder, name)); err == nil {
			return fmt.Errorf("%s is there already: take it away, or name another folder", filepath.Join(folder, name))
		}
	}
	for name, body := range files {
		if err := writeNew(filepath.Join(folder, name), body); err != nil {
			return err
		}
	}
	return nil
}

// Remove takes away what Write wrote.
func Remove(files handover.Files, folder string) (err error) {
	for name := range files {
		if e := os.Remove(filepath.Join(folder, name)); e != nil {
			err = e
		}
	}
	return err
}

func writeNew(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
