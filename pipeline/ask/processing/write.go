package processing

import (
	"cmp"
	_ "embed" // the page's style
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"strings"
)

// columns head the record as a table: one line an activity.
var columns = []string{"controller", "silo", "purpose", "data_subjects", "categories", "special", "bases", "recipients",
	"transfers", "kept", "stores", "owners", "review_by", "measures"}

const sep = "; "

// WriteCSV writes a line for each activity, after a line with the columns' names. A list's parts are joined by "; ".
// What a spreadsheet would take for a formula begins with an apostrophe.
func (r *Record) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{columns}
	for _, a := range r.Activities {
		lines = append(lines, []string{strings.Join(r.Controller.lines(), sep), a.Silo, a.Purpose,
			strings.Join(a.Subjects, sep), strings.Join(a.Data, sep), strings.Join(a.Special, sep),
			strings.Join(a.Basis, sep), strings.Join(a.Recipients, sep), strings.Join(a.Transfers, sep),
			strings.Join(a.Kept, sep), strings.Join(a.Stores, sep), strings.Join(a.Owners, sep), a.ReviewBy,
			strings.Join(r.Measures, sep)})
	}
	return WriteLines(out, lines)
}

// WriteLines writes lines in which no cell is a spreadsheet's formula, and flushes.
func WriteLines(out *csv.Writer, lines [][]string) error {
	for _, line := range lines {
		for i, cell := range line {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				line[i] = "'" + cell
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (c Controller) lines() (list []string) {
	for _, l := range []struct{ what, text string }{{"", c.Name}, {"", c.Address}, {"", c.Contact},
		{"data protection officer: ", c.DPO}} {
		if l.text != "" {
			list = append(list, l.what+l.text)
		}
	}
	return list
}

// entry is one heading of an activity, with its paragraph of Art. 30(1).
type entry struct {
	head, article string
	list          []string
}

func (a Activity) entries() []entry {
	return []entry{
		{"Whose data", "c", a.Subjects}, {"Which data", "c", a.Data}, {"of which special or criminal", "c", a.Special},
		{"On which basis", "", a.Basis}, {"Disclosed to", "d", a.Recipients}, {"Outside the EEA", "e", a.Transfers},
		{"Kept", "f", a.Kept}, {"Where", "", a.Stores}, {"Who answers", "", a.Owners},
		{"Next review", "", strings.Fields(a.ReviewBy)},
	}
}

// WriteText writes the record for a terminal.
func (r *Record) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Record of processing activities (Art. 30(1)), as of %s\n%s\n", r.AsOf,
		strings.Join(r.Controller.lines(), "\n"))
	fmt.Fprintf(&b, "Stores last read: %s\n", cmp.Or(r.Inventory, "never"))
	for _, a := range r.Activities {
		fmt.Fprintf(&b, "\n%s, for %s\n", a.Silo, a.Purpose)
		for _, e := range a.entries() {
			if len(e.list) > 0 {
				fmt.Fprintf(&b, "  %-29s %s\n", e.head, strings.Join(e.list, sep))
			}
		}
	}
	fmt.Fprintf(&b, "\nMeasures\n")
	for _, m := range r.Measures {
		fmt.Fprintf(&b, "  %s\n", m)
	}
	if len(r.Gaps) > 0 {
		fmt.Fprintf(&b, "\nNot said yet\n")
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(&b, "  Art. %s: %s. Write %s.\n", g.Article, g.What, g.Write)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

//go:embed style.css
var style string

// WriteHTML writes the record as one file that prints: no script, nothing from elsewhere.
func (r *Record) WriteHTML(w io.Writer) error {
	b := &strings.Builder{}
	title := "Record of processing activities"
	fmt.Fprintf(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s – %s</title>\n"+
		"<style>\n%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>%s</h1>\n<p>GDPR Art. 30(1), as of "+
		"<time>%s</time>. Stores last read: %s.</p>\n<address>%s</address>\n</header>\n", title, esc(r.Controller.Name),
		style, title, esc(r.AsOf), esc(cmp.Or(r.Inventory, "never")), joined(r.Controller.lines(), "<br>\n"))
	if len(r.Gaps) > 0 {
		b.WriteString("<section class=\"gaps\">\n<h2>Not said yet</h2>\n<ul>\n")
		for _, g := range r.Gaps {
			fmt.Fprintf(b, "<li>Art. %s: %s. <span>Write %s.</span></li>\n", esc(g.Article), esc(g.What), esc(g.Write))
		}
		b.WriteString("</ul>\n</section>\n")
	}
	for _, a := range r.Activities {
		fmt.Fprintf(b, "<section>\n<h2>%s <span>for %s</span></h2>\n<dl>\n", esc(a.Silo), esc(a.Purpose))
		for _, e := range a.entries() {
			if len(e.list) == 0 {
				continue
			}
			article := ""
			if e.article != "" {
				article = " <small>(" + e.article + ")</small>"
			}
			fmt.Fprintf(b, "<div><dt>%s%s</dt>", esc(e.head), article)
			for _, part := range e.list {
				fmt.Fprintf(b, "<dd>%s</dd>", esc(part))
			}
			b.WriteString("</div>\n")
		}
		b.WriteString("</dl>\n</section>\n")
	}
	fmt.Fprintf(b, "<section>\n<h2>Measures <span>Art. 30(1)(g)</span></h2>\n<ul>\n<li>%s</li>\n</ul>\n</section>\n"+
		"</main>\n</body>\n</html>\n", joined(r.Measures, "</li>\n<li>"))
	_, err := io.WriteString(w, b.String())
	return err
}

func esc(text string) string { return html.EscapeString(text) }

func joined(list []string, by string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = esc(s)
	}
	return strings.Join(out, by)
}
