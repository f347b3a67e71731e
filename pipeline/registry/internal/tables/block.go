package tables

// Gathered is what is known of one block of collections, by collection.
type Gathered[T any] struct {
	number int64
	taken  int
	facts  [BlockSize][]T
}

// Take takes an event of a collection; false where the block has events of another one.
func (b *Gathered[T]) Take(collection int64, fact T) bool {
	number := Block(collection)
	if b.taken > 0 && number != b.number {
		return false
	}
	b.number = number
	b.taken++
	at := (collection + BlockSize - 1) % BlockSize
	b.facts[at] = append(b.facts[at], fact)
	return true
}

// Each calls do with the events of each collection, in order, and empties the block.
func (b *Gathered[T]) Each(do func(collection int64, facts []T) error) error {
	b.taken = 0
	for i := range b.facts {
		if len(b.facts[i]) == 0 {
			continue
		}
		collection := int64(0)
		if b.number > 0 {
			collection = (b.number-1)*BlockSize + 1 + int64(i)
		}
		if err := do(collection, b.facts[i]); err != nil {
			return err
		}
		b.facts[i] = b.facts[i][:0]
	}
	return nil
}
