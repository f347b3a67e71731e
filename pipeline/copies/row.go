package copies

import (
	"lethe/connectors"
)

// What a copy says of a row and a purpose.
const (
	copyAllowed = "allowed" // a ground is alive, up to the instant in until
	copyBlocked = "blocked" // none is, or the row may not be used at all
	copyUnknown = "unknown" // the registry cannot tell: the row has no match, or its identifiers are in doubt
)

// copyRow is a row of a copy: one record, one purpose.
type copyRow struct {
	record        connectors.Key // of the application's row
	silo, purpose string
	status        string
	until         string // the first instant, in UTC, at which it is not allowed any more: 2006-01-02 15:04:05; "" is open
	since         string // civil date
	seal          [16]byte
}

// holding counts rows and combines their seals in any order.
type holding struct {
	rows, unsound int64 // unsound ones are not in the digest
	foreign       int64 // of the unsound, those that stand for no row of the application
	digest        [16]byte
}
