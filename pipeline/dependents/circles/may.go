package circles

// May says of each of some places whether one gets from it back to it, over others perhaps. to are those to which each
// leads.
func May(to [][]int32) []bool {
	may := make([]bool, len(to))
	for t := range to {
		seen := make([]bool, len(to))
		for queue := []int32{int32(t)}; len(queue) > 0 && !may[t]; queue = queue[1:] {
			for _, next := range to[queue[0]] {
				may[t] = may[t] || next == int32(t)
				if !seen[next] {
					seen[next] = true
					queue = append(queue, next)
				}
			}
		}
	}
	return may
}
