package copies

import (
	"strings"

	"lethe/connectors"
	"lethe/pipeline/copies/snapshot"
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
	until         string // the first instant, in UTC, at which it is not allowed any more, as time.DateTime; "" open
	since         string // civil date
	seal          [16]byte
	known         bool // while it is read ahead: the application was asked for the record, and has it
}

// holding counts rows and combines their seals in any order.
type holding struct {
	rows, unsound int64 // unsound ones are not in the digest
	foreign       int64 // of the unsound, those that stand for no row of the application
	digest        [16]byte
}

// id is the row's key in the copy.
func (r copyRow) id() connectors.Key {
	return r.record + connectors.MakeKey([]byte(r.silo), []byte(r.purpose))
}

// snapshotRow is the row as a snapshot says it.
func (r copyRow) snapshotRow(object string) (snapshot.Row, error) {
	values, err := r.record.Values()
	if err != nil {
		return snapshot.Row{}, err
	}
	row := snapshot.Row{Object: object, Silo: r.silo, Purpose: r.purpose, Status: r.status,
		Key: make([]string, len(values))}
	if r.until != "" {
		row.Until = strings.Replace(r.until, " ", "T", 1) + "Z"
	}
	for i, v := range values {
		row.Key[i] = string(v)
	}
	return row, nil
}

// add counts a row. A sound one is sealed as it stands.
func (h *holding) add(seal [16]byte, sound bool) {
	h.rows++
	if !sound {
		h.unsound++
		return
	}
	for i, b := range seal {
		h.digest[i] ^= b
	}
}
