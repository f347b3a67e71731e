package chart

import (
	"math"
	"slices"
)

// Tenths is how many parts of a term ages are counted in; the last part is past it.
const Tenths = 10

// Ages is one silo's rows by their age as a share of their term.
type Ages struct {
	Name, Term string // the silo, and how long its term is
	Rows       [Tenths + 1]int64
	Past       string // what is said of those past their term
	Late       bool
}

// Terms are histograms of ages, one above the other, with one line for the term of each. axis are the words for no
// age, half the term and the term.
func Terms(silos []Ages, axis [3]string, label string) Drawing {
	c := canvas{width: 338, height: 18 + 24*float64(len(silos))}
	const left, slot, tall = 104.0, 12.5, 17.0
	term := left + Tenths*slot
	for n, s := range silos {
		floor := 26 + 24*float64(n)
		c.text("t", after, 0, floor-9.5, cut(s.Name, 20))
		c.text("s", after, 0, floor+0.5, cut(s.Term, 24))
		c.line("ax", left, floor, left+(Tenths+2)*slot, floor)
		most := max(slices.Max(s.Rows[:]), 1)
		for i, rows := range s.Rows {
			class, h := "mid", tall*float64(rows)/float64(most)
			if i == Tenths {
				class = "redf"
			}
			if rows > 0 {
				h = max(h, 0.8)
			}
			c.rect(class, left+slot*float64(i)+0.6, floor-h, slot-1.2, h)
		}
		class := "t"
		if s.Late {
			class = "t rt"
		}
		c.text(class, after, left+(Tenths+1)*slot+4, floor-3, s.Past)
	}
	floor := 2 + 24*float64(len(silos))
	c.line("rl", term, 4, term, floor)
	c.text("s", middle, left, floor+11, axis[0])
	c.text("s", middle, left+Tenths*slot/2, floor+11, axis[1])
	c.text("s", middle, term, floor+11, axis[2])
	return c.drawing(label)
}

// Step is what is left from one day on.
type Step struct {
	Day   int     // days from today
	Parts []int64 // of each layer, from below
	Note  string  // "" none
}

// Steps is what is left, falling by days to nothing. The last step has the day on which nothing is left.
type Steps struct {
	Steps []Step
	Ticks map[int]string // days that are named below
	Write func(int64) string
	Label string
}

func (s Step) sum() (sum int64) {
	for _, p := range s.Parts {
		sum += p
	}
	return sum
}

// Draw makes the drawing.
func (s Steps) Draw() Drawing {
	c := canvas{width: 338, height: 138}
	const right, floor, top = 326.0, 119.0, 22.0
	if len(s.Steps) == 0 {
		return c.drawing(s.Label)
	}
	last := max(s.Steps[len(s.Steps)-1].Day, 1)
	most := int64(1)
	for _, step := range s.Steps {
		most = max(most, step.sum())
	}
	left := margin(s.Write, most)
	x := func(day int) float64 { return left + (right-14-left)*float64(day)/float64(last) }
	y := func(v int64) float64 { return floor - (floor-top)*float64(v)/float64(most) }
	for v, step := int64(0), scale(most); v <= most; v += step {
		c.line(map[bool]string{true: "ax", false: "gr"}[v == 0], left, y(v), right, y(v))
		c.text("s", before, left-4, y(v)+3.2, s.Write(v))
	}
	for i, step := range s.Steps {
		until := right - 14
		if i+1 < len(s.Steps) {
			until = x(s.Steps[i+1].Day)
		}
		below := int64(0)
		for k, part := range step.Parts {
			c.rect([]string{"dark", "mid"}[k%2], x(step.Day), y(below+part), until-x(step.Day)-0.6,
				y(below)-y(below+part))
			below += part
		}
	}
	s.notes(&c, x, y)
	for _, day := range sortedDays(s.Ticks) {
		anchor := middle
		if day == 0 {
			anchor = after
		}
		c.line("ax", x(day), floor, x(day), floor+4)
		c.text("s", anchor, x(day), floor+14, s.Ticks[day])
	}
	return c.drawing(s.Label)
}

func sortedDays(ticks map[int]string) []int {
	days := make([]int, 0, len(ticks))
	for day := range ticks {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}

// note is what is said of a step, and where: its class, where it stands to its point, and the point.
type note struct {
	class, anchor, text string
	x, y                float64
}

// notes writes what is said of steps above them, each with a rim of paper, as lines and lower bars may be behind it.
// What is there tonight and the end are always said, then of the others those that are over no other: all stand in the
// data.
func (s Steps) notes(c *canvas, x func(int) float64, y func(int64) float64) {
	placed := []note{{"t b", after, s.Steps[0].Note, x(0) + 2, 14}}
	end := len(s.Steps) - 1
	if last := s.Steps[end]; end > 0 && last.sum() == 0 {
		n := noteOf("t b", last, x(last.Day), min(94, y(s.Steps[end-1].sum())-16))
		for n.over(placed[0]) {
			n.y += 11.5
		}
		placed = append(placed, n)
		c.line("ink", x(last.Day), n.y+3, x(last.Day), 119)
	}
	for i, step := range s.Steps {
		n := noteOf("t", step, x(step.Day), y(step.sum())-4)
		said := i > 0 && n.text != "" && step.sum() > 0 && n.y <= 114
		if said && !slices.ContainsFunc(placed, n.over) {
			placed = append(placed, n)
		}
	}
	for _, n := range placed {
		c.text(n.class+" rim", n.anchor, n.x, n.y, n.text)
	}
}

// noteOf is the note of a step that begins there, before the edge where it would go beyond it.
func noteOf(class string, s Step, x, y float64) note {
	if x+4 > 200 {
		return note{class, before, s.Note, 336, y}
	}
	return note{class, after, s.Note, x + 4, y}
}

// over says that two notes overlap.
func (n note) over(o note) bool {
	from, to := n.span()
	start, end := o.span()
	return math.Abs(n.y-o.y) < 11 && from < end && start < to
}

// span is from where to where a note goes.
func (n note) span() (from, to float64) {
	if n.anchor == before {
		return n.x - wide(n.text), n.x
	}
	return n.x, n.x + wide(n.text)
}

// Span is one request: days before today on which it was received, until which it has to be answered (negative: it is
// late), and for how many of the days before today its term rested.
type Span struct {
	Name, Said     string
	Received, Left int
	Rested         int
	Late, Bold     bool
}

// Spans are requests against their term: filled what has passed, outlined what is left, hatched what rested, and
// taller and red what is late. Ticks are days from today that are named below.
func Spans(list []Span, today string, ticks map[int]string, label string) Drawing {
	c := canvas{width: 338, height: 26 + 12.4*float64(len(list))}
	const left, right = 84.0, 246.0
	back, ahead := 30, 30
	for _, s := range list {
		back, ahead = max(back, s.Received), max(ahead, s.Left)
	}
	back, ahead = min(back, 120), min(ahead, 90)
	day := (right - left) / float64(back+ahead)
	now := left + day*float64(back)
	floor := 12 + 12.4*float64(len(list))
	for n, s := range list {
		y := 13.5 + 12.4*float64(n)
		c.text("t", after, 0, y+6.7, cut(s.Name, 17))
		from := max(now-day*float64(s.Received), left)
		end := now
		if s.Late {
			end = max(now+day*float64(s.Left), left)
		}
		rested := min(day*float64(s.Rested), end-from)
		c.rect("mid", from, y, end-from-rested, 7.6)
		c.rect("hatch", end-rested, y, rested, 7.6)
		switch {
		case s.Late:
			c.rect("redf", end+0.8, y-1, now-end-0.8, 9.6)
		case s.Left > 0:
			c.rect("open", now, y, min(day*float64(s.Left), right-now), 7.6)
		}
		class := "t"
		if s.Late {
			class = "t rt"
		} else if s.Bold {
			class = "t b"
		}
		c.text(class, after, right+5, y+6.9, s.Said)
	}
	c.line("ink", now, 6, now, floor)
	c.text("s", middle, now, 5, today)
	c.line("ax", left, floor, right, floor)
	for _, d := range sortedDays(ticks) {
		if d >= -back && d <= ahead {
			c.line("ax", now+day*float64(d), floor, now+day*float64(d), floor+3)
			c.text("s", middle, now+day*float64(d), floor+12, ticks[d])
		}
	}
	return c.drawing(label)
}
