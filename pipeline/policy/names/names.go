// Package names reads the names that people give to fields and purposes: whether one is a field that any
// update sets, whether a purpose sounds like marketing, and which known name a misspelt one is nearest to.
package names

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The words by which fields are known that any update of their row sets.
var (
	camel    = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	modified = map[string]bool{
		"updated": true, "update": true, "lastupdate": true, "lastupdated": true, "updatedat": true, "updatedon": true,
		"modified": true, "modify": true, "modification": true, "modif": true, "lastmod": true, "lastmodified": true,
		"modifiedat": true, "modifiedon": true, "mtime": true,
		"touched": true, "edited": true, "lastchange": true, "lastchanged": true,
		"modifica": true, "modificato": true, "modificata": true, "aggiornato": true, "aggiornamento": true,
		"modificado": true, "modificacion": true, "actualizado": true, "actualizacion": true,
		"geaendert": true, "geändert": true, "aenderung": true, "änderung": true, "aktualisiert": true,
		"aktualisierung": true,
		"modifie":        true, "modifié": true, "maj": true,
		"gewijzigd": true, "wijziging": true, "bijgewerkt": true,
		"zmodyfikowano": true, "modyfikacji": true, "aktualizacji": true, "zmieniono": true,
		"ändrad": true, "andrad": true, "uppdaterad": true,
	}
	changed     = map[string]bool{"changed": true, "change": true}
	plainOfTime = map[string]bool{"last": true, "at": true, "on": true, "date": true, "time": true, "ts": true,
		"timestamp": true, "datetime": true, "utc": true, "row": true, "record": true, "dt": true}
)

// LastModified reports whether a field's name says that any update of the row sets it. 'changed' alone says
// so, 'status_changed_at' does not.
func LastModified(field string) bool {
	words := strings.FieldsFunc(strings.ToLower(camel.ReplaceAllString(field, "${1}_${2}")),
		func(r rune) bool { return !unicode.IsLetter(r) })
	hasChanged, qualified := false, false
	for _, w := range words {
		if modified[w] {
			return true
		}
		hasChanged = hasChanged || changed[w]
		qualified = qualified || !changed[w] && !plainOfTime[w]
	}
	return hasChanged && !qualified
}

// marketingWords are parts of the words by which purposes of direct marketing are known in the languages of
// the jurisdictions.
var marketingWords = []string{"market", "newsletter", "promo", "advert", "publicid", "pubblicit", "publicit",
	"werbung", "reklam", "reclame", "mailing", "prospec", "campaign", "offers"}

// Marketing reports whether the name of a purpose looks like direct marketing.
func Marketing(purpose string) bool {
	purpose = strings.ToLower(purpose)
	return slices.ContainsFunc(marketingWords, func(w string) bool { return strings.Contains(purpose, w) })
}

// Nearest returns the candidate most like a name, for a misspelling; "" where none is near: it takes at
// most one edit in two letters, or goes on where the name ends.
func Nearest(name string, candidates []string) string {
	name = strings.ToLower(name)
	best, least := "", len([]rune(name))/2+1
	for _, c := range candidates {
		like := strings.ToLower(c)
		d := edits([]rune(name), []rune(like))
		if len(name) > 3 && (strings.HasPrefix(like, name) || strings.HasSuffix(like, name)) {
			d = 0
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// edits is the Levenshtein distance: inserted, deleted and changed letters.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner := row[0]
		row[0] = i + 1
		for j := range b {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
