package classifiers_test

import (
	"math"
)

// example is a labelled field: what the rules say of each answer, what is true of the field, and which answers are right.
type example struct {
	base     []float64
	possible []bool
	own      [][]known // true of one answer
	features []known
	right    []bool
	weight   float64
}

// known is a feature by its number, and how far it holds.
type known struct {
	id int
	x  float64
}

// softmax gives answers; with a single one it is asked whether it is so at all. A weight costs its square times half of
// the cost.
type softmax struct {
	answers, features int
	cost              float64
}

// scores puts the log-odds of each answer into z.
func (m *softmax) scores(w []float64, e *example, z []float64) {
	copy(z, e.base)
	for _, f := range e.features {
		row := w[f.id*m.answers:][:m.answers]
		for k := range row {
			z[k] += row[k] * f.x
		}
	}
	if e.own == nil {
		return
	}
	for k := range z {
		for _, f := range e.own[k] {
			z[k] += f.x * w[f.id*m.answers+k]
		}
	}
}

// loss is the negative log-likelihood with the penalty, and its gradient.
func (m *softmax) loss(w []float64, list []*example, grad []float64) float64 {
	sum := 0.0
	for i, x := range w {
		sum += m.cost / 2 * x * x
		grad[i] = m.cost * x
	}
	z := make([]float64, m.answers)
	for _, e := range list {
		m.scores(w, e, z)
		all, good := 0.0, 0.0
		if m.answers == 1 { // against none
			all = 1
			if !e.right[0] {
				good = 1
			}
		}
		for k := range z {
			if !e.possible[k] {
				z[k] = 0
				continue
			}
			z[k] = math.Exp(min(z[k], 60))
			all += z[k]
			if e.right[k] {
				good += z[k]
			}
		}
		sum -= e.weight * math.Log(good/all)
		for k := range z {
			d := z[k] / all
			if e.right[k] {
				d -= z[k] / good
			}
			z[k] = d * e.weight
		}
		for _, f := range e.features {
			row := grad[f.id*m.answers:][:m.answers]
			for k := range row {
				row[k] += z[k] * f.x
			}
		}
		if e.own == nil {
			continue
		}
		for k := range z {
			for _, f := range e.own[k] {
				grad[f.id*m.answers+k] += z[k] * f.x
			}
		}
	}
	return sum
}

// fit minimises the loss by L-BFGS (Nocedal and Wright, Numerical Optimization, 2006, algorithm 7.5), from zero.
func (m *softmax) fit(list []*example, rounds int) []float64 {
	const memory = 8
	n := m.answers * m.features
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
