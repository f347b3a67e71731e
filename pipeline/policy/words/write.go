package words

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write prints the explanation for people.
func (e Explanation) Write(w io.Writer) error {
	p := &printer{w: w}
	p.head("Silo %s, as of %s", e.Silo, e.AsOf)
	p.section("Law", e.National)
	p.listed("Whose row is it", e.Matching)
	for _, r := range e.Rules {
		state := ""
		if !r.InForce {
			state = " (not in force today)"
		}
		p.section("Rule "+r.ID+state, r.Words)
		for _, x := range r.Examples {
			p.item("For example: " + x)
		}
		if r.Article != "" {
			p.item(fmt.Sprintf("By %s.", strings.TrimSuffix(r.Article, ".")))
		}
		p.item(fmt.Sprintf("Because: %s. %s answers for it; next review by %s.", strings.TrimSuffix(r.Because, "."),
			r.Owner, r.ReviewBy))
	}
	p.section("For all rules", e.Together)
	p.matrix(e.Classes)
	if len(e.Fields) > 0 {
		p.section("Fields", nil)
		for _, f := range e.Fields {
			p.item(fmt.Sprintf("%s: needed by %s; cleared %s.", f.Field, cmp.Or(list(f.Rules, "and"), "no rule"),
				f.Cleared))
		}
	}
	for _, t := range e.Tables {
		p.section("Table "+t.Source+"."+t.Table, t.Words)
	}
	p.listed("Worth knowing in "+e.Jurisdiction.Name+" (never applied by itself)", e.Suggestions)
	return p.err
}

// printer writes sections of short paragraphs, broken at a width that a terminal has.
type printer struct {
	w   io.Writer
	err error
}

const width = 110

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) head(format string, args ...any) {
	title := fmt.Sprintf(format, args...)
	p.line("%s", title)
	p.line("%s", strings.Repeat("=", len([]rune(title))))
}

func (p *printer) section(title string, items []string) {
	p.line("\n%s", title)
	for _, i := range items {
		p.item(i)
	}
}

// listed prints a section, unless it is empty.
func (p *printer) listed(title string, items []string) {
	if len(items) > 0 {
		p.section(title, items)
	}
}

// item prints a paragraph behind a dash.
func (p *printer) item(text string) {
	indent := "  - "
	for _, line := range wrap(text, width-len(indent)) {
		p.line("%s%s", indent, line)
		indent = "    "
	}
}

// matrix prints the deletion classes: a line for each starting point, a column for each period.
func (p *printer) matrix(classes []DeletionClass) {
	if len(classes) == 0 || p.err != nil {
		return
	}
	var starts, periods []string
	for _, c := range classes {
		if !slices.Contains(starts, c.Start) {
			starts = append(starts, c.Start)
		}
		if !slices.Contains(periods, c.Period) {
			periods = append(periods, c.Period)
		}
	}
	p.section("Deletion classes (ISO/IEC 27555): what starts the term, and how long it is", nil)
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	cell := func(start, period string) string {
		for _, c := range classes {
			if c.Start == start && c.Period == period {
				return strings.Join(c.Rules, ", ")
			}
		}
		return "-"
	}
	lines := []string{"  \t" + strings.Join(periods, "\t")}
	for _, s := range starts {
		line := "  " + s
		for _, period := range periods {
			line += "\t" + cell(s, period)
		}
		lines = append(lines, line)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(tw, l); err != nil {
			p.err = err
		}
	}
	if err := tw.Flush(); err != nil {
		p.err = err
	}
}

// wrap breaks text at spaces into lines of at most so many letters, but for words that are longer.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		if line != "" && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if line != "" {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	return append(lines, line)
}
