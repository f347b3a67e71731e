package mysqldump

import (
	"bytes"
	"regexp"
)

// tool is a program other than mysqldump that writes dumps, and how its files end: with a comment, or with a
// statement after the last row.
type tool struct {
	name    string
	header  []byte
	comment *regexp.Regexp
	last    *regexp.Regexp
	ending  string // for people
}

// restoring gives a setting of the session back: what the files of two tools end with.
const restoring = `^/\*!\d+ SET \w+ *= *(IFNULL *\()?(IF *\()?@OLD_\w+`

var tools = []*tool{
	{name: "phpMyAdmin", header: []byte("-- phpMyAdmin SQL Dump"), last: regexp.MustCompile(restoring + `|^COMMIT;`),
		ending: "COMMIT, or the statements that give the session its settings back"},
	{name: "HeidiSQL", header: []byte("-- HeidiSQL "), last: regexp.MustCompile(restoring),
		ending: "the statements that give the session its settings back"},
	{name: "Adminer", header: []byte("-- Adminer "),
		comment: regexp.MustCompile(`^-- \d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?\s*$`),
		ending:  "a comment with the time"},
}

// toolOf finds the tool that begins its files with a comment, nil if it is not known.
func toolOf(comment []byte) *tool {
	for _, t := range tools {
		if bytes.HasPrefix(comment, t.header) {
			return t
		}
	}
	return nil
}
