package chart

import "unicode/utf8"

// Layer is one of the parts that bars are stacked of, from below.
type Layer struct {
	Name   string // beside the last bar
	Value  string // of the last bar, as it is written
	Values []int64
}

// layerClasses tell layers apart: by lightness, then by outline.
var layerClasses = []string{"mid", "dark", "none"}

// Stack is bars of nights, in layers. Days are the names of nights by their place; Write says a number.
type Stack struct {
	Layers []Layer
	Days   map[int]string
	Write  func(int64) string
	Label  string
}

// Draw makes the drawing.
func (s Stack) Draw() Drawing {
	c := canvas{width: 338, height: 168}
	const right, floor, top = 240.0, 148.0, 14.0
	nights, most := 0, int64(0)
	for _, l := range s.Layers {
		nights = max(nights, len(l.Values))
	}
	for i := range nights {
		most = max(most, s.sum(i))
	}
	step, left := scale(most), margin(s.Write, most)
	y := func(v int64) float64 { return floor - (floor-top)*float64(v)/float64(max(most, 1)) }
	for v := int64(0); v <= most; v += step {
		class := "gr"
		if v == 0 {
			class = "ax"
		}
		c.line(class, left, y(v), right, y(v))
		c.text("s", before, left-4, y(v)+3.2, s.Write(v))
		if v == 0 && most == 0 {
			break
		}
	}
	slot := (right - left) / float64(max(nights, 30))
	start := right - slot*float64(nights)
	for i := range nights {
		below := int64(0)
		x := start + slot*float64(i) + 0.6
		for k, l := range s.Layers {
			from, to := y(below), y(below+l.Values[i])
			class, inset := layerClasses[k%len(layerClasses)], 0.0
			if class == "none" {
				inset = 0.3
			}
			gap := 0.0
			if below > 0 && from-to > 1.2 {
				gap = 0.6
			}
			c.rect(class, x+inset, to, slot-1.2-2*inset, from-to-gap)
			below += l.Values[i]
		}
	}
	free := c.width
	for i := nights - 1; i >= 0; i-- { // the newest is always named, none over another
		at, half := start+slot*(float64(i)+0.5), 2.2*float64(utf8.RuneCountInString(s.Days[i]))
		if s.Days[i] == "" || at+half > free {
			continue
		}
		c.line("ax", at, floor, at, floor+4)
		c.text("s", middle, at, floor+14, s.Days[i])
		free = at - half - 3
	}
	s.names(&c, nights, y)
	return c.drawing(s.Label)
}

func (s Stack) sum(i int) (sum int64) {
	for _, l := range s.Layers {
		sum += l.Values[i]
	}
	return sum
}

// names writes what the layers are beside the last bar, none over another.
func (s Stack) names(c *canvas, nights int, y func(int64) float64) {
	if nights == 0 {
		return
	}
	type place struct{ at float64 }
	below, places := int64(0), make([]place, len(s.Layers))
	for k, l := range s.Layers {
		v := l.Values[nights-1]
		places[k] = place{(y(below)+y(below+v))/2 - 2}
		below += v
	}
	floor := 140.0
	for k := range places { // from below: each keeps off the one under it
		places[k].at = min(places[k].at, floor)
		floor = places[k].at - 26
	}
	if len(places) > 0 {
		if over := 12 - places[len(places)-1].at; over > 0 {
			for k := range places {
				places[k].at = min(places[k].at+over, 140-26*float64(k))
			}
		}
	}
	for k, l := range s.Layers {
		at := places[k].at
		c.rect(layerClasses[k%len(layerClasses)], 246, at-7, 6, 7)
		c.text("t", after, 256, at, l.Name)
		c.text("t b", after, 256, at+11.5, l.Value)
	}
}

// Group is a heading with bars below it, at a scale of its own.
type Group struct {
	Title string
	Dark  bool
	Bars  []Bar
}

// Bar is a name, a number, and how the number is written.
type Bar struct {
	Name, Said string
	Value      int64
}

// Bars are groups of bars from the left, each with its number at its end.
func Bars(groups []Group, label string) Drawing {
	c := canvas{width: 338}
	const left = 116.0
	width, y := 158.0, 10.0
	for _, g := range groups {
		for _, b := range g.Bars {
			width = min(width, max(c.width-left-8-5.2*float64(utf8.RuneCountInString(b.Said)), 40))
		}
	}
	for n, g := range groups {
		if n > 0 {
			y += 5
		}
		c.text("t b", after, 0, y, g.Title)
		y += 12.6
		most := int64(1)
		for _, b := range g.Bars {
			most = max(most, b.Value)
		}
		class := "mid"
		if g.Dark {
			class = "dark"
		}
		for _, b := range g.Bars {
			w := width * float64(b.Value) / float64(most)
			if b.Value > 0 {
				w = max(w, 0.6)
			}
			c.text("t", after, 0, y, cut(b.Name, 24))
			c.rect(class, left, y-7.2, w, 8.4)
			c.text("t", after, left+w+4, y, b.Said)
			y += 12.2
		}
	}
	c.height = max(y-4, 20)
	return c.drawing(label)
}
