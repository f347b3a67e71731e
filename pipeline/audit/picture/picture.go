// Package picture draws where a source holds personal data: its tables with the kinds in them, by how far they are
// from the tables of persons along the foreign keys.
//
//   - Table is a table with what it holds and refers to.
//   - Draw makes a Picture of tables: Boxes and Lines at whole places of a drawing Width wide, and the same in Words.
//
// Nothing is measured here: letters are taken to be as wide as the widest usual ones, so that a text fits its box in
// any font of a page.
package picture

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Table is a table of a source.
type Table struct {
	Name    string
	Rows    int64
	Silo    string // "" no silo governs it
	Subject string // whose rows these are, as the classifiers say: person, company, ...
	Kinds   []Kind // of personal data in it, in the order of its fields
	Refers  []Reference
}

// Kind is a kind of personal data.
type Kind struct {
	Words   string
	Direct  bool // it says who somebody is
	Special bool // special, criminal, of children, or a secret
}

// Reference is a foreign key of one field.
type Reference struct{ Field, Table string }

// Picture is a drawing.
type Picture struct {
	Width, Height int
	Label         string // what it shows, in a sentence
	Heads         []Text
	Boxes         []Box
	Lines         []Line
	Left          string   // what is left out; "" nothing
	Words         []string // the same as the boxes and lines, a sentence each
}

// Box is a table.
type Box struct {
	X, Y, Width, Height int
	Class               string // person, near, apart
	Texts               []Text
}

// Text is a text at a place.
type Text struct {
	X, Y  int
	Class string // name, rows, kinds, special, none
	Words string
}

// Line is a foreign key: a path of SVG from the table that has it to the one that it refers to.
type Line struct{ Path, Class string }

// The drawing: a column of boxes for each step from the people, and below it, in rows, what no key leads to. Of each as
// many boxes as an eye can take in.
const (
	width      = 1000
	gap        = 60
	most       = 9 // boxes of a group
	across     = 3 // boxes of a row
	lineHeight = 17
	letter     = 7 // of the text of kinds, at most
	padding    = 10
	between    = 14
	kindLines  = 3 // of a box
	headHeight = 24
	margin     = 2 // of the frames of boxes at the sides
)

// group is some tables that stand together.
type group struct {
	head, class string
	tables      []Table // what says most first
}

func (g group) drawn() []Table { return g.tables[:min(len(g.tables), most)] }

// Draw draws the tables of a source with personal data, and those that refer to them; nil where there are none.
func Draw(source string, tables []Table) *Picture {
	if !slices.ContainsFunc(tables, func(t Table) bool { return len(t.Kinds) > 0 }) {
		return nil
	}
	steps, apart := arrange(tables)
	d := drawing{Picture: &Picture{Width: width + 2*margin}, at: map[string]Box{}}
	if len(steps) == 1 {
		d.rows(steps[0])
	} else {
		d.columns(steps)
	}
	if len(apart.tables) > 0 {
		d.rows(apart)
	}
	var counts []string
	left, personal := 0, 0
	for _, g := range append(steps, apart) {
		if len(g.tables) > 0 {
			counts = append(counts, g.head+": "+plural(len(g.tables), "table"))
		}
		for n, t := range g.tables {
			if n < most {
				d.Words = append(d.Words, t.words())
				continue
			}
			left++
			personal += min(1, len(t.Kinds))
		}
	}
	d.Label = fmt.Sprintf("Tables of %s with personal data, by their foreign keys. %s.", source,
		upper(strings.Join(counts, "; ")))
	if left > 0 {
		d.Left = fmt.Sprintf("Not drawn: %s more, %d of them with personal data of their own, which the list below "+
			"has.", plural(left, "table"), personal)
	}
	return d.Picture
}

// columns draws groups beside each other, with the keys between them.
func (d *drawing) columns(steps []group) {
	boxWidth := (width - (len(steps)-1)*gap) / len(steps)
	for c, g := range steps {
		x, y := margin+c*(boxWidth+gap), headHeight
		d.Heads = append(d.Heads, Text{X: x, Y: headHeight - 10, Class: "head", Words: g.head})
		for _, t := range g.drawn() {
			y = d.box(t, g.class, x, y, boxWidth) + between
		}
		d.Height = max(d.Height, y)
		if c == 0 {
			continue
		}
		before := steps[c-1].drawn()
		for n, t := range before {
			turn := gap * (n + 1) / (len(before) + 1) // each turns at a place of its own
			for _, other := range g.drawn() {
				d.line(t, other, turn)
			}
		}
	}
}

// rows draws a group below what is drawn, some boxes a row.
func (d *drawing) rows(g group) {
	boxWidth := (width - (across-1)*gap) / across
	d.Height += headHeight
	d.Heads = append(d.Heads, Text{X: margin, Y: d.Height - 10, Class: "head", Words: g.head})
	for row := range slices.Chunk(g.drawn(), across) {
		y := d.Height
		for n, t := range row {
			d.Height = max(d.Height, d.box(t, g.class, margin+n*(boxWidth+gap), y, boxWidth)+between)
		}
	}
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func upper(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// words says of a table what its box and its lines say.
func (t Table) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", t.Name, t.under())
	if len(t.Kinds) > 0 {
		b.WriteString(": ")
	} else {
		b.WriteString(": no personal data of its own")
	}
	for i, k := range t.Kinds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.Words)
		if k.Special {
			b.WriteString(" (special)")
		}
	}
	b.WriteString(".")
	for _, r := range t.Refers {
		fmt.Fprintf(&b, " Its %s refers to %s.", r.Field, r.Table)
	}
	return b.String()
}

// under is what stands under a table's name.
func (t Table) under() string {
	silo := "no silo"
	if t.Silo != "" {
		silo = "silo " + t.Silo
	}
	if t.Rows == 1 {
		return "1 row, " + silo
	}
	return number(t.Rows) + " rows, " + silo
}

// number writes 1204 as 1,204.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// drawing is a picture in the making.
type drawing struct {
	*Picture
	at map[string]Box
}

// box draws a table and returns where its box ends.
func (d *drawing) box(t Table, class string, x, y, width int) int {
	b := Box{X: x, Y: y, Width: width, Class: class}
	letters := (width - 2*padding) / letter
	line := y + padding + 3
	put := func(class, words string) {
		line += lineHeight - 4
		b.Texts = append(b.Texts, Text{X: x + padding, Y: line, Class: class, Words: cut(words, letters)})
		line += 4
	}
	b.Texts = append(b.Texts, Text{X: x + padding, Y: line + lineHeight - 6, Class: "name",
		Words: cut(t.Name, letters*5/6)})
	line += lineHeight
	put("rows", t.under())
	var plain, special []string
	for _, k := range t.Kinds {
		if k.Special {
			special = append(special, k.Words)
		} else {
			plain = append(plain, k.Words)
		}
	}
	for _, words := range wrapped(special, letters-2, kindLines) {
		put("special", "! "+words)
	}
	for _, words := range wrapped(plain, letters, kindLines) {
		put("kinds", words)
	}
	if len(t.Kinds) == 0 {
		put("rows", "nothing personal of its own")
	}
	b.Height = line + padding - y
	d.Boxes = append(d.Boxes, b)
	d.at[t.Name] = b
	return y + b.Height
}

// wrapped are words in at most so many lines of so many letters; of what does not fit the number is said.
func wrapped(words []string, letters, lines int) (out []string) {
	at := ""
	for i, w := range words {
		more := ""
		if left := len(words) - i; left > 1 {
			more = fmt.Sprintf(", and %d more", left-1)
		}
		last := len(out) == lines-1
		switch {
		case at == "":
			at = w
		case len([]rune(at+", "+w+",")) <= letters && (!last || len([]rune(at+", "+w+more)) <= letters):
			at += ", " + w
		case last:
			return append(out, fmt.Sprintf("%s, and %d more", at, len(words)-i))
		default:
			out, at = append(out, at+","), w
		}
	}
	if at != "" {
		out = append(out, at)
	}
	return out
}

// cut shortens a text in the middle, where names differ least.
func cut(text string, letters int) string {
	runes := []rune(text)
	if len(runes) <= letters || letters < 5 {
		return text
	}
	head := (letters - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(letters-1-head):])
}

// line draws the foreign key between a table and one of the next column, if there is one.
func (d *drawing) line(t, other Table, turn int) {
	to := func(a, b Table) bool { return slices.Contains(a.all(), b.Name) }
	class := "refers"
	switch {
	case to(other, t):
	case to(t, other):
		class = "holds"
	default:
		return
	}
	left, right := d.at[t.Name], d.at[other.Name]
	x, y := left.X+left.Width, left.Y+left.Height/2
	// Letters stand between the numbers: a row of numbers alone may be a card's, and the report would not be published.
	path := fmt.Sprintf("M%d %dH%dV%dH%d", x, y, x+turn, right.Y+right.Height/2, right.X)
	d.Lines = append(d.Lines, Line{path, class})
}
