// Package chart draws the charts of the pages as SVG. A Drawing is markup that is ready to stand in a page: texts in
// it are escaped. Bars begin at 0, a label stands on what it is about, and nothing is told apart by its colour alone:
// marks differ in lightness, outline, hatch or height. The same numbers give the same bytes.
package chart

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
	"unicode"
)

// Drawing is an SVG element.
type Drawing string

// canvas gathers the marks of a drawing.
type canvas struct {
	b             strings.Builder
	width, height float64
}

func coordinate(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

func escaped(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return ""
	}
	return b.String()
}

func (c *canvas) rect(class string, x, y, w, h float64) {
	if w <= 0 || h <= 0 {
		return
	}
	fmt.Fprintf(&c.b, `<rect x="%s" y="%s" width="%s" height="%s" class="%s"/>`, coordinate(x), coordinate(y),
		coordinate(w), coordinate(h), class)
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.b, `<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`, coordinate(x1), coordinate(y1),
		coordinate(x2), coordinate(y2), class)
}

// Where a text stands to its point.
const (
	after  = ""
	middle = "middle"
	before = "end"
)

func (c *canvas) text(class, anchor string, x, y float64, text string) {
	if anchor != "" {
		anchor = ` text-anchor="` + anchor + `"`
	}
	fmt.Fprintf(&c.b, `<text x="%s" y="%s" class="%s"%s>%s</text>`, coordinate(x), coordinate(y), class, anchor,
		escaped(text))
}

// wide is how wide a text is at most, in the letters of the charts.
func wide(text string) (width float64) {
	for _, r := range text {
		if unicode.In(r, unicode.P, unicode.Z) {
			width += 2.8
		} else {
			width += 5.3
		}
	}
	return width
}

// margin is where bars begin, right of the numbers of their scale.
func margin(write func(int64) string, most int64) float64 {
	return max(34, 6+wide(write(most)))
}

// drawing is the image; label says in words what it shows.
func (c *canvas) drawing(label string) Drawing {
	return Drawing(fmt.Sprintf(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s">%s</svg>`, coordinate(c.width),
		coordinate(c.height), escaped(label), c.b.String()))
}

// scale is a round step and how many of them hold the largest value: two to four.
func scale(most int64) (step int64) {
	if most < 1 {
		return 1
	}
	unit := int64(math.Pow10(int(math.Log10(float64(most)))))
	for _, s := range []int64{unit / 5, unit / 2, unit, 2 * unit, 5 * unit} {
		if s > 0 && most/s <= 3 {
			return s
		}
	}
	return 5 * unit
}

// cut shortens a name that is too long for its place.
func cut(name string, most int) string {
	if r := []rune(name); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return name
}

// Spark is a line over nights, or bars, without axes: the shape of what a figure says. A night without a value (below
// 0) leaves a gap.
func Spark(values []int64, bars bool) Drawing {
	c := canvas{width: 150, height: 30}
	fmt.Fprintf(&c.b, `<svg viewBox="0 0 150 30" preserveAspectRatio="none" aria-hidden="true" focusable="false">`)
	c.line("ax", 0, 28.5, 150, 28.5)
	most := int64(1)
	for _, v := range values {
		most = max(most, v)
	}
	y := func(v int64) float64 { return 28 - 24*float64(v)/float64(most) }
	slots := max(len(values), 30)
	x := func(i int) float64 { return 2 + 144*float64(slots-len(values)+i)/float64(slots-1) }
	var points []string
	flush := func() {
		if len(points) > 1 {
			fmt.Fprintf(&c.b, `<polyline points="%s" class="spark"/>`, strings.Join(points, " "))
		}
		points = nil
	}
	for i, v := range values {
		switch {
		case v < 0:
			flush()
		case bars && i == len(values)-1:
			c.rect("dark", x(i)-2.9, y(v), 3.7, 28-y(v))
		case bars:
			c.rect("mid", x(i)-2.9, y(v), 3.7, 28-y(v))
		default:
			points = append(points, coordinate(x(i))+","+coordinate(y(v)))
		}
	}
	flush()
	if n := len(values); n > 0 && !bars && values[n-1] >= 0 {
		c.rect("dark", x(n-1)-2, y(values[n-1])-2.2, 4, 4.4)
	}
	c.b.WriteString("</svg>")
	return Drawing(c.b.String())
}
