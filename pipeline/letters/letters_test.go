package letters

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/erased"
	"lethe/pipeline/handover"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

var today = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// world is a company with a shop and its backup, kept by a law for its books.
func world(t *testing.T) *setup.Setup {
	t.Helper()
	silo := pipelinetest.News(func(s *policy.Silo) {
		s.Rules = []policy.Rule{{Purpose: "books", Basis: policy.LegalObligation, End: policy.Delete, Because: "art. 2220 c.c.",
			Owner: "anna", ReviewBy: "2027-01-01", Period: calendar.Period{Years: 10}, Start: policy.Collected}}
	})
	compiled, err := policy.Compile(silo, pipelinetest.Rome(), "IT")
	require.NoError(t, err)
	return &setup.Setup{Zone: pipelinetest.Rome(), Silos: []*policy.Compiled{compiled}, Now: func() time.Time { return today },
		Sources: []setup.Source{{Name: "crm", Application: "shop"},
			{Name: "old", Application: "shop", Of: "crm", Environment: "backup", Keep: calendar.Period{Days: 90},
				TakenAt: today.AddDate(0, 0, -10)}}}
}

func asked(p *setup.Setup, kind string, steps ...cases.Step) requests.Ask {
	return requests.Ask{Silo: p.Silos[0].Silo.Name, Asked: cases.Asked{Request: cases.Request{ID: "r1", Kind: kind,
		Received: today.AddDate(0, 0, -10), Due: today.AddDate(0, 0, 20)}, Steps: steps}}
}

func options(kind Kind, language string) Options {
	return Options{Kind: kind, Language: language, Exception: "12(5)", Because: "complexity", Authority: "Garante",
		Company: handover.Company{Name: "Prova <Srl>", Address: "Via Po 9", Recipients: []string{"Posta *Uno*"}},
		Ends:    func(q cases.Request, months int) time.Time { return q.Received.AddDate(0, months, 1) }}
}

// found is a person of whom one row stays by law with an order of it, and a backup holds two.
func found(p *setup.Setup) *requests.Section {
	rule := ""
	for id := range p.Silos[0].InForce(today) {
		rule = id
	}
	until, _ := calendar.ParseDate("2031-03-09")
	law := policy.Decision{Reason: reason.KLegalObligation, Rule: rule, Until: until}
	gone := policy.Decision{Reason: reason.KAnonymized}
	return &requests.Section{AsOf: today, Hits: []*requests.Hit{
		{Source: "crm", Table: "orders", How: requests.Dependent},
		{Source: "crm", Table: "invoices", How: requests.Own, Decision: &law},
		{Source: "crm", Table: "bills", How: requests.Own, Decision: &law},
		{Source: "crm", Table: "anybody", How: requests.Own, Decision: &gone},
		{Source: "crm", Table: "notes", How: requests.Names},
		{Source: "old", Backup: true, Table: "people", How: requests.Own, Change: "delete",
			Decision: &policy.Decision{Reason: reason.DErasureRequest}},
		{Source: "old", Backup: true, Table: "orders", How: requests.Dependent}}}
}

// TestEveryLetterInEveryLanguage fills each letter in: no message is missing, nothing is left of its marks, days are in
// the language's own form, and lines of text are short.
func TestEveryLetterInEveryLanguage(t *testing.T) {
	p := world(t)
	kinds := []string{cases.RequestAccess, cases.RequestErasure, cases.RequestRestriction, cases.RequestRectification,
		cases.RequestObjection, cases.RequestPortability, cases.RequestWithdrawal}
	months := map[string]string{"en": "30 November 2026", "it": "30 novembre 2026", "pl": "30 listopada 2026",
		"nl": "30 november 2026", "sv": "30 november 2026", "es": "30 de noviembre de 2026"}
	seen := 0
	for _, code := range lang.Languages() {
		for _, kind := range kinds {
			for _, letter := range Kinds {
				ask := asked(p, kind, cases.Step{Name: cases.StepExported, How: kind + " sha256:00ff rows:7", At: today})
				ask.Given = []event.Subject{{Kind: "email", Value: "ada@lago.it"}}
				section := found(p)
				if letter == Answer || kind == cases.RequestRestriction {
					section.Hits = section.Hits[5:]
				}
				l, err := Make(t.Context(), p, ask, section, options(letter, code))
				if letter == PartialRefusal && kind == cases.RequestErasure || letter != ThirdParties {
					require.NoError(t, err, "%s %s %s", code, kind, letter)
				} else if err != nil {
					continue
				}
				files, err := l.Files(nil)
				require.NoError(t, err)
				require.Len(t, files, 2)
				for name, body := range files {
					text := string(body)
					require.NotRegexp(t, `(letter|asked|kept|except|way)\.[a-z_A-Z]`, text, name)
					require.NotContains(t, text, "%!")
					_, after, ok := strings.Cut(text, "</style>")
					require.NotContains(t, map[bool]string{true: after, false: text}[ok], "{")
					require.Contains(t, text, months[code], name)
					seen++
				}
				for line := range strings.Lines(string(files[string(letter)+"."+code+".txt"])) {
					if !strings.Contains(line, "00ff") {
						require.LessOrEqual(t, utf8.RuneCountInString(line), width+1, line)
					}
				}
			}
		}
	}
	require.Greater(t, seen, 450)
}

func make1(t *testing.T, p *setup.Setup, ask requests.Ask, s *requests.Section, o Options) (*Letter, string) {
	t.Helper()
	l, err := Make(t.Context(), p, ask, s, o)
	require.NoError(t, err)
	files, err := l.Files(nil)
	require.NoError(t, err)
	return l, string(files[string(o.Kind)+"."+o.Language+".txt"])
}

// TestAPartialRefusalNamesEachReason says what stays by reason, ground, article and end, and what goes with it after it.
func TestAPartialRefusalNamesEachReason(t *testing.T) {
	p := world(t)
	l, text := make1(t, p, asked(p, cases.RequestErasure), found(p), options(PartialRefusal, "en"))
	require.Equal(t, []int64{2, 1}, []int64{l.Kept[0].Rows, l.Kept[1].Rows})
	require.Equal(t, []string{"invoices", "bills"}, l.Kept[0].Tables)
	require.Equal(t, "shop, 2 records: a law obliges us to keep them – art. 2220 c.c. (Art. 6(1)(c), 17(3)(b)). Kept until "+
		"9 March 2031.", l.Kept[0].Words)
	require.Equal(t, "shop, 1 record: they belong to the records above, and stay with them.", l.Kept[1].Words)
	require.Equal(t, []Copy{{Application: "shop", Rows: 2, Until: "18 February 2027", Words: "shop: 2 records, gone by 18 " +
		"February 2027"}}, l.Copies)
	require.Contains(t, text, "Art. 79")
	require.Contains(t, text, "as: Garante")
	require.NotContains(t, text, "have been erased")

	none := found(p)
	none.Hits = none.Hits[3:4]
	_, err := Make(t.Context(), p, asked(p, cases.RequestErasure), none, options(PartialRefusal, "en"))
	require.ErrorIs(t, err, ErrNotSo)
	for _, code := range []reason.Code{reason.XNoMatch, reason.EIDConflict, reason.KPendingAccess, reason.DRetentionElapsed} {
		wrong := found(p)
		wrong.Hits[1].Decision = &policy.Decision{Reason: code}
		_, err := Make(t.Context(), p, asked(p, cases.RequestErasure), wrong, options(PartialRefusal, "en"))
		require.ErrorIs(t, err, ErrNotSo, code)
		require.ErrorContains(t, err, "crm.invoices: a record stays, and no law lets it")
	}
}

// TestNothingIsErasedWhileABackupHoldsIt says of an erasure that it is done where nothing is left, and else what is.
func TestNothingIsErasedWhileABackupHoldsIt(t *testing.T) {
	p := world(t)
	section := found(p)
	section.Hits = section.Hits[5:]
	_, text := make1(t, p, asked(p, cases.RequestErasure), section, options(Answer, "en"))
	require.NotRegexp(t, regexp.MustCompile(`(?i)erased`), text)
	require.Contains(t, text, "shop: 2 records, gone by 18 February 2027")
	require.Contains(t, text, "We have not told them yet")
	section.Hits = nil
	_, text = make1(t, p, asked(p, cases.RequestErasure, cases.Step{Name: cases.StepTold, How: "third_parties it sha256:1",
		At: today.AddDate(0, 0, -1)}), section, options(Answer, "en"))
	require.Contains(t, text, "Your data have been erased.")
	require.Contains(t, text, "We told these recipients on 29 November 2026")

	// what a rewrite does not take away is not said to be gone with it
	p.Sources[1].Keep, p.Sources[1].Rewrite = calendar.Period{}, &setup.RewriteTerms{}
	stays := found(p)
	stays.Hits = append(stays.Hits, &requests.Hit{Source: "old", Backup: true, Table: "invoices", How: requests.Own,
		Decision: stays.Hits[1].Decision})
	l, _ := make1(t, p, asked(p, cases.RequestErasure), stays, options(PartialRefusal, "en"))
	require.Equal(t, []Copy{{Application: "shop", Rows: 1, Words: "shop: 1 record, gone when the copy is next rewritten"}}, l.Copies)
}

// TestALetterThatIsNotSo is not written.
func TestALetterThatIsNotSo(t *testing.T) {
	p := world(t)
	verified := cases.Step{Name: cases.StepVerified, How: "account"}
	for name, c := range map[string]struct {
		kind   string
		steps  []cases.Step
		change func(*requests.Ask, *requests.Section, *Options)
		letter Kind
		want   string
	}{
		"who has shown who they are": {cases.RequestAccess, []cases.Step{verified}, nil, Identity, "is verified"},
		"nothing was handed over":    {cases.RequestAccess, nil, nil, Answer, "nothing was handed over"},
		"handed over in part": {cases.RequestAccess, []cases.Step{{Name: cases.StepExported, How: "incomplete access rows:1"}},
			nil, Answer, "nothing was handed over"},
		"too late to extend": {cases.RequestAccess, nil, func(a *requests.Ask, _ *requests.Section, _ *Options) {
			a.Asked.Due = today
		}, Extension, "within the first month"},
		"extended without a reason": {cases.RequestAccess, nil, func(_ *requests.Ask, _ *requests.Section, o *Options) {
			o.Because = "holidays"
		}, Extension, "complexity or number"},
		"refused by nothing": {cases.RequestErasure, nil, func(_ *requests.Ask, _ *requests.Section, o *Options) {
			o.Exception = ""
		}, Refusal, "name what allows to refuse"},
		"others are told of access": {cases.RequestAccess, nil, nil, ThirdParties, "Art. 19"},
		"others are told of nobody": {cases.RequestErasure, nil, nil, ThirdParties, "by what they know the person"},
		"others that nobody named":  {cases.RequestErasure, nil, func(_ *requests.Ask, _ *requests.Section, o *Options) { o.Company.Recipients = nil }, ThirdParties, "controller.recipients"},
		"others that there are not": {cases.RequestErasure, nil, func(_ *requests.Ask, _ *requests.Section, o *Options) { o.Company.Recipients = []string{} }, ThirdParties, "to nobody"},
		"a restriction that blocks nobody": {cases.RequestRestriction, nil, func(_ *requests.Ask, s *requests.Section, _ *Options) {
			s.Hits = []*requests.Hit{{Source: "crm", Table: "nowhere", How: requests.Own, Decision: &policy.Decision{}}}
		}, Answer, "has no `block`"},
		"no letter": {cases.RequestErasure, nil, nil, "praise", "use one of"},
	} {
		ask, section, o := asked(p, c.kind, c.steps...), found(p), options(c.letter, "en")
		if c.change != nil {
			c.change(&ask, section, &o)
		}
		_, err := Make(t.Context(), p, ask, section, o)
		require.ErrorContains(t, err, c.want, name)
	}
}

// TestExtension says the end that is recorded, or that will be.
func TestExtension(t *testing.T) {
	p := world(t)
	_, text := make1(t, p, asked(p, cases.RequestAccess), nil, options(Extension, "en"))
	require.Contains(t, text, "21 February 2027 at the latest")
	ask := asked(p, cases.RequestAccess)
	ask.Asked.ExtendedTo, ask.Asked.Because, ask.Asked.Due = today.AddDate(0, 1, 0), "number", today
	_, text = make1(t, p, ask, nil, options(Extension, "en"))
	require.Contains(t, text, "30 December 2026 at the latest")
	require.Contains(t, text, "the number of requests")
}

// TestWhatIsPutInIsText: no name brings a mark, a tag, or a line of its own.
func TestWhatIsPutInIsText(t *testing.T) {
	p := world(t)
	o := options(Answer, "en")
	o.Company.Recipients = []string{"\uE000<b>Posta</b>\nX\u202e"}
	section := found(p)
	section.Hits = nil
	l, err := Make(t.Context(), p, asked(p, cases.RequestErasure), section, o)
	require.NoError(t, err)
	files, err := l.Files(nil)
	require.NoError(t, err)
	require.Contains(t, string(files["answer.en.html"]), "<li>&lt;b&gt;Posta&lt;/b&gt; X </li>")
	require.Contains(t, string(files["answer.en.html"]), "Prova &lt;Srl&gt;")
	require.Contains(t, string(files["answer.en.txt"]), "- <b>Posta</b> X")
}

func TestOutcomesHaveTheirLetters(t *testing.T) {
	for _, outcome := range []string{cases.OutcomeCompleted, cases.OutcomePartlyRefused, cases.OutcomeRefused} {
		require.Equal(t, outcome, Of(outcome).Outcome())
	}
	require.Empty(t, Acknowledgement.Outcome())
	require.True(t, Answer.Searched() && PartialRefusal.Searched())
	require.False(t, Refusal.Searched())
	steps := []cases.Step{{Name: cases.StepTold, How: "answer it sha256:1"}, {Name: cases.StepTold, How: "answer en sha256:2"},
		{Name: cases.StepExported, How: "access sha256:3 rows:1"}}
	step, ok := Told(steps, Answer)
	require.True(t, ok)
	require.Equal(t, "answer en sha256:2", step.How)
	_, ok = Told(steps, Refusal)
	require.False(t, ok)
}

// TestRead reads templates, and says where one asks for what there is not.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	put := func(name, body string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600))
	}
	put("answer.it.txt", "Caro, {{.Request}}{{range .Gone}} {{.Rows}}{{end}}")
	put("answer.txt", "Dear")
	own, err := Read(dir)
	require.NoError(t, err)
	p := world(t)
	for code, want := range map[string]string{"it": "Caro, r1\n", "en": "Dear\n"} {
		section := found(p)
		section.Hits = nil
		l, err := Make(t.Context(), p, asked(p, cases.RequestErasure), section, options(Answer, code))
		require.NoError(t, err)
		files, err := l.Files(own)
		require.NoError(t, err)
		require.Equal(t, want, string(files["answer."+code+".txt"]))
		require.Contains(t, string(files["answer."+code+".html"]), "<h1>")
	}
	for name, c := range map[string][2]string{
		"answer.html":    {"a\n{{if .On}}{{.Nome}}{{end}}", "answer.html: 2:"},
		"refusal.sv.txt": {"{{end}}", "refusal.sv.txt: "},
		"praise.txt":     {"", "praise.txt is the name of no letter"},
		"answer.de.txt":  {"", "answer.de.txt is the name of no letter"},
		"answer.pdf":     {"", "answer.pdf is the name of no letter"},
		"identity.txt":   {"\xff", "identity.txt is no text"},
	} {
		put(name, c[0])
		_, err := Read(dir)
		require.ErrorContains(t, err, c[1], name)
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	none, err := Read("")
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = Read(filepath.Join(dir, "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail", "r1")
	files := handover.Files{"answer.it.txt": []byte("a"), "answer.it.html": []byte("b")}
	require.NoError(t, Write(files, dir))
	info, err := os.Stat(filepath.Join(dir, "answer.it.txt"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.ErrorContains(t, Write(handover.Files{"answer.it.txt": []byte("c"), "x.txt": nil}, dir), "is there already")
	require.NoFileExists(t, filepath.Join(dir, "x.txt"))
	require.NoError(t, Remove(files, dir))
	require.NoFileExists(t, filepath.Join(dir, "answer.it.html"))
}

func TestWrap(t *testing.T) {
	require.Equal(t, "a b\nc\n\n- dd\n  ee\nlonger-than-that\n", wrap("\n\na b c\n\n\n- dd ee\nlonger-than-that  \n\n\n", 4))
	long := strings.Repeat("ą ", 60)
	for line := range strings.Lines(wrap(long, 20)) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 21)
	}
}

// TestEveryReasonToKeepHasItsWords in each language, and every exception that is named has some.
func TestEveryReasonToKeepHasItsWords(t *testing.T) {
	for _, code := range lang.Languages() {
		words, err := lang.In(code)
		require.NoError(t, err)
		for _, r := range erased.Lawful() {
			require.True(t, words.Has("kept."+string(r)), "%s %s", code, r)
		}
		for _, kind := range []string{cases.RequestAccess, cases.RequestErasure, cases.RequestObjection} {
			require.True(t, words.Has("asked."+kind), fmt.Sprint(code, kind))
		}
	}
	require.True(t, slices.IsSorted([]string{last("K"), last("")}))
}
