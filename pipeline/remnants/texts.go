package remnants

import (
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// Texts finds what may be identifiers inside the texts of fields. It is used by one goroutine.
type Texts struct {
	Kinds  []string // of the identifiers that are looked for
	inside finder
}

// MayHold reports whether a field may hold text with something inside.
func (t *Texts) MayHold(f connectors.Field) bool { return mayHoldText(f) }

// Each calls met for what may be an identifier in the texts of a column, with the row it stands in; met reports whether
// it is somebody's. The value is valid until it returns.
func (t *Texts) Each(texts *array.Binary, met func(row int, kind string, value []byte) bool) {
	if texts.Len() == 0 || texts.Data().Buffers()[2] == nil {
		return
	}
	offsets, data := texts.ValueOffsets(), texts.Data().Buffers()[2].Bytes()
	t.inside.reset(data[offsets[0]:offsets[texts.Len()]], t.Kinds)
	t.inside.each(data, offsets, func(row int, kind string, value []byte, _ int) bool { return met(row, kind, value) })
}
