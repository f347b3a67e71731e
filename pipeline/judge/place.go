package judge

import (
	"lethe/connectors"
)

// Place is a row of a source.
type Place struct {
	Source, Table string
	Key           connectors.Key
}
