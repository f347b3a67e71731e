package adopted

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// office is a state folder with people: anna owns news, bo shop, carl is a custodian, dora the data protection officer.
type office struct {
	p       *setup.Setup
	j       *journal.Journal
	signers map[string]*keystore.Signer
	doc     map[string]any // what stands in the configuration
}

var roles = map[string][]string{"anna": {"owner:news"}, "bo": {"owner:shop"}, "carl": {"custodian"}, "dora": {"dpo"},
	"eve": nil}

func newOffice(t *testing.T) *office {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id.age"))
	require.NoError(t, err)
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	o := &office{signers: map[string]*keystore.Signer{}, p: &setup.Setup{State: filepath.Join(dir, "state"),
		Reports: filepath.Join(dir, "reports"), Keys: keys, Catalogue: catalogue, Zone: time.UTC,
		Now: func() time.Time { return noon }}}
	people := map[string]any{}
	for name, r := range roles {
		file := filepath.Join(dir, name+".key")
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		o.signers[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
		people[name] = map[string]any{"Key": public, "Roles": r}
	}
	delete(people, "eve")
	rule := func() []any { return []any{map[string]any{"Purpose": "p", "MaxAge": "P24M"}} }
	o.doc = map[string]any{"People": people, "Approvals": 0, "Silos": map[string]any{"news": map[string]any{"Rules": rule()},
		"shop": map[string]any{"Rules": rule()}}, "Breakers": map[string]any{"MaxRows": 1000}}
	o.configure(t, func(map[string]any) {})
	o.j, err = o.p.Journal(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.j.Close()) })
	return o
}

// configure changes what stands in the configuration, as who builds it from the file does.
func (o *office) configure(t *testing.T, edit func(map[string]any)) {
	t.Helper()
	edit(o.doc)
	text, err := json.Marshal(o.doc)
	require.NoError(t, err)
	o.p.Policy, o.p.PolicyDigest, o.p.Adopted = text, adoption.DigestOf(text), ""
	next, err := adoption.Parse(o.p.PolicyDigest, text, time.UTC)
	require.NoError(t, err)
	o.p.People, o.p.Approvals = next.People, next.Approvals
}

// judged is the setup as every command has it.
func (o *office) judged(t *testing.T) *setup.Setup {
	t.Helper()
	b, err := answers.Open(t.Context(), o.j, o.p.Reports)
	require.NoError(t, err)
	p, err := Judge(o.p, b.Chain)
	require.NoError(t, err)
	return p
}

// sign has people adopt what the configuration says, and returns who is still missing.
func (o *office) sign(t *testing.T, names ...string) (missing []string) {
	t.Helper()
	for _, name := range names {
		var err error
		missing, err = Sign(t.Context(), o.judged(t), name, "", nil, o.signers[name])
		require.NoError(t, err, name)
	}
	return missing
}

// edits of a configuration.
func term(silo, period string) func(map[string]any) {
	return func(doc map[string]any) {
		s := doc["Silos"].(map[string]any)[silo].(map[string]any)
		s["Rules"].([]any)[0].(map[string]any)["MaxAge"] = period
	}
}

func breaker(rows int) func(map[string]any) {
	return func(doc map[string]any) { doc["Breakers"].(map[string]any)["MaxRows"] = rows }
}

// age says how old what is known may be, as a text; "" does not.
func age(of string) func(map[string]any) {
	return func(doc map[string]any) {
		crm := map[string]any{}
		if doc["Sources"] = map[string]any{"crm": crm}; of != "" {
			doc["RegistryMaxAge"], crm["MaxBackupAge"] = of, of
		}
	}
}

func (o *office) person(name string, r ...string) func(map[string]any) {
	return func(doc map[string]any) {
		doc["People"].(map[string]any)[name] = map[string]any{"Key": o.signers[name].Public(), "Roles": r}
	}
}

// Who has to adopt what differs: each case names who signs, one after the other, and whom the last of them leaves
// missing.
func TestWhoAdoptsWhat(t *testing.T) {
	for name, c := range map[string]struct {
		edit    func(o *office) func(map[string]any)
		kind    string
		signs   string
		missing string
		before  string // how old what is known may be, before
	}{
		"a longer term, by one":    {func(*office) func(map[string]any) { return term("news", "P36M") }, adoption.Relaxing, "anna", "", ""},
		"by a custodian":           {func(*office) func(map[string]any) { return term("news", "P36M") }, adoption.Relaxing, "carl", "", ""},
		"not by the officer":       {func(*office) func(map[string]any) { return term("news", "P36M") }, adoption.Relaxing, "dora", "an owner or a custodian", ""},
		"a shorter term, by one":   {func(*office) func(map[string]any) { return term("news", "P12M") }, adoption.Tightening, "anna", "a custodian", ""},
		"by two":                   {func(*office) func(map[string]any) { return term("news", "P12M") }, adoption.Tightening, "anna carl", "", ""},
		"by another silo's owner":  {func(*office) func(map[string]any) { return term("news", "P12M") }, adoption.Tightening, "bo carl", "an owner of news", ""},
		"a term that is gone":      {func(*office) func(map[string]any) { return term("news", "") }, adoption.Tightening, "anna", "a custodian", ""},
		"a narrower limit":         {func(*office) func(map[string]any) { return breaker(10) }, adoption.Relaxing, "bo", "", ""},
		"what is known is younger": {func(*office) func(map[string]any) { return age("P1D") }, adoption.Relaxing, "bo", "", "P2D"},
		"what is known has an end": {func(*office) func(map[string]any) { return age("P1D") }, adoption.Relaxing, "bo", "", ""},
		"what is known is older":   {func(*office) func(map[string]any) { return age("P3D") }, adoption.Tightening, "carl", "an owner of a silo", "P2D"},
		"what is known has no end": {func(*office) func(map[string]any) { return age("") }, adoption.Tightening, "carl bo", "", "P2D"},
		"a wider limit":            {func(*office) func(map[string]any) { return breaker(9999) }, adoption.Tightening, "carl", "an owner of a silo", ""},
		"no limit":                 {func(*office) func(map[string]any) { return breaker(0) }, adoption.Tightening, "carl bo", "", ""},
		"a person more, by one":    {func(o *office) func(map[string]any) { return o.person("eve", "custodian") }, adoption.OfPeople, "anna", "two of the owners, custodians and data protection officers", ""},
		"a person more, by two":    {func(o *office) func(map[string]any) { return o.person("eve", "custodian") }, adoption.OfPeople, "anna dora", "", ""},
		"a role more":              {func(o *office) func(map[string]any) { return o.person("anna", "owner:news", "custodian") }, adoption.OfPeople, "anna", "two of the owners, custodians and data protection officers", ""},
		"one approval less":        {func(*office) func(map[string]any) { return func(d map[string]any) { d["Approvals"] = 1 } }, adoption.OfPeople, "anna", "two of the owners, custodians and data protection officers", ""},
		"orders, as an earlier build had them": {func(*office) func(map[string]any) {
			return func(d map[string]any) { d["Orders"] = []any{map[string]any{"Silo": "shop", "MaxRows": 9}} }
		}, adoption.Relaxing, "anna", "", ""},
		"a new silo": {func(*office) func(map[string]any) {
			return func(d map[string]any) { d["Silos"].(map[string]any)["x"] = 1 }
		}, adoption.Tightening, "anna carl", "", ""},
		"longer here and shorter there": {func(*office) func(map[string]any) {
			return func(d map[string]any) { term("news", "P36M")(d); term("shop", "P1M")(d) }
		}, adoption.Tightening, "anna carl", "an owner of shop", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.configure(t, age(c.before))
			require.Empty(t, o.sign(t, "anna", "carl"))
			before := o.judged(t).Adopted
			require.Equal(t, o.p.PolicyDigest, before)
			o.configure(t, c.edit(o))
			a, err := Look(t.Context(), o.judged(t))
			require.NoError(t, err)
			require.Equal(t, before, a.InForce)
			require.Equal(t, c.kind, a.Kind, a.Lines)
			missing := o.sign(t, strings.Fields(c.signs)...)
			require.Equal(t, c.missing, strings.Join(missing, ", "))
			require.Equal(t, c.missing == "", o.judged(t).Adopted == o.p.PolicyDigest)
		})
	}
}

// Somebody whom only the configuration names does not count, nor a role or a number of approvals that only it has.
func TestNobodyMakesThemselvesSomebody(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, []string{"a custodian"}, o.sign(t, "anna"))
	require.Empty(t, o.judged(t).Adopted)
	require.Empty(t, o.sign(t, "carl"))
	o.configure(t, func(doc map[string]any) {
		o.person("eve", "custodian", "owner:news")(doc)
		o.person("anna", "owner:news", "custodian")(doc)
		carl := doc["People"].(map[string]any)["carl"].(map[string]any)
		carl["Key"] = o.signers["eve"].Public()
		delete(doc["People"].(map[string]any), "dora")
		doc["Approvals"] = 1
	})
	p := o.judged(t)
	require.Equal(t, 2, p.Approvals)
	require.Equal(t, []string{"owner:news"}, p.People["anna"].Roles)
	for _, name := range []string{"eve", "carl", "dora"} {
		require.NotContains(t, p.People, name)
	}
	_, err := Sign(t.Context(), p, "eve", "", nil, o.signers["eve"])
	require.ErrorIs(t, err, setup.ErrConfig)

	b, err := answers.Open(t.Context(), o.j, o.p.Reports) // past Sign, as who is root may
	require.NoError(t, err)
	for _, name := range []string{"eve", "carl"} {
		_, err := b.Sign(t.Context(), answers.Answer{Act: answers.Adopt, About: adoption.About, Digest: o.p.PolicyDigest, Actor: name},
			o.signers["eve"], noon, nil)
		require.NoError(t, err)
	}
	require.NotEqual(t, o.p.PolicyDigest, o.judged(t).Adopted)
}

func TestAPolicyIsAdoptedOnce(t *testing.T) {
	o := newOffice(t)
	o.sign(t, "anna")
	_, err := Sign(t.Context(), o.judged(t), "anna", "", nil, o.signers["anna"])
	require.ErrorContains(t, err, "anna has adopted it already")
	o.sign(t, "carl")
	_, err = Sign(t.Context(), o.judged(t), "bo", "", nil, o.signers["bo"])
	require.ErrorContains(t, err, "is in force already")
	o.configure(t, term("news", "P36M"))
	o.sign(t, "anna")
	o.configure(t, term("news", "P24M"))
	require.Equal(t, []string{"a custodian"}, o.sign(t, "anna"), "what was signed of it before has had its time")
}

func TestATextThatIsLostIsSaid(t *testing.T) {
	o := newOffice(t)
	o.sign(t, "anna", "carl")
	digest := o.p.PolicyDigest
	o.configure(t, term("news", "P36M"))
	require.NoError(t, os.WriteFile(paths(o.p, digest)[0], []byte("{}"), 0o600))
	require.Equal(t, digest, o.judged(t).Adopted, "the other copy is whole")
	require.NoError(t, os.Remove(paths(o.p, digest)[1]))
	b, err := answers.Open(t.Context(), o.j, o.p.Reports)
	require.NoError(t, err)
	_, err = Judge(o.p, b.Chain)
	require.ErrorIs(t, err, answers.ErrBroken)
	require.ErrorContains(t, err, "put "+filepath.Join(o.p.State, folder)+"/"+digest+".json back from a copy, or the configuration as it was then")
	require.True(t, state.FileExists(paths(o.p, digest)[0]))
	o.configure(t, term("news", "P24M"))
	require.Equal(t, digest, o.judged(t).Adopted, "the configuration has the text itself")
}
