package connectors

import "time"

// Dated is a Source that may say itself when it was made: the time of a file is that of its last copy.
type Dated interface {
	// Made returns when the source says that it was made, as far as it was read; the zero Made: it says nothing.
	Made() Made
}

// Made is when something was made.
type Made struct {
	At    time.Time
	Civil bool // At is in UTC and means the clock of whoever made it, of which nobody knows the zone
}

// In is the instant, by a zone for what says none.
func (m Made) In(zone *time.Location) time.Time {
	if m.At.IsZero() || !m.Civil {
		return m.At
	}
	y, month, d := m.At.Date()
	h, min, s := m.At.Clock()
	return time.Date(y, month, d, h, min, s, 0, zone)
}
