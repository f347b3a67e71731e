package jobs

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lethe/classifiers"
	"lethe/connectors/delimited"
	"lethe/pipeline/review"
	"lethe/pipeline/setup"
)

// reviewColumns are those of the file that is answered in. What is read back is the place, what was seen, and the answer.
var reviewColumns = []string{"source", "table", "field", "type", "rows", "asked", "said", "confidence", "why", "forms",
	"note", "answer", "because"}

// writeCSV prints what is asked, with an empty column for the answers.
func (r *reviewing) writeCSV() error {
	w := csv.NewWriter(r.Out)
	if err := w.Write(reviewColumns); err != nil {
		return err
	}
	for _, i := range r.asked {
		cells := []string{i.Source, i.Table, i.Field, i.Type, strconv.FormatInt(i.Rows, 10), string(i.Kind), string(i.Saw),
			strconv.FormatFloat(i.Confidence, 'f', 3, 64), strings.Join(i.Terms, "; "), strings.Join(i.Shapes, "  "), note(i),
			"", ""}
		for n := range cells {
			cells[n] = inert(cells[n])
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// readCSV takes answers from a file. Where one cannot be taken none is, and all that is wrong is said.
func (r *reviewing) readCSV(ctx context.Context, path string) error {
	in, err := input(ctx, path)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	defer in.Close()
	text, err := delimited.Decode(in, "")
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	text = delimited.Lines(text)
	comma, passed := delimited.Separator(text) // a spreadsheet may have put another between the cells
	reader := csv.NewReader(text)
	reader.FieldsPerRecord, reader.Comma = -1, comma
	head, err := reader.Read()
	if err != nil {
		return fmt.Errorf("%w: line 1: no line of column names: `lethe review --csv` prints a file to be answered in",
			setup.ErrConfig)
	}
	sheet, err := newSheet(head)
	if err != nil {
		return err
	}
	var answers []answer
	var wrong []error
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w: nothing was taken", setup.ErrConfig, err)
		}
		line, _ := reader.FieldPos(0)
		line += passed
		a, given, err := r.answerOf(sheet.row(cells))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", line, err))
		}
		if given && slices.ContainsFunc(answers, func(o answer) bool { return o.item.Place() == a.item.Place() }) {
			wrong = append(wrong, fmt.Errorf("line %d: the field is answered twice: leave one line", line))
		}
		if given {
			answers = append(answers, a)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: nothing was taken from the file:\n%w", setup.ErrConfig, errors.Join(wrong...))
	}
	return r.save(answers)
}

// sheet says in which column of a file what stands.
type sheet map[string]int

func newSheet(head []string) (sheet, error) {
	s := sheet{}
	for n, name := range head {
		s[strings.ToLower(strings.TrimSpace(name))] = n
	}
	for _, name := range []string{"source", "table", "field", "answer"} {
		if _, ok := s[name]; !ok {
			return nil, fmt.Errorf("%w: line 1: no column %s: `lethe review --csv` prints a file with "+
				"all", setup.ErrConfig, name)
		}
	}
	return s, nil
}

// row gives the cells of a line by their columns' names; a column that is not there is empty.
func (s sheet) row(cells []string) func(name string) string {
	return func(name string) string {
		n, ok := s[name]
		if !ok || n >= len(cells) {
			return ""
		}
		cell := strings.TrimSpace(cells[n])
		if rest, quoted := strings.CutPrefix(cell, "'"); quoted && inert(rest) == cell {
			return rest
		}
		return cell
	}
}

// answerOf reads a line; false where it holds no answer.
func (r *reviewing) answerOf(cell func(string) string) (a answer, given bool, err error) {
	said := cell("answer")
	if said == "" {
		return a, false, nil
	}
	at := slices.IndexFunc(r.all, func(i review.Item) bool {
		return r.isNamed(i.Source, cell("source")) && r.isNamed(i.Table, cell("table")) && r.isNamed(i.Field, cell("field"))
	})
	if at < 0 {
		return a, false, fmt.Errorf("the last run read no field %s.%s.%s: correct the name, or read the source again with "+
			"`lethe discover`", cell("source"), cell("table"), cell("field"))
	}
	a.item, a.because = r.all[at], cell("because")
	if a.because == "" {
		a.because = r.flags.because
	}
	if err := errors.Join(r.may(a.item), r.mayStand(a.because)); err != nil {
		return a, false, err
	}
	if seen := cell("said"); seen != "" && seen != string(a.item.Saw) || cell("type") != "" && cell("type") != a.item.Type {
		return a, false, fmt.Errorf("%s is another since the file was made: it is %s, %s: print the file anew",
			a.item.Place(), a.item.Type, a.item.Saw)
	}
	a.category, err = kindSaid(said, a.item)
	return a, err == nil, err
}

// isNamed reports whether a text is a name, or how it is shown.
func (r *reviewing) isNamed(name, text string) bool {
	return name == text || r.p.Names.Of(name) == text
}

// kindSaid is the kind that an answer means: y what was asked, n none, or a label.
func kindSaid(said string, i review.Item) (classifiers.Category, error) {
	switch label := strings.ToLower(said); {
	case label == "y" && i.Kind == "":
		return "", fmt.Errorf("%s: nothing was asked that y could mean: give a label of `lethe classifiers list`, or n",
			i.Place())
	case label == "y":
		return i.Kind, nil
	case label == "n":
		return classifiers.None, nil
	case slices.Contains(classifiers.Categories(), classifiers.Category(strings.ReplaceAll(label, " ", "_"))):
		return classifiers.Category(strings.ReplaceAll(label, " ", "_")), nil
	}
	return "", fmt.Errorf("answer %q of %s: write y, n or a label: %s", said, i.Place(), labelList())
}

func labelList() string {
	var labels []string
	for _, c := range classifiers.Categories() {
		labels = append(labels, string(c))
	}
	return strings.Join(labels, ", ")
}
