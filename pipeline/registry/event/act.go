package event

import (
	"slices"
	"strings"
	"unicode"
)

// AffirmativeActs are the methods by which a consent can be given or renewed (Art. 4(11): a statement or a
// clear affirmative action). There is none for implied consent; a source that does not say how leaves the
// method empty.
var AffirmativeActs = []string{"api", "app", "checkbox", "contract", "double_opt_in", "email", "form", "in_person",
	"paper", "phone",
	"preference_centre", "sms", "verbal", "web"}

// impliedActs are what sources call consent without an act.
var impliedActs = []string{"assumed", "browsing", "continued_browsing", "default", "implicit", "implied",
	"inactivity", "opt_out", "pre_checked",
	"pre_ticked", "prechecked", "presumed", "preticked", "scroll", "scrolling", "silence", "soft_opt_in",
	"system_default"}

// Affirmative refuses a method by which nobody consents: an implied one, or one that is not among
// AffirmativeActs.
func Affirmative(method string) error {
	method = strings.Map(methodRune, method)
	switch {
	case slices.Contains(impliedActs, method):
		return Refuse(ImpliedConsent, "method")
	case !slices.Contains(AffirmativeActs, method):
		return Refuse(UnknownMethod, "method")
	}
	return nil
}

// methodRune makes the spellings of a method one.
func methodRune(r rune) rune {
	switch r {
	case ' ', '-':
		return '_'
	}
	return unicode.ToLower(r)
}

// ActIn finds a known act in the free text by which a record says how consent was collected; "" when it names
// none, or several.
func ActIn(text string) string {
	text = strings.Map(methodRune, strings.TrimSpace(text))
	if slices.Contains(AffirmativeActs, text) {
		return text
	}
	for _, implied := range impliedActs {
		if implied == text || strings.Contains(implied, "_") && strings.Contains(text, implied) {
			return implied
		}
	}
	return ""
}
