package stores

func (s *Store) Column(table, field string) int {
	t, _ := s.Tables.Find(table)
	for i, f := range t.Fields {
		if f.Name == field {
			return i
		}
	}
	return -1
}
