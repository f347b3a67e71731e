package main_test

import (
	"encoding/binary"
	"time"
)

// zoneFile is the zone of a place whose clocks are an hour ahead of UTC, and by so much from an instant on, as zoneinfo
// has it (RFC 9636).
func zoneFile(from time.Time, ahead time.Duration) []byte {
	file := append([]byte("TZif"), make([]byte, 16)...)
	for _, n := range []uint32{0, 0, 0, 1, 2, 4} { // one change, two types of time, a name of four bytes
		file = binary.BigEndian.AppendUint32(file, n)
	}
	file = append(binary.BigEndian.AppendUint32(file, uint32(from.Unix())), 1)
	for _, offset := range []time.Duration{time.Hour, ahead} {
		file = append(binary.BigEndian.AppendUint32(file, uint32(int32(offset/time.Second))), 0, 0)
	}
	return append(file, 'C', 'E', 'T', 0)
}

// insidersOfTheZone change what the machine knows of zones.
func insidersOfTheZone() []insider {
	zone := func(ahead time.Duration) func(*inside) {
		return func(w *inside) {
			w.write("zones/Europe/Rome", string(zoneFile(time.Date(2026, 12, 21, 12, 0, 0, 0, time.UTC), ahead)))
			w.env = []string{"ZONEINFO=" + w.path("zones")}
		}
	}
	return []insider{
		{"lets the company's zone be most of a year ahead", zone(300 * 24 * time.Hour), ""},
		{"lets the company's zone be most of a year behind", zone(-300 * 24 * time.Hour), ""},
		{"lets the company's zone be a day ahead", zone(24 * time.Hour), ""},
	}
}
