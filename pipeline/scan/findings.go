package scan

// Untaken is the number of rows of a governed table that no silo takes; a row has one silo at most.
func (s *Source) Untaken(r *Reading) int64 {
	groups := s.Governed[r.Table.Name]
	if len(groups) == 0 {
		return 0
	}
	left := r.Rows
	for _, g := range groups {
		left -= g.Rows
	}
	return left
}
