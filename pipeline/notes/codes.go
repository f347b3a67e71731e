package notes

import (
	"cmp"
	"slices"

	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/event"
)

// CodeMeaning is a code as it stands in reports and plans, with its article of the GDPR and its words.
type CodeMeaning struct {
	Code    string `json:"code"`
	Article string `json:"article"`
	Words   string `json:"words"`
}

// stopWords say what a stop is about.
var stopWords = map[string]string{
	StopNoMatch: "More rows of a table are unknown to the registry than no_match_percent allows: " +
		"look for a failed import or a wrong key; nothing in it is changed.",
	StopUnparseable: "More rows of a table have no readable identifier than unparseable_percent allows: " +
		"look at the mapping; nothing in it is changed.",
	StopShrunk: "The registry has fewer events than the last night saw: restore it.",
}

// reasonArticles are the articles of the reasons for which a statement of consent is refused or does not
// count; of the others it is accuracy.
var reasonArticles = map[event.Reason]string{
	ConsentStated:        "Art. 7(1)",
	ConsentDefault:       "Art. 4(11)",
	event.ImpliedConsent: "Art. 4(11), 7",
	event.UnknownMethod:  "Art. 4(11), 7(1)",
	event.NoNotice:       "Art. 7(1), 13",
	event.NoPurpose:      "Art. 6(1)(a)",
	event.UnknownPurpose: "Art. 5(1)(b), 6(1)(a)",
	event.Suppressed:     "Art. 21(3)",
}

// Codes lists every code of decisions, exceptions, refused statements of consent, questions and stops,
// sorted.
func Codes() []CodeMeaning {
	var list []CodeMeaning
	for _, code := range reason.Codes() {
		list = append(list, CodeMeaning{string(code), code.Article(), code.Words()})
	}
	list = append(list,
		CodeMeaning{CodeNoKey, "Art. 5(2)", WordsOf(CodeNoKey)},
		CodeMeaning{CodeCannotChange, "Art. 17(1)", WordsOf(CodeCannotChange)},
		CodeMeaning{CodeReadOnly, "Art. 17(1)", WordsOf(CodeReadOnly)},
		CodeMeaning{CodeRefused, "Art. 17(1)", WordsOf(CodeRefused)})
	for _, reason := range append(event.Reasons(), ConsentStated, ConsentDefault, ConsentAhead) {
		code := IntakeCode(reason)
		list = append(list, CodeMeaning{code, cmp.Or(reasonArticles[reason], "Art. 5(1)(d)"), WordsOf(code)})
	}
	for _, question := range []string{AskRows, AskPercent, AskSpike, AskNewSource, AskPolicy, AskEmpty, AskTrigger,
		AskRebuilt, AskClock} {
		words := "A plan asks two people, because " + QuestionWords(question) + "."
		list = append(list, CodeMeaning{question, "Art. 32", words})
	}
	for stop, words := range stopWords {
		list = append(list, CodeMeaning{stop, "Art. 32", words})
	}
	slices.SortFunc(list, func(a, b CodeMeaning) int { return cmp.Compare(a.Code, b.Code) })
	return list
}
