package classifiers_test

import (
	"math"
)

// example is a labelled field: the parts of its score, and the kinds that are right.
type example struct {
	base     []float64
	possible []bool
	own      [][]known
	features []known
	right    []bool // by kind; the last is none
	weight   float64
}

// known is a feature by its number, and how far it holds.
type known struct {
	id int
	x  float64
}

// regression is a softmax over kinds, with none as the reference. Its parameters are one weight for each
// feature that all personal kinds share, and one for each feature and kind.
type regression struct {
	kinds, features int
	personal        []bool
}

func (m *regression) size() int { return m.features * (m.kinds + 1) }

// scores puts the log-odds of each kind against none into z.
func (m *regression) scores(w []float64, e *example, z []float64) {
	common := 0.0
	copy(z, e.base)
	for _, f := range e.features {
		common += w[f.id] * f.x
		row := w[m.features+f.id*m.kinds:][:m.kinds]
		for k := range row {
			z[k] += row[k] * f.x
		}
	}
	for k := range m.kinds {
		if m.personal[k] {
			z[k] += common
		}
		for _, f := range e.own[k] {
			z[k] += f.x * (w[f.id] + w[m.features+f.id*m.kinds+k])
		}
		if !e.possible[k] {
			z[k] = -30
		}
	}
}

// loss is the negative log-likelihood with the penalties, and its gradient.
func (m *regression) loss(w []float64, list []*example, grad []float64) float64 {
	for i := range grad {
		grad[i] = 0
	}
	sum := 0.0
	z, p := make([]float64, m.kinds+1), make([]float64, m.kinds+1)
	for _, e := range list {
		m.scores(w, e, z[:m.kinds])
		z[m.kinds] = 0
		all, good := 0.0, 0.0
		for k := range z {
			p[k] = math.Exp(z[k])
			all += p[k]
			if e.right[k] {
				good += p[k]
			}
		}
		sum -= e.weight * math.Log(good/all)
		common := 0.0
		for k := range m.kinds {
			d := p[k] / all
			if e.right[k] {
				d -= p[k] / good
			}
			p[k] = d * e.weight
			if !e.possible[k] {
				p[k] = 0
			}
			if m.personal[k] {
				common += p[k]
			}
			for _, f := range e.own[k] {
				grad[f.id] += p[k] * f.x
				grad[m.features+f.id*m.kinds+k] += p[k] * f.x
			}
		}
		for _, f := range e.features {
			grad[f.id] += common * f.x
			row := grad[m.features+f.id*m.kinds:][:m.kinds]
			for k := range row {
				row[k] += p[k] * f.x
			}
		}
	}
	for i, x := range w {
		cost := float64(costShared)
		if i >= m.features {
			cost = costOfKind
		}
		sum += cost / 2 * x * x
		grad[i] += cost * x
	}
	return sum
}

// fit minimises the loss by L-BFGS (Nocedal and Wright, Numerical Optimization, 2006, algorithm 7.5), from zero.
func (m *regression) fit(list []*example, rounds int) []float64 {
	const memory = 8
	n := m.size()
	w, grad := make([]float64, n), make([]float64, n)
	value := m.loss(w, list, grad)
	var steps, turns [][]float64
	next, nextGrad := make([]float64, n), make([]float64, n)
	for range rounds {
		direction := descent(grad, steps, turns)
		slope := dot(grad, direction)
		if slope > -1e-6 {
			break
		}
		length := 1.0
		if len(steps) == 0 {
			length = 1 / math.Sqrt(-slope)
		}
		fits := false
		var at float64
		for range 20 {
			for i := range w {
				next[i] = w[i] + length*direction[i]
			}
			at = m.loss(next, list, nextGrad)
			if fits = at <= value+1e-4*length*slope; fits {
				break
			}
			length /= 2
		}
		if !fits || value-at < 1e-4 {
			break
		}
		s, y := make([]float64, n), make([]float64, n)
		for i := range w {
			s[i], y[i] = next[i]-w[i], nextGrad[i]-grad[i]
		}
		if dot(s, y) > 1e-10 {
			steps, turns = append(steps, s), append(turns, y)
			if len(steps) > memory {
				steps, turns = steps[1:], turns[1:]
			}
		}
		copy(w, next)
		copy(grad, nextGrad)
		value = at
	}
	return w
}

func descent(grad []float64, steps, turns [][]float64) []float64 {
	d := make([]float64, len(grad))
	for i, g := range grad {
		d[i] = -g
	}
	k := len(steps)
	if k == 0 {
		return d
	}
	a := make([]float64, k)
	for i := k - 1; i >= 0; i-- {
		a[i] = dot(steps[i], d) / dot(turns[i], steps[i])
		axpy(-a[i], turns[i], d)
	}
	by := dot(steps[k-1], turns[k-1]) / dot(turns[k-1], turns[k-1])
	for i := range d {
		d[i] *= by
	}
	for i := range k {
		b := dot(turns[i], d) / dot(turns[i], steps[i])
		axpy(a[i]-b, steps[i], d)
	}
	return d
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func axpy(a float64, x, y []float64) {
	for i := range x {
		y[i] += a * x[i]
	}
}
