package letters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/erased"
	"lethe/pipeline/judge/roots"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// Make makes a letter about a request. found is what was looked for, of a kind that is Searched; its errors wrap
// ErrNotSo, or setup.ErrUsage, and say what to do instead.
func Make(ctx context.Context, p *setup.Setup, ask requests.Ask, found *requests.Section, o Options) (*Letter, error) {
	say, err := lang.In(o.Language)
	if err != nil {
		return nil, fmt.Errorf("%w: --language: %w", setup.ErrUsage, err)
	}
	q := ask.Asked
	m := &maker{setup: p, ask: ask, found: found, options: o, say: say,
		silo: p.Silos[slices.IndexFunc(p.Silos, func(c *policy.Compiled) bool { return c.Silo.Name == ask.Silo })]}
	m.letter = &Letter{Kind: o.Kind, Language: say.Code, Company: o.Company, Authority: o.Authority, Request: q.ID,
		Asked: say.Say("asked." + q.Kind), On: m.day(p.Now()), Received: m.day(q.Received),
		Title: say.Say("letter.title." + string(o.Kind)), Handed: o.Company.Recipients, Code: o.Code}
	m.letter.Reference = say.Say("letter.reference", q.ID, m.letter.Received)
	if end := q.Deadline(); !end.IsZero() {
		m.letter.Due = m.day(end.Add(-time.Second))
	}
	switch o.Kind {
	case Acknowledgement:
		m.acknowledge()
	case Identity:
		err = m.identity()
	case Extension:
		err = m.extension()
	case Answer, PartialRefusal:
		err = m.answer(ctx)
	case Refusal:
		err = m.refusal()
	case ThirdParties:
		err = m.thirdParties()
	default:
		err = fmt.Errorf("%w: --kind %q: use one of %v", setup.ErrUsage, o.Kind, Kinds)
	}
	return m.letter, err
}

// maker makes one letter.
type maker struct {
	setup   *setup.Setup
	silo    *policy.Compiled
	ask     requests.Ask
	found   *requests.Section
	options Options
	say     *lang.Words
	letter  *Letter
}

func (m *maker) day(t time.Time) string { return m.say.FullDay(t.In(m.setup.Zone)) }

// open adds a sentence to what the letter begins with.
func (m *maker) open(key string, args ...any) {
	m.letter.Opening = append(m.letter.Opening, m.say.Say(key, args...))
}

func (m *maker) end(key string, args ...any) {
	m.letter.Ending = append(m.letter.Ending, m.say.Say(key, args...))
}

// section adds a part of which there are texts in the catalogue: its title, and what stands before and after the list.
func (m *maker) section(key string, items []string) {
	s := Section{Title: m.say.Say(key), Items: items}
	if m.say.Has(key + ".intro") {
		s.Intro = m.say.Say(key + ".intro")
	}
	if m.say.Has(key + ".after") {
		s.After = m.say.Say(key + ".after")
	}
	m.letter.Sections = append(m.letter.Sections, s)
}

func notSo(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotSo, fmt.Sprintf(format, args...))
}

// asked begins a letter with what was asked, and by when it is answered.
func (m *maker) asked() {
	m.open("letter.asked", m.letter.Received, m.letter.Asked)
}

func (m *maker) term() {
	switch q := m.ask.Asked; {
	case m.letter.Due != "":
		m.open("letter.due", m.letter.Due)
	case !q.PausedAt.IsZero():
		m.open("letter.rests", m.day(q.PausedAt))
	}
}

func (m *maker) acknowledge() {
	m.asked()
	m.term()
	if m.ask.Asked.Kind == cases.RequestErasure {
		m.open("letter.withdrawn")
	}
	m.remedies(false)
}

func (m *maker) identity() error {
	if m.ask.Asked.Verified() {
		return notSo("request %s is verified: who asks has shown who they are", m.ask.Asked.ID)
	}
	m.asked()
	m.open("letter.identity")
	m.section("letter.ways", []string{m.say.Say("way.account"), m.say.Say("way.call_back"), m.say.Say("way.in_person")})
	if q := m.ask.Asked; !q.PausedAt.IsZero() {
		m.end("letter.rests", m.day(q.PausedAt))
	} else {
		m.end("letter.due", m.letter.Due)
	}
	return nil
}

// extension says by when the answer comes now, which is what extending the request will count, or did.
func (m *maker) extension() error {
	q := m.ask.Asked.Request
	because, until := q.Because, q.ExtendedTo
	if until.IsZero() {
		if because = m.options.Because; !slices.Contains(cases.ExtensionReasons, because) {
			return fmt.Errorf("%w: --because: say why it takes longer: %s (Art. 12(3))", setup.ErrUsage,
				strings.Join(cases.ExtensionReasons, " or "))
		}
		if q.PausedAt.IsZero() && !m.setup.Now().Before(q.Due) {
			return notSo("the person has to be told within the first month (Art. 12(3)), and it is over: answer it")
		}
		until = m.options.Ends(q, 3)
	}
	m.asked()
	m.open("letter.extension")
	m.open("letter.extension." + because)
	m.letter.Due = m.day(until.Add(-time.Second))
	m.open("letter.extension.due", m.letter.Due)
	m.remedies(false)
	return nil
}

// refusal says that nothing is done, and what allows that.
func (m *maker) refusal() error {
	if err := m.excepted(); err != nil {
		return err
	}
	m.asked()
	m.open("letter.refusal")
	m.because()
	m.remedies(true)
	return nil
}

// excepted demands the exception of a refusal.
func (m *maker) excepted() error {
	if m.options.Exception == "" {
		return fmt.Errorf("%w: --exception: name what allows to refuse, such as 17(3)(e)", setup.ErrUsage)
	}
	m.letter.Exception = m.options.Exception
	return nil
}

// because says why something is refused that no record says.
func (m *maker) because() {
	article := m.options.Exception
	key := "except." + strings.NewReplacer("(", ".", ")", "").Replace(article)
	if m.say.Has(key) {
		m.open("letter.because", m.say.Say(key), article)
		return
	}
	m.open("letter.because.other", article)
}

// remedies are those that remain: also a court, where something is refused.
func (m *maker) remedies(refused bool) {
	if m.options.Authority != "" {
		m.end("letter.complaint", lang.Name(m.options.Authority))
	} else {
		m.end("letter.complaint.any")
	}
	if refused {
		m.end("letter.court")
	}
}

// thirdParties asks those to do the same to whom the data were handed on. It names the person, since they could not
// know otherwise: as who writes it said, and nobody keeps.
func (m *maker) thirdParties() error {
	switch m.ask.Asked.Kind {
	case cases.RequestErasure, cases.RequestRectification, cases.RequestRestriction:
	default:
		return notSo("others are told of an erasure, a rectification or a restriction (Art. 19), and request %s is "+
			"for %s", m.ask.Asked.ID, m.ask.Asked.Kind)
	}
	if m.options.Company.Recipients == nil {
		return notSo("nobody said to whom data are handed on: write it under controller.recipients, [] for nobody")
	}
	if len(m.options.Company.Recipients) == 0 {
		return notSo("data are handed on to nobody, as controller.recipients says")
	}
	if len(m.ask.Given) == 0 {
		return fmt.Errorf("%w: --subject: say by what they know the person, such as email=ada@example.org; it stands "+
			"in the letter, and nowhere else", setup.ErrUsage)
	}
	m.section("letter.to", m.names(m.options.Company.Recipients))
	m.open("letter.third", m.letter.Received, m.letter.Asked)
	m.open("letter.third.please")
	var person []string
	for _, s := range m.ask.Given {
		person = append(person, lang.Name(s.Kind+": "+s.Value))
	}
	m.section("letter.person", person)
	m.end("letter.third.end")
	return nil
}

func (m *maker) names(list []string) (names []string) {
	for _, n := range list {
		names = append(names, lang.Name(n))
	}
	return names
}

// answer says what was done, and what stays.
func (m *maker) answer(ctx context.Context) (err error) {
	m.asked()
	m.copies()
	if m.letter.Gone, err = m.gone(ctx); err != nil {
		return err
	}
	if err := m.kept(); err != nil {
		return err
	}
	partly := m.options.Kind == PartialRefusal
	switch m.ask.Asked.Kind {
	case cases.RequestErasure:
		err = m.erasure(partly)
	case cases.RequestAccess, cases.RequestPortability:
		err = m.handed(partly)
	case cases.RequestRestriction:
		err = m.restricted(partly)
	default:
		m.open("letter.done." + m.ask.Asked.Kind)
		err = m.part(partly)
	}
	if err != nil {
		return err
	}
	m.handedOn()
	if m.ask.Asked.Kind == cases.RequestErasure {
		m.end("letter.record")
		if m.options.Code != "" {
			m.end("letter.receipt", m.options.Code)
		}
	}
	m.remedies(partly)
	return nil
}

// part says of a partial refusal of which no record gives the reason what allows it.
func (m *maker) part(partly bool) error {
	if !partly {
		return nil
	}
	if err := m.excepted(); err != nil {
		return err
	}
	m.open("letter.partly")
	m.because()
	return nil
}

// erasure says what is gone, what stays with each reason, and what backups still hold.
func (m *maker) erasure(partly bool) error {
	switch {
	case partly && len(m.letter.Kept) == 0:
		return notSo("nothing of the person stays in a live source: --kind %s", Answer)
	case partly:
		m.open("letter.partly.erasure")
	case len(m.letter.Copies) > 0:
		m.open("letter.done.erasure.live", m.day(m.found.AsOf))
	default:
		m.open("letter.done.erasure", m.day(m.found.AsOf))
	}
	if !partly { // what was restricted until it went is of no interest any more
		m.letter.Gone = slices.DeleteFunc(m.letter.Gone, func(g Gone) bool {
			return g.Change == string(roots.Block) || g.Change == string(roots.Unblock)
		})
	}
	if items := words(m.letter.Gone, func(g Gone) string { return g.Words }); len(items) > 0 {
		m.section("letter.gone", items)
	}
	if items := words(m.letter.Kept, func(k Kept) string { return k.Words }); len(items) > 0 {
		m.section("letter.kept", items)
	}
	if items := words(m.letter.Copies, func(c Copy) string { return c.Words }); len(items) > 0 {
		m.section("letter.copies", items)
	}
	return nil
}

func words[T any](list []T, of func(T) string) (texts []string) {
	for _, item := range list {
		texts = append(texts, of(item))
	}
	return texts
}

// handed says what was handed over.
func (m *maker) handed(partly bool) error {
	for _, s := range slices.Backward(m.ask.Asked.StepsOf(cases.StepExported)) {
		handed := cases.ParseHanded(s.How)
		if handed.As != m.ask.Asked.Kind {
			continue
		}
		m.open("letter.done."+handed.As, handed.Rows, m.day(s.At))
		m.open("letter.digest", handed.Digest)
		return m.part(partly)
	}
	if !partly {
		return notSo("nothing was handed over that is complete: lethe request export %s --to FOLDER", m.ask.Asked.ID)
	}
	return m.part(partly)
}

// restricted says how much is blocked, where blocking it is possible at all.
func (m *maker) restricted(partly bool) error {
	var rows int64
	for _, h := range m.found.Certain() {
		if h.Backup || h.Decision == nil {
			continue
		}
		if !m.blocks(h) {
			return notSo("%s.%s has no `block`, so that nothing keeps the application from using what stands there: "+
				"say how a row is blocked, or see to it and tell the person yourself", h.Source, h.Table)
		}
		rows++
	}
	m.open("letter.done.restriction", rows)
	return m.part(partly)
}

// blocks reports whether a record of the table of a hit says how its use is blocked.
func (m *maker) blocks(h *requests.Hit) bool {
	return slices.ContainsFunc(m.silo.Silo.Records, func(r policy.Records) bool {
		return r.Source == h.Source && r.Table == h.Table && r.Block != nil
	})
}

// handedOn says who else had the data and whether they were told (Art. 19).
func (m *maker) handedOn() {
	switch m.ask.Asked.Kind {
	case cases.RequestErasure, cases.RequestRectification, cases.RequestRestriction:
	default:
		return
	}
	s := Section{Title: m.say.Say("letter.recipients")}
	told, ok := Told(m.ask.Asked.Steps, ThirdParties)
	switch list := m.options.Company.Recipients; {
	case list == nil:
		s.Intro = m.say.Say("letter.recipients.unknown")
	case len(list) == 0:
		return
	case ok:
		s.Intro, s.Items = m.say.Say("letter.recipients.told", m.day(told.At)), m.names(list)
	default:
		s.Intro, s.Items = m.say.Say("letter.recipients.untold"), m.names(list)
	}
	m.letter.Sections = append(m.letter.Sections, s)
}

// application is whose a source is, and whether it is a backup; of one that is not configured any more, its name.
func (m *maker) application(source string) (name string, backup bool) {
	i := slices.IndexFunc(m.setup.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return source, false
	}
	s := m.setup.Sources[i]
	return cmp.Or(s.Application, s.System()), s.Backup()
}

// copies counts what backups hold of the person, by application and the day on which it is gone.
func (m *maker) copies() {
	for _, held := range erased.Copies(m.setup, m.found) {
		c := Copy{Until: held.Until}
		c.Application, _ = m.application(held.Source)
		i := slices.IndexFunc(m.letter.Copies, func(o Copy) bool {
			return o.Application == c.Application && o.Until == c.Until
		})
		if i < 0 {
			i, m.letter.Copies = len(m.letter.Copies), append(m.letter.Copies, c)
		}
		m.letter.Copies[i].Rows += held.Rows
	}
	for i := range m.letter.Copies {
		c := &m.letter.Copies[i]
		if c.Until = m.civil(c.Until); c.Until == "" {
			c.Words = m.say.Say("letter.copy.rewrite", lang.Name(c.Application), c.Rows)
			continue
		}
		c.Words = m.say.Say("letter.copy.until", lang.Name(c.Application), c.Rows, c.Until)
	}
}

// civil says a civil day in the language.
func (m *maker) civil(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return m.say.FullDay(t)
}

// kept counts what stays in live sources, by application, reason, ground and end.
func (m *maker) kept() error {
	if m.ask.Asked.Kind != cases.RequestErasure {
		return nil
	}
	var errs []error
	for _, h := range m.found.Certain() {
		if h.Backup || h.Decision != nil && h.Decision.Reason == reason.KAnonymized {
			continue
		}
		k := Kept{}
		k.Application, _ = m.application(h.Source)
		if d := h.Decision; d != nil {
			if !slices.Contains(erased.Lawful(), d.Reason) {
				errs = append(errs, notSo("%s.%s: a record stays, and no law lets it: %s See lethe explain", h.Source,
					h.Table, d.Reason.Words()))
				continue
			}
			k.Reason, k.Article = string(d.Reason), d.Reason.Article()
			for id, rule := range m.silo.InForce(m.found.AsOf) {
				if id == d.Rule {
					k.Because = rule.Because
				}
			}
			if d.Until.Known() {
				k.Until = m.civil(d.Until.String())
			}
		}
		m.keep(k, h.Table)
	}
	slices.SortStableFunc(m.letter.Kept, func(a, b Kept) int { // what goes with others comes after them
		return strings.Compare(last(a.Reason), last(b.Reason))
	})
	for i := range m.letter.Kept {
		m.letter.Kept[i].Words = m.keptWords(&m.letter.Kept[i])
	}
	return errors.Join(errs...)
}

// last is what sorts records without a reason of their own behind all others.
func last(reason string) string {
	if reason == "" {
		return "1"
	}
	return "0"
}

// keep adds a record to those that stay for the same reason.
func (m *maker) keep(k Kept, table string) {
	i := slices.IndexFunc(m.letter.Kept, func(o Kept) bool {
		return o.Application == k.Application && o.Reason == k.Reason && o.Because == k.Because && o.Until == k.Until
	})
	if i < 0 {
		i, m.letter.Kept = len(m.letter.Kept), append(m.letter.Kept, k)
	}
	of := &m.letter.Kept[i]
	of.Rows++
	if !slices.Contains(of.Tables, table) {
		of.Tables = append(of.Tables, table)
	}
}

// keptWords says what stays, why, and until when.
func (m *maker) keptWords(k *Kept) string {
	if k.Reason == "" {
		return m.say.Say("letter.kept.with", lang.Name(k.Application), k.Rows)
	}
	why := m.say.Say("kept." + k.Reason)
	if k.Because != "" {
		why += " – " + lang.Name(k.Because)
	}
	if k.Until == "" {
		return m.say.Say("letter.kept.open", lang.Name(k.Application), k.Rows, why, k.Article)
	}
	return m.say.Say("letter.kept.until", lang.Name(k.Application), k.Rows, why, k.Article, k.Until)
}
