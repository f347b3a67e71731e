package receipts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Statement is what is said about one erasure when the request for it is closed: days, numbers and codes.
type Statement struct {
	Received string   // civil day on which it was asked for
	Closed   string   // civil day
	Outcome  string   // completed or partly_refused
	Left     int64    // records of the person that stay in live applications
	Kept     string   // of these, by reason: CODE=records, joined by ';'
	Copies   int64    // records in backups that end by a day
	LastCopy string   // civil day on which the last of these is gone; "" there is none
	Rewrites int64    // records in backups out of which they go when these are next rewritten
	Persons  []string // marks of the person's identifiers ([Code.Mark]); none where nobody named them when asking
}

// String is a statement in one line, as it is committed to: key:value, in this order, what is empty left out.
func (s Statement) String() string {
	parts := []string{"received:" + s.Received, "closed:" + s.Closed, "outcome:" + s.Outcome,
		fmt.Sprintf("left:%d", s.Left)}
	if s.Kept != "" {
		parts = append(parts, "kept:"+s.Kept)
	}
	parts = append(parts, fmt.Sprintf("copies:%d", s.Copies))
	if s.LastCopy != "" {
		parts = append(parts, "last_copy:"+s.LastCopy)
	}
	if s.Rewrites > 0 {
		parts = append(parts, fmt.Sprintf("rewrites:%d", s.Rewrites))
	}
	for _, mark := range s.Persons {
		parts = append(parts, "person:"+mark)
	}
	return strings.Join(parts, " ")
}

// Lines say a statement to people.
func (s Statement) Lines() []string {
	lines := []string{fmt.Sprintf("an erasure that was asked for on %s was closed on %s: %s", s.Received, s.Closed,
		strings.ReplaceAll(s.Outcome, "_", " "))}
	if s.Left == 0 {
		lines = append(lines, "nothing of the person was left in applications in use")
	} else {
		lines = append(lines, fmt.Sprintf("%d records stay in applications in use (%s)", s.Left, s.Kept))
	}
	if s.Copies > 0 {
		lines = append(lines, fmt.Sprintf("%d records lay in backups; the last of these is gone on %s", s.Copies,
			s.LastCopy))
	}
	if s.Rewrites > 0 {
		lines = append(lines, fmt.Sprintf("%d records lay in backups out of which they go when these are next "+
			"rewritten", s.Rewrites))
	}
	if s.Copies+s.Rewrites == 0 {
		lines = append(lines, "no backup held any")
	}
	return lines
}

// ParseStatement reads what String wrote, and refuses all else.
func ParseStatement(text string) (s Statement, err error) {
	for _, part := range strings.Split(text, " ") {
		key, value, _ := strings.Cut(part, ":")
		switch key {
		case "received":
			s.Received = value
		case "closed":
			s.Closed = value
		case "outcome":
			s.Outcome = value
		case "left":
			s.Left, err = strconv.ParseInt(value, 10, 64)
		case "kept":
			s.Kept = value
		case "copies":
			s.Copies, err = strconv.ParseInt(value, 10, 64)
		case "last_copy":
			s.LastCopy = value
		case "rewrites":
			s.Rewrites, err = strconv.ParseInt(value, 10, 64)
		case "person":
			s.Persons = append(s.Persons, value)
		}
		if err != nil {
			break
		}
	}
	if err != nil || s.String() != text {
		return s, errors.New("its statement is none as this version of lethe writes it")
	}
	return s, nil
}
