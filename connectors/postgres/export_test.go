package postgres

import (
	"time"

	"lethe/connectors"
)

// BearsIdle has a source's scans keep a snapshot for so long while the caller works.
func BearsIdle(src connectors.Source, idle time.Duration) {
	src.(*mutable).source.limits = limits{idle: idle, asked: true}
}

// LookEvery has a source's scans ask so often who waits for their tables.
func LookEvery(src connectors.Source, every time.Duration) { src.(*mutable).looks = every }
