package identifier

import "strings"

// dialled is a number as it was written.
type dialled struct {
	text  string // '+' where it stands, and the digits
	trunk int    // where in text the digit of a (0), or of a 0 that stands alone behind the country, is; 0: nowhere
	first int    // digits of the first group
	desk  bool   // its last group may be an extension, or the other of two lines
	dash  bool   // and stands behind a hyphen
}

// The lengths of groups of digits, as numbering plans and habits have them.
const (
	longestCountry = 3 // a calling code
	longestArea    = 6 // an area code with its 0
	shortestFloat  = 5 // digits of a number that a spreadsheet wrote with .0
)

// numberIn reads a number as people write one: groups of digits with spaces, dots, hyphens and slashes between, a + in
// front, brackets around the country, and around an area code or a (0). Anything else is refused: a remark, a second
// number, an extension. Nobody can say which of its digits belong to the number.
func numberIn(text string) (dialled, error) {
	if !strings.ContainsAny(text, "0123456789") {
		return dialled{}, ErrInvalid
	}
	text, ok := withoutFloat(text)
	if ok {
		text, ok = withoutCountryBrackets(text)
	}
	var d dialled
	rest, plus := strings.CutPrefix(text, "+")
	if plus {
		d.text = "+"
		rest = strings.TrimLeft(rest, " ")
	}
	before, at := 0, 0 // the length of the group before, and which group it is
	for gap := ""; ok && rest != ""; at++ {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		digits := rest[:n]
		behind := rest[n:]
		end := len(behind) - len(strings.TrimLeft(behind, " -./()"))
		next := behind[:end]
		ok = ok && d.group(gap, digits, next, at)
		if behind = behind[end:]; behind == "" {
			d.desk = at > 0 && (n == 1 || n == 2 && before >= 6 || n == 3 && before >= 7)
			d.dash = gap == "-"
			ok = ok && strings.Trim(next, " .") == ""
		}
		gap, rest, before = next, behind, n
	}
	if !ok || strings.Count(text, "(") != strings.Count(text, ")") || strings.Count(text, "(") > 1 {
		return dialled{}, ErrAmbiguous
	}
	return d, nil
}

// group takes a group of digits with what stands on both sides of it; false if no number has such a group there.
func (d *dialled) group(gap, digits, next string, at int) bool {
	if at == 0 {
		d.first = len(digits)
	}
	switch {
	case at == 0 && gap != "", digits == "" && (at > 0 || !strings.HasPrefix(next, "(")):
		return false
	case !d.apart(gap), !d.bracketed(gap, digits, next):
		return false
	}
	known := len(strings.TrimPrefix(d.text, "+")) // digits before
	if digits == "0" && d.trunk == 0 && known > 0 && known <= longestCountry+2 && d.abroad() {
		d.trunk = len(d.text)
	}
	d.text += digits
	return true
}

func (d *dialled) abroad() bool {
	return strings.HasPrefix(d.text, "+") || strings.HasPrefix(d.text, "00")
}

// apart reports whether what stands between two groups parts those of one number: behind a slash or a hyphen with
// spaces there is a line, or another number, if enough stood before it.
func (d *dialled) apart(gap string) bool {
	most := longestArea
	if d.abroad() {
		most = 1 + longestCountry + longestArea
	}
	second := strings.Contains(gap, "/") || strings.Contains(gap, "- ") || strings.Contains(gap, " -")
	return len(strings.Trim(gap, " ()")) <= 1 && (gap == "." || !strings.Contains(gap, ".")) &&
		(!second || len(d.text) <= most)
}

// bracketed reports whether a group has brackets on both sides or on none, and they are around an area code or a (0).
func (d *dialled) bracketed(gap, digits, next string) bool {
	opened := strings.HasSuffix(strings.TrimRight(gap, " "), "(")
	if closed := strings.HasPrefix(strings.TrimLeft(next, " "), ")"); !opened || !closed {
		return opened == closed
	}
	most := 0
	if d.abroad() {
		most = 2 + longestCountry // with 00
	}
	return len(d.text) <= most && len(digits) <= longestArea
}

// withoutFloat is a number without the .0 of a program that took it for a fraction; false for one that it rounded.
func withoutFloat(text string) (string, bool) {
	whole, found := strings.CutSuffix(text, ".0")
	if !found {
		whole, found = strings.CutSuffix(text, ",0")
	}
	if !found {
		return text, true
	}
	digits := strings.TrimPrefix(whole, "+")
	return whole, len(digits) >= shortestFloat && strings.Trim(digits, "0123456789") == ""
}

// withoutCountryBrackets is a number without the brackets of (+39), +(39) and (0039); false if they do not close.
func withoutCountryBrackets(text string) (string, bool) {
	inside, found := strings.CutPrefix(text, "+(")
	if !found {
		if inside, found = strings.CutPrefix(text, "("); !found || inside == "" ||
			inside[0] != '+' && !strings.HasPrefix(inside, "00") {
			return text, true
		}
		inside, _ = strings.CutPrefix(inside, "+")
		if text[1] != '+' {
			inside = strings.TrimPrefix(inside, "00")
		}
	}
	code, rest, closed := strings.Cut(inside, ")")
	code = strings.TrimSpace(code)
	if !closed || code == "" || len(code) > longestCountry || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return "+" + code + " " + strings.TrimLeft(rest, " "), true
}

// read is the number by the plan of its country.
func (d *dialled) read(country string) (string, error) {
	kept, err := e164(d.text, country)
	if d.trunk > 0 {
		kept, err = d.withoutTrunk(kept, err, country)
	}
	if err != nil {
		return "", err
	}
	// DIN 5008 has a direct line behind a hyphen, in Germany and Austria: it belongs to the number
	direct := d.dash && (strings.HasPrefix(kept, "+49") || strings.HasPrefix(kept, "+43"))
	if d.desk && !direct || d.first == 1 && d.text[0] != '+' && !assigned(kept) {
		return "", ErrAmbiguous
	}
	if mayHaveTrunk([]byte(kept)) && !assigned(kept) {
		if mobile := italy + kept[len(italy)+1:]; assigned(mobile) {
			return mobile, nil
		}
	}
	return kept, nil
}

// withoutTrunk reads "+44 (0)20 7946 0000": the digit is not dialled from abroad, except where it belongs to the
// number, as in Italy's. If both are numbers that somebody may have, it is refused.
func (d *dialled) withoutTrunk(kept string, failed error, country string) (string, error) {
	dropped, err := e164(d.text[:d.trunk]+d.text[d.trunk+1:], country)
	switch {
	case err != nil || failed == nil && dropped == kept:
		return kept, failed
	case failed != nil || !assigned(kept) && assigned(dropped):
		return dropped, nil
	case assigned(kept) && !assigned(dropped):
		return kept, nil
	}
	return "", ErrAmbiguous
}

const italy = "+39"

// mayHaveTrunk reports whether a number may be one of an Italian mobile with a 0 that was never dialled from abroad:
// the plan has lines at fixed places that begin alike, and takes off no 0.
func mayHaveTrunk(number []byte) bool {
	return len(number) > len(italy)+2 && string(number[:len(italy)+2]) == italy+"03"
}
