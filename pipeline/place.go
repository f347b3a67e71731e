package pipeline

import (
	"lethe/connectors"
)

// place is a row of a source.
type place struct {
	source, table string
	key           connectors.Key
}
