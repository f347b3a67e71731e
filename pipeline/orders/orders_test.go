package orders

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// office is a company with people: anna owns news, bo shop, carl is a custodian, dora the data protection officer.
type office struct {
	t       *testing.T
	p       *setup.Setup // as the configuration has it
	now     time.Time
	signers map[string]*keystore.Signer
}

var roles = map[string][]string{"anna": {"owner:news"}, "bo": {"owner:shop"}, "carl": {"custodian"}, "dora": {"dpo"}}

func newOffice(t *testing.T) *office {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id.age"))
	require.NoError(t, err)
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	o := &office{t: t, now: noon, signers: map[string]*keystore.Signer{}}
	o.p = &setup.Setup{State: filepath.Join(dir, "state"), Reports: filepath.Join(dir, "reports"), Keys: keys,
		Catalogue: catalogue, Zone: time.UTC, Now: func() time.Time { return o.now },
		Approvals: 2, Orders: []setup.Order{{Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn}, MaxRows: 9,
			Until: day("2027-05-01")}}}
	o.p.People = answers.People{}
	for name, r := range roles {
		file := filepath.Join(dir, name+".key")
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		o.signers[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
		key, err := keystore.ParsePublic(public)
		require.NoError(t, err)
		o.p.People[name] = setup.Person{Key: key, Roles: r}
	}
	o.configure()
	return o
}

// configure makes the policy's text of its people, as the configuration does.
func (o *office) configure() {
	o.t.Helper()
	people := map[string]any{}
	for name, person := range o.p.People {
		people[name] = map[string]any{"Key": person.Key.String(), "Roles": person.Roles}
	}
	text, err := json.Marshal(map[string]any{"People": people, "Approvals": o.p.Approvals,
		"Silos": map[string]any{"news": 1, "shop": 1}})
	require.NoError(o.t, err)
	o.p.Policy, o.p.PolicyDigest = text, Digest(string(text))
}

// judged is the setup as every command has it.
func (o *office) judged() *setup.Setup {
	o.t.Helper()
	p, err := adopted.JudgeNow(o.t.Context(), o.p)
	require.NoError(o.t, err)
	return p
}

func (o *office) adopt(names ...string) {
	o.t.Helper()
	for _, name := range names {
		_, err := adopted.Sign(o.t.Context(), o.judged(), name, "", nil, o.signers[name])
		require.NoError(o.t, err)
	}
}

func (o *office) say(do string, names ...string) error {
	o.t.Helper()
	for _, name := range names {
		say := Saying{Actor: name, Signer: o.signers[name], Orders: []string{"1"}, Comment: "so"}
		f := Sign
		if do == "revoke" {
			f = Revoke
		}
		if _, err := f(o.t.Context(), o.judged(), say); err != nil {
			return err
		}
	}
	return nil
}

func (o *office) sign(names ...string) {
	o.t.Helper()
	require.NoError(o.t, o.say("sign", names...))
}

// put records an answer past all that a command refuses, as somebody might who has a key and writes the files.
func (o *office) put(a answers.Answer, by *keystore.Signer) {
	o.t.Helper()
	j, err := o.p.Journal(o.t.Context())
	require.NoError(o.t, err)
	defer j.Close()
	b, err := answers.Open(o.t.Context(), j, o.p.Reports)
	require.NoError(o.t, err)
	_, err = b.Sign(o.t.Context(), a, by, o.now, nil)
	require.NoError(o.t, err)
}

// why says why the order lets nothing go.
func (o *office) why() string {
	o.t.Helper()
	list, err := Now(o.t.Context(), o.judged())
	require.NoError(o.t, err)
	j, err := o.p.Journal(o.t.Context())
	require.NoError(o.t, err)
	defer j.Close()
	b, err := state.Answers(o.t.Context(), o.judged(), j)
	require.NoError(o.t, err)
	judged, err := Judge(o.judged(), b.Chain)
	require.NoError(o.t, err)
	require.Equal(o.t, list[0].Why(), judged.Orders[0].Why)
	require.Empty(o.t, o.p.Orders[0].Why, "the setup is not changed")
	return list[0].Why()
}

// Which orders are in force: each case says what people did, and why the order lets nothing go.
func TestWhichOrdersAreInForce(t *testing.T) {
	forged := func(o *office, actor, by string, edit func(*setup.Order)) {
		order := o.p.Orders[0]
		edit(&order)
		text := Text(order)
		o.put(answers.Answer{Act: answers.Order, About: About("news"), Digest: Digest(text), Document: text, Actor: actor},
			o.signers[by])
	}
	asItIs := func(*setup.Order) {}
	person := func(o *office, name string, edit func(*setup.Person)) {
		who := o.p.People[name]
		edit(&who)
		o.p.People[name] = who
		o.configure()
	}
	for name, c := range map[string]struct {
		does func(o *office)
		why  string
	}{
		"by nobody":               {func(*office) {}, "it lacks an owner of news and a custodian"},
		"by its owner":            {func(o *office) { o.sign("anna") }, "it lacks a custodian"},
		"by two":                  {func(o *office) { o.sign("anna", "carl") }, ""},
		"by a custodian":          {func(o *office) { o.sign("carl") }, "it lacks an owner of news"},
		"by another silo's owner": {func(o *office) { forged(o, "bo", "bo", asItIs) }, "the signature of bo does not count: there is no role for it"},
		"by the officer":          {func(o *office) { forged(o, "dora", "dora", asItIs) }, "the signature of dora does not count: there is no role"},
		"by one in two names": {func(o *office) { o.sign("anna"); forged(o, "carl", "anna", asItIs) },
			"the signature of carl does not count: it is signed by another key"},
		"by one with two roles": {func(o *office) {
			person(o, "anna", func(p *setup.Person) { p.Roles = []string{"owner:news", "custodian"} })
			o.sign("anna")
			forged(o, "anna", "anna", asItIs)
		}, "it lacks a second person"},
		"by one, where one is enough": {func(o *office) { o.p.Approvals = 1; o.configure(); o.sign("carl") }, ""},
		"by nobody, there":            {func(o *office) { o.p.Approvals = 1 }, "it lacks an owner of news or a custodian"},
		"another digest": {func(o *office) { o.sign("carl"); forged(o, "anna", "anna", func(p *setup.Order) { p.MaxRows++ }) },
			"it lacks an owner of news"},
		"edited": {func(o *office) { o.sign("anna", "carl"); o.p.Orders[0].MaxRows = 99 }, "it lacks an owner of news and a custodian"},
		"edited, in another order": {func(o *office) {
			o.p.Orders[0].Reasons = []reason.Code{reason.DConsentWithdrawn, reason.DConsentExpired}
			o.sign("anna", "carl")
			slices.Reverse(o.p.Orders[0].Reasons)
		}, ""},
		"of another silo": {func(o *office) { o.sign("anna", "carl"); o.p.Orders[0].Silo = "shop" }, "it lacks an owner of shop and a custodian"},
		"on its last day": {func(o *office) { o.sign("anna", "carl"); o.now = day("2027-05-01").Start(time.UTC) }, ""},
		"after it":        {func(o *office) { o.sign("anna", "carl"); o.now = day("2027-05-02").Start(time.UTC) }, "its last day was 2027-05-01"},
		"for longer than six months": {func(o *office) {
			o.p.Orders[0].Until = day("2027-05-21")
			forged(o, "anna", "anna", asItIs)
			forged(o, "carl", "carl", asItIs)
		}, "the signature of anna does not count: it is for longer than six months from then, which end on 2027-05-20"},
		"revoked by one": {func(o *office) { o.sign("anna", "carl"); require.NoError(t, o.say("revoke", "dora")) },
			"dora revoked it on 2026-11-20"},
		"revoked, and signed again by one": {func(o *office) {
			o.sign("anna", "carl")
			require.NoError(t, o.say("revoke", "anna"))
			o.sign("anna")
		}, "it lacks a custodian"},
		"revoked, and signed again by two": {func(o *office) {
			o.sign("anna", "carl")
			require.NoError(t, o.say("revoke", "anna"))
			o.sign("anna", "carl")
		}, ""},
		"revoked by who is gone since": {func(o *office) {
			o.sign("anna", "carl")
			require.NoError(t, o.say("revoke", "dora"))
			delete(o.p.People, "dora")
		}, "dora revoked it"},
		"whose signer is gone": {func(o *office) { o.sign("anna", "carl"); delete(o.p.People, "anna") },
			"the signature of anna does not count: the name is not among people; it lacks an owner of news"},
		"whose signer lost the role": {func(o *office) {
			o.sign("anna", "carl")
			person(o, "anna", func(p *setup.Person) { p.Roles = []string{"owner:shop"} })
		}, "the signature of anna does not count: there is no role for it (any more)"},
		"whose signer's key ended": {func(o *office) {
			o.sign("anna", "carl")
			person(o, "anna", func(p *setup.Person) { p.Until = noon.Add(time.Hour) })
			o.now = noon.Add(2 * time.Hour)
		}, "the signature of anna does not count: the key has ended"},
		"whose signer's key was revoked": {func(o *office) {
			o.sign("anna", "carl")
			for _, by := range []string{"carl", "dora"} {
				o.put(answers.Answer{Act: answers.Revoke, About: answers.AboutKey(o.signers["anna"].Public()), Actor: by},
					o.signers[by])
			}
		}, "the signature of anna does not count: the key was revoked"},
		"signed before the role came": {func(o *office) {
			o.adopt("anna", "carl")
			o.sign("anna")
			forged(o, "bo", "bo", asItIs)
			forged(o, "dora", "dora", asItIs)
			person(o, "dora", func(p *setup.Person) { p.Roles = []string{"custodian"} })
			o.adopt("anna", "bo")
		}, "the signature of dora does not count: there was no role for it in the policy that was in force then"},
		"a role that only the configuration has": {func(o *office) {
			o.adopt("anna", "carl")
			o.sign("anna")
			person(o, "bo", func(p *setup.Person) { p.Roles = []string{"custodian"} })
			forged(o, "bo", "bo", asItIs)
		}, "the signature of bo does not count: there is no role for it"},
		"signed tomorrow": {func(o *office) { o.now = noon.AddDate(0, 0, 1); o.sign("anna", "carl"); o.now = noon },
			"the signature of anna does not count: it says that it was signed on 2026-11-21, which is still to come"},
		"before answers were lost": {func(o *office) {
			o.sign("anna", "carl")
			o.put(answers.Answer{Act: answers.Acknowledge, About: answers.Itself, Actor: "carl"}, o.signers["carl"])
		}, "it was signed before answers were lost"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			c.does(o)
			if c.why == "" {
				require.Empty(t, o.why())
				return
			}
			require.Contains(t, o.why(), c.why)
			require.Contains(t, o.why(), "lethe order", "what leads on")
		})
	}
}

// What a person may not sign, or revoke, is refused, and nothing is recorded.
func TestWhatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		does func(o *office) error
		why  string
	}{
		"by another silo's owner": {func(o *office) error { return o.say("sign", "bo") }, "takes an owner of the silo or a custodian"},
		"by the officer":          {func(o *office) error { return o.say("sign", "dora") }, "takes an owner of the silo or a custodian"},
		"twice":                   {func(o *office) error { return o.say("sign", "anna", "anna") }, "anna has signed it already"},
		"for too long": {func(o *office) error { o.p.Orders[0].Until = day("2027-05-21"); return o.say("sign", "anna") },
			"for six months at most: write a day up to 2027-05-20"},
		"that is over":        {func(o *office) error { o.p.Orders[0].Until = day("2026-11-19"); return o.say("sign", "anna") }, "its last day was 2026-11-19"},
		"revoked unsigned":    {func(o *office) error { return o.say("revoke", "anna") }, "there is nothing to revoke"},
		"revoked by a nobody": {func(o *office) error { o.sign("anna"); return o.say("revoke", "bo") }, "takes an owner of news, a custodian or the data"},
		"with a revoked key": {func(o *office) error {
			o.put(answers.Answer{Act: answers.Revoke, About: answers.AboutKey(o.signers["anna"].Public()), Actor: "anna"},
				o.signers["anna"])
			return o.say("sign", "anna")
		}, "the key of anna was revoked"},
		"with the clock set back": {func(o *office) error { o.sign("anna"); o.now = noon.Add(-time.Hour); return o.say("sign", "carl") },
			"set the clock right"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			err := c.does(o)
			require.ErrorContains(t, err, c.why)
			require.Equal(t, 2, setup.ExitCode(err))
			require.NotEmpty(t, o.why())
		})
	}
}

// An order that people signed and that the configuration does not have any more is missed, until it ends, is revoked, or
// a later one of its silo took its place.
func TestWhatIsMissed(t *testing.T) {
	o := newOffice(t)
	o.sign("anna", "carl")
	first := o.p.Orders
	gone := func() (kinds []string) {
		list, err := Now(t.Context(), o.judged())
		require.NoError(t, err)
		for _, s := range list {
			if kind, _, words := s.Finding(true); kind != "" {
				require.True(t, strings.Contains(words, "lethe order") || strings.Contains(words, "sign it"), words)
				kinds = append(kinds, kind)
			}
		}
		return kinds
	}
	require.Empty(t, gone())
	o.p.Orders = nil
	require.Equal(t, []string{"F_ORDER_GONE"}, gone())
	o.p.Orders = slices.Clone(first)
	o.p.Orders[0].MaxRows = 99
	require.Equal(t, []string{"F_ORDER_UNSIGNED", "F_ORDER_GONE"}, gone())
	o.sign("anna", "carl")
	require.Empty(t, gone(), "a later one took its place")
	o.p.Orders = slices.Clone(first)
	require.Equal(t, []string{"F_ORDER_GONE"}, gone(), "the earlier one is back")
	o.p.Orders = nil
	require.Equal(t, []string{"F_ORDER_GONE", "F_ORDER_GONE"}, gone())
	for _, s := range []setup.Order{first[0]} {
		_, err := Revoke(t.Context(), o.judged(), Saying{Actor: "dora", Signer: o.signers["dora"], Comment: "so",
			Orders: []string{Digest(Text(s))}})
		require.NoError(t, err)
	}
	require.Len(t, gone(), 1)
	o.now = day("2027-05-02").Start(time.UTC)
	require.Empty(t, gone())
	o.p.Orders = slices.Clone(first)
	require.Equal(t, []string{"F_ORDER_REVOKED"}, gone())
}

func TestWhatIsSaidOfItsEnd(t *testing.T) {
	o := newOffice(t)
	o.sign("anna", "carl")
	for now, want := range map[string]string{"2027-03-31": "", "2027-04-01": "F_ORDER_ENDS", "2027-05-01": "F_ORDER_ENDS",
		"2027-05-02": "F_ORDER_ENDED"} {
		o.now = day(now).Start(time.UTC)
		list, err := Now(t.Context(), o.judged())
		require.NoError(t, err)
		kind, _, _ := list[0].Finding(true)
		require.Equal(t, want, kind, now)
	}
}

// Two orders have one digest only if they let go the same.
func TestADocumentSaysAllOfAnOrder(t *testing.T) {
	codes := reason.Codes()
	draw := func(t *rapid.T, name string) setup.Order {
		return setup.Order{Silo: rapid.SampledFrom([]string{"a", "b"}).Draw(t, name+" silo"),
			Reasons: rapid.SliceOfN(rapid.SampledFrom(codes[:3]), 1, 3).Draw(t, name+" reasons"),
			MaxRows: rapid.Int64Range(1, 2).Draw(t, name+" rows"), MaxPercent: rapid.SampledFrom([]float64{0, 0.5}).Draw(t, name+" percent"),
			Until: calendar.Date(rapid.Uint32Range(740000, 740001).Draw(t, name+" until"))}
	}
	set := func(o setup.Order) []reason.Code {
		slices.Sort(o.Reasons)
		return slices.Compact(o.Reasons)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		same := a.Silo == b.Silo && a.MaxRows == b.MaxRows && a.MaxPercent == b.MaxPercent && a.Until == b.Until &&
			slices.Equal(set(setup.Order{Reasons: slices.Clone(a.Reasons)}), set(setup.Order{Reasons: slices.Clone(b.Reasons)}))
		require.Equal(t, same, Digest(Text(a)) == Digest(Text(b)))
		require.Equal(t, Text(a), Text(read(Text(a))))
	})
}
