package mysqldump

import "regexp"

// tool is a program other than mysqldump that writes dumps, and how its files end: with a comment, or with a
// statement after the last row.
type tool struct {
	name    string
	header  *regexp.Regexp // of the comment that begins a file
	comment *regexp.Regexp
	last    *regexp.Regexp
	ending  string // for people
}

// restoring gives a setting of the session back: what the files of several tools end with.
const restoring = `^/\*!\d+ SET \w+ *= *(IFNULL *\()?(IF *\()?@OLD_\w+`

var tools = []*tool{
	{name: "phpMyAdmin", header: regexp.MustCompile(`^-- phpMyAdmin SQL Dump`), last: regexp.MustCompile(restoring + `|^COMMIT;`),
		ending: "COMMIT, or the statements that give the session its settings back"},
	{name: "HeidiSQL", header: regexp.MustCompile(`^-- HeidiSQL `), last: regexp.MustCompile(restoring),
		ending: "the statements that give the session its settings back"},
	{name: "Adminer", header: regexp.MustCompile(`^-- Adminer(Evo)? `),
		comment: regexp.MustCompile(`^-- \d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?\s*$`),
		ending:  "a comment with the time"},
	{name: "Sequel Pro", header: regexp.MustCompile(`^# Sequel (Pro|Ace) SQL dump`), last: regexp.MustCompile(restoring),
		ending: "the statements that give the session its settings back"},
	{name: "SQLyog", header: regexp.MustCompile(`^/\*\s+SQLyog `), last: regexp.MustCompile(restoring),
		ending: "the statements that give the session its settings back"},
	{name: "Navicat", header: regexp.MustCompile(`^/\*\s+Navicat `),
		last:   regexp.MustCompile(`^(?i:SET FOREIGN_KEY_CHECKS) *= *1;`),
		ending: "SET FOREIGN_KEY_CHECKS = 1 (Navicat before Premium 12 writes nothing there)"},
}

// toolOf finds the tool that begins its files with a comment, nil if it is not known.
func toolOf(comment []byte) *tool {
	for _, t := range tools {
		if t.header.Match(comment) {
			return t
		}
	}
	return nil
}
