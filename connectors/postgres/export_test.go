package postgres

import (
	"time"

	"lethe/connectors"
)

// LookEvery has a source's scans ask so often who waits for their tables.
func LookEvery(src connectors.Source, every time.Duration) { src.(*mutable).looks = every }
