package circles

// Joined says which numbers hang together, directly or over others. The zero value joins none.
type Joined struct{ to map[int]int }

// Join lets two numbers hang together, and so all that hang together with either.
func (j *Joined) Join(a, b int) {
	if a, b = j.First(a), j.First(b); a == b {
		return
	}
	if j.to == nil {
		j.to = map[int]int{}
	}
	j.to[max(a, b)] = min(a, b)
}

// First is the smallest number that hangs together with one; itself where none does.
func (j *Joined) First(a int) int {
	first := a
	for next, joined := j.to[first]; joined; next, joined = j.to[first] {
		first = next
	}
	for a != first { // the next time it is near
		j.to[a], a = first, j.to[a]
	}
	return first
}
