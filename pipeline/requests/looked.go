package requests

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Looked is how much stood of a person when they were looked for: numbers, and the reasons of what stays.
type Looked struct {
	Found  int64            // rows of theirs without doubt in live sources
	Copies int64            // in backups
	Kept   map[string]int64 // of those found by code; rows that go with others have none
}

// Looked counts what was found.
func (s *Section) Looked() Looked {
	l := Looked{Kept: map[string]int64{}}
	for _, h := range s.Certain() {
		switch {
		case h.Backup:
			l.Copies++
		default:
			l.Found++
			if h.Decision != nil && h.Change == "" {
				l.Kept[string(h.Decision.Reason)]++
			}
		}
	}
	return l
}

// String is how a step says it: found:3 copies:4 kept:K_CONTRACT=2;K_LEGAL_HOLD=1.
func (l Looked) String() string {
	text := fmt.Sprintf("found:%d copies:%d", l.Found, l.Copies)
	if len(l.Kept) > 0 {
		text += " kept:" + l.Reasons()
	}
	return text
}

// Reasons are the reasons of what stays: CODE=rows, joined by ';'.
func (l Looked) Reasons() string {
	var list []string
	for _, code := range slices.Sorted(maps.Keys(l.Kept)) {
		list = append(list, fmt.Sprintf("%s=%d", code, l.Kept[code]))
	}
	return strings.Join(list, ";")
}

// ParseLooked reads what String wrote; what it cannot read counts as nothing.
func ParseLooked(text string) Looked {
	l := Looked{Kept: map[string]int64{}}
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	for _, part := range strings.Fields(text) {
		switch key, value, _ := strings.Cut(part, ":"); key {
		case "found":
			l.Found = number(value)
		case "copies":
			l.Copies = number(value)
		case "kept":
			for _, reason := range strings.Split(value, ";") {
				code, rows, _ := strings.Cut(reason, "=")
				l.Kept[code] = number(rows)
			}
		}
	}
	return l
}
