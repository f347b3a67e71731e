package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
)

func TestHoliday(t *testing.T) {
	for _, c := range []struct {
		text, on string
		want     bool
	}{
		{"2027-03-29", "2027-03-29", true},
		{"2027-03-29", "2028-03-29", false},
		{"12-25", "2026-12-25", true},
		{"12-25", "2031-12-25", true},
		{"12-25", "2026-12-26", false},
		{"02-29", "2028-02-29", true},
	} {
		var h Holiday
		require.NoError(t, h.UnmarshalText([]byte(c.text)))
		day, err := calendar.ParseDate(c.on)
		require.NoError(t, err)
		require.Equal(t, c.want, h.IsOn(day), "%s on %s", c.text, c.on)
	}
	for _, text := range []string{"", "25.12.", "13-01", "2027-02-29", "12-25T00", "christmas", "2027-3-29"} {
		require.ErrorContains(t, new(Holiday).UnmarshalText([]byte(text)), "write a day as 2027-03-29", text)
	}
}
