package pgdump

import (
	"slices"

	"lethe/connectors/internal/dumpfile"
)

// A partition is no table: its rows are those of the root, as a live source has them.

// root is the table whose partition, or partition's partition, a table is; the table itself where it is none.
func (s *schema) root(id dumpfile.TableID) dumpfile.TableID {
	for range s.tables { // a file may say that two are partitions of each other
		t := s.tables[id]
		if t == nil || t.parent == nil || s.tables[*t.parent] == nil {
			break
		}
		id = *t.parent
	}
	return id
}

// rooted gives the header of a statement that fills a partition the name of the root, and the fields in the order of
// the partition.
func (w *walker) rooted(h insert) insert {
	root := w.root(h.id)
	if root == h.id {
		return h
	}
	if h.columns == nil {
		for _, f := range w.tables[h.id].Fields {
			h.columns = append(h.columns, f.Name)
		}
	}
	h.id = root
	return h
}

// merged moves what stands in partitions to their roots, and returns the tables without them.
func (s *schema) merged(tables []*table) []*table {
	return slices.DeleteFunc(tables, func(t *table) bool {
		for i, ref := range t.Refs {
			t.Refs[i] = s.root(ref)
		}
		root := s.tables[s.root(t.ID)]
		if root == nil || root == t || t.Absent != "" {
			return false
		}
		root.Seen += t.Seen
		if root.Unread == nil {
			root.Unread = t.Unread
		}
		for _, unique := range t.Unique {
			if slices.ContainsFunc(root.Unique, func(u []string) bool { return slices.Equal(u, unique) }) ||
				slices.Equal(root.Key, unique) {
				continue
			}
			for _, f := range unique {
				if !slices.Contains(root.Distinct, f) {
					root.Distinct = append(root.Distinct, f)
				}
			}
		}
		return true
	})
}
