package jobs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"
	"golang.org/x/term"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/review"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

// keys are what a person types, and what a terminal sends for keys without a letter.
const (
	keyEscape    = 0x1b
	keyInterrupt = 3
	keyErase     = 0x7f
	keyBack      = 8
)

// screen is where a person is asked: a terminal, on which a key is an answer, or a pipe.
type screen struct {
	in       *bufio.Reader
	to       io.Writer
	names    *shown.Names
	terminal bool
}

// print writes a text as texts are shown. A terminal that hands over each key wants both signs at the end of a line.
func (s *screen) print(format string, args ...any) {
	text := s.names.Text(fmt.Sprintf(format, args...))
	if s.terminal {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	fmt.Fprint(s.to, text)
}

// key waits for a key that is no blank.
func (s *screen) key() (rune, error) {
	for {
		r, _, err := s.in.ReadRune()
		switch {
		case err != nil:
			return 0, err
		case r == keyInterrupt:
			return 0, context.Canceled
		case r == ' ' || r == '\t' || r == '\r' && !s.terminal || r == '\n' && !s.terminal:
		default:
			if r > ' ' && r != keyErase {
				s.print("%c\n", r)
			}
			return r, nil
		}
	}
}

// line reads a line of text; "" where it was left with Escape.
func (s *screen) line() (string, error) {
	var text []rune
	begun := false
	for {
		r, _, err := s.in.ReadRune()
		switch {
		case err != nil:
			return "", err
		case r == keyInterrupt:
			return "", context.Canceled
		case r == keyEscape:
			s.print("\n")
			return "", nil
		case (r == '\r' || r == '\n') && !s.terminal && !begun: // it ended the line of the key before
			begun = true
		case r == '\r' || r == '\n':
			if s.terminal {
				s.print("\n")
			}
			return strings.TrimSpace(string(text)), nil
		case r == keyErase || r == keyBack:
			if len(text) > 0 {
				text = text[:len(text)-1]
				fmt.Fprint(s.to, "\b \b")
			}
		case r >= ' ':
			text, begun = append(text, r), true
			if s.terminal {
				s.print("%c", r)
			}
		}
	}
}

// walk asks about one field after another, and writes the answers at the end.
func (r *reviewing) walk(ctx context.Context) error {
	var mine []review.Item
	others := map[string]int{}
	for _, i := range r.asked {
		if err := r.may(i); err != nil {
			others[err.Error()]++
		} else {
			mine = append(mine, i)
		}
	}
	for why, n := range others {
		are := "are"
		if n == 1 {
			are = "is"
		}
		fmt.Fprintf(r.Out, "%s %s not asked about: %s\n", many(n, "field"), are, why)
	}
	if len(mine) == 0 {
		fmt.Fprintln(r.Out, "nothing is to be looked at")
		return nil
	}
	w := &walk{reviewing: r, items: mine, answers: make([]*answer, len(mine))}
	err := w.onScreen(ctx)
	given := w.given()
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(r.Out, "\nnothing was written: q writes the answers, of which there were %d\n", len(given))
		return err
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case len(given) == 0:
		fmt.Fprintln(r.Out, "\nnothing was answered")
		return nil
	}
	fmt.Fprintln(r.Out)
	return r.save(given)
}

// onScreen walks on the terminal, of which each key is read as it is typed, or on a pipe.
func (w *walk) onScreen(ctx context.Context) (err error) {
	in, err := input(ctx, "-")
	if err != nil {
		return err
	}
	w.screen = &screen{in: bufio.NewReader(in), to: w.data, names: w.p.Names}
	if fd := int(os.Stdin.Fd()); term.IsTerminal(fd) {
		before, err := term.MakeRaw(fd)
		if err != nil {
			return err
		}
		w.screen.terminal = true
		defer func() { err = errors.Join(err, term.Restore(fd, before)) }()
	}
	return w.run(ctx)
}

// walk is one way through the fields.
type walk struct {
	*reviewing
	screen  *screen
	items   []review.Item
	answers []*answer // nil: skipped, or not come to yet
	because string    // of the next answer
}

const walkKeys = "y yes  n no personal data  k another kind  s skip  b back  w why  r reason  q write and quit  ? help"

func (w *walk) given() (list []answer) {
	for _, a := range w.answers {
		if a != nil {
			list = append(list, *a)
		}
	}
	return list
}

func (w *walk) run(ctx context.Context) error {
	w.screen.print("%s. Answers are written at the end.\n%s\n", many(len(w.items), "field"), w.help())
	for at := 0; ; {
		if at == len(w.items) {
			w.screen.print("\nthat was the last; answered: %d. q write and quit  b back ", len(w.given()))
			key, err := w.screen.key()
			if err != nil || key == 'q' {
				return err
			}
			if key == 'b' {
				at--
			}
			continue
		}
		i := w.items[at]
		w.show(at, i)
		move, err := w.ask(ctx, at, i)
		if err != nil {
			return err
		}
		if move == quit {
			return nil
		}
		at = max(0, at+move)
	}
}

func (w *walk) help() string {
	if w.flags.values {
		return walkKeys + "  v values"
	}
	return walkKeys
}

// quit is a move out of the list.
const quit = 1 << 30

// show prints what there is to know about a field.
func (w *walk) show(at int, i review.Item) {
	governed := "no silo governs the table"
	if len(i.Silos) > 0 {
		governed = "silo " + strings.Join(i.Silos, ", ")
	}
	w.screen.print("\n%d of %d  %s\n  %s, %d rows with a value, %s\n", at+1, len(w.items), i.Place(), i.Type, i.Rows,
		governed)
	if why := note(i); why != "" {
		w.screen.print("  %s\n", why)
	}
	w.screen.print("  the classifiers say: %s\n", said(i))
	if len(i.Shapes) > 0 {
		w.screen.print("  values look like:    %s\n", strings.Join(i.Shapes, "    "))
	}
	if len(i.Terms) > 0 {
		strongest := slices.MaxFunc(i.Terms, func(a, b string) int { return cmpWeight(a, b) })
		w.screen.print("  most of all because: %s\n", strongest)
	}
}

// cmpWeight compares terms by the size of their log-odds, which stand at their ends; the prior is no reason.
func cmpWeight(a, b string) int {
	weight := func(term string) (x float64) {
		if strings.HasPrefix(term, "prior ") {
			return 0
		}
		_, _ = fmt.Sscanf(term[strings.LastIndexByte(term, ' ')+1:], "%g", &x) // what is no number weighs nothing
		return max(x, -x)
	}
	x, y := weight(a), weight(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// ask waits for keys until one settles where to go on.
func (w *walk) ask(ctx context.Context, at int, i review.Item) (move int, err error) {
	for {
		w.screen.print("does it hold %s? ", strings.ReplaceAll(string(i.Kind), "_", " "))
		key, err := w.screen.key()
		if err != nil {
			return 0, err
		}
		switch key {
		case 'y':
			return w.answer(at, i, i.Kind), nil
		case 'n':
			return w.answer(at, i, classifiers.None), nil
		case 'k':
			kind, err := w.kind()
			if err != nil {
				return 0, err
			}
			if kind != "" {
				return w.answer(at, i, kind), nil
			}
		case 's':
			w.answers[at] = nil
			return 1, nil
		case 'b':
			return -1, nil
		case 'q':
			return quit, nil
		case 'w':
			for _, t := range i.Terms {
				w.screen.print("  %s\n", t)
			}
		case 'r':
			w.screen.print("reason: ")
			if w.because, err = w.screen.line(); err != nil {
				return 0, err
			}
			if err := w.mayStand(w.because); err != nil {
				w.screen.print("  %s\n", err)
				w.because = ""
			}
		case 'v':
			w.values(ctx, i)
		default:
			w.screen.print("%s\n", w.help())
		}
	}
}

// answer notes an answer and goes on.
func (w *walk) answer(at int, i review.Item, kind classifiers.Category) int {
	because := w.because
	if because == "" {
		because = w.flags.because
	}
	w.answers[at], w.because = &answer{i, kind, because}, ""
	w.screen.print("  %s: %s\n", i.Place(), strings.ReplaceAll(string(kind), "_", " "))
	return 1
}

// kindLetters are the keys for kinds, in the order of the labels.
const kindLetters = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// kind asks for a kind by one key; "" where none was chosen.
func (w *walk) kind() (classifiers.Category, error) {
	kinds := slices.DeleteFunc(classifiers.Categories(), func(c classifiers.Category) bool { return c == classifiers.None })
	for n, k := range kinds {
		end := ""
		if n%3 == 2 || n == len(kinds)-1 {
			end = "\n"
		}
		w.screen.print("  %c %-24s%s", kindLetters[n], strings.ReplaceAll(string(k), "_", " "), end)
	}
	w.screen.print("which? (another key: none of these) ")
	key, err := w.screen.key()
	if err != nil {
		return "", err
	}
	at := strings.IndexRune(kindLetters, key)
	if at < 0 || at >= len(kinds) {
		w.screen.print("\n")
		return "", nil
	}
	return kinds[at], nil
}

// Of a field so many values are shown, so much of each, among so many rows.
const (
	shownValues = 5
	shownRunes  = 60
	readRows    = 1000
)

// values shows a few values of a field to somebody who asked for them and may see them.
func (w *walk) values(ctx context.Context, i review.Item) {
	if !w.flags.values {
		w.screen.print("  values are shown with --values, --as and --key, to an owner\n")
		return
	}
	list, err := w.read(ctx, i)
	if err != nil {
		w.screen.print("  %s\n", err)
	}
	for _, v := range list {
		w.screen.print("  %s\n", v)
	}
}

// read takes a few values from the source.
func (w *walk) read(ctx context.Context, i review.Item) (list []string, err error) {
	at := slices.IndexFunc(w.p.Sources, func(s setup.Source) bool { return s.Name == i.Source || s.Set == i.Source })
	if at < 0 {
		return nil, fmt.Errorf("%w: the source is configured no more", setup.ErrConfig)
	}
	source, err := w.p.Sources[at].Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	q := connectors.Query{Table: i.Table, Fields: []string{i.Field}, Sample: readRows}
	for batch, err := range source.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row, col := 0, batch.Rows.Column(0).(*array.Binary); row < col.Len(); row++ {
			v := []rune(strings.ToValidUTF8(string(col.Value(row)), "?"))
			if len(v) > shownRunes {
				v = append(v[:shownRunes], []rune("...")...)
			}
			if len(v) > 0 && !slices.Contains(list, string(v)) {
				list = append(list, string(v))
			}
			if len(list) == shownValues {
				return list, nil
			}
		}
	}
	return list, nil
}
