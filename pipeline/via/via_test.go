package via

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/subject"
	"lethe/pipeline/registry/keystore"
)

func siloKey(t testing.TB) *keystore.SiloKey {
	dir := t.TempDir()
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id.age"))
	require.NoError(t, err)
	require.NoError(t, keys.EnsureSilo("crm"))
	key, err := keys.SiloKey("crm")
	require.NoError(t, err)
	return key
}

func table(name string, key []string, fields ...string) connectors.Table {
	t := connectors.Table{Name: name, Key: key}
	for _, f := range fields {
		t.Fields = append(t.Fields, connectors.Field{Name: f, Kind: connectors.Text, Nullable: true})
	}
	return t
}

var (
	people = table("people", []string{"id"}, "id", "name", "boss")
	emails = table("emails", []string{"no"}, "no", "person", "email", "old")
	links  = table("links", []string{"no"}, "no", "person", "address")
	places = table("places", []string{"no"}, "no", "address")
	pairs  = table("pairs", []string{"a", "b"}, "a", "b")
	tables = connectors.Tables{emails, links, pairs, people, places}

	inEmails = subject.Via{Path: []subject.Hop{{Table: "emails", Field: "person", Where: map[string]string{"old": "0"}}},
		Fields: map[string]string{"email": "email"}}
	inPlaces = subject.Via{Path: []subject.Hop{{Table: "links", Field: "person"},
		{From: "address", Table: "places", Field: "no"}}, Fields: map[string]string{"email": "address"}}
	ofBoss = subject.Via{Path: []subject.Hop{{From: "boss", Table: "emails", Field: "person"}},
		Fields: map[string]string{"email": "email"}}
)

// batch has rows of a table; "-" is NULL.
func batch(t testing.TB, of connectors.Table, rows ...[]string) connectors.Batch {
	b, err := connectors.NewBuilder(of, nil)
	require.NoError(t, err)
	for _, row := range rows {
		for i, v := range row {
			if v == "-" {
				b.AppendNull(i)
			} else {
				b.Append(i, []byte(v))
			}
		}
		b.EndRow()
	}
	return b.Batch("")
}

// asked is an index over rows of tables, to be asked.
type asked struct {
	testing.TB
	*Index
	key *keystore.SiloKey
}

func ask(t testing.TB, vias []subject.Via, batches ...connectors.Batch) asked {
	p, err := Resolve(tables, people, vias, map[string]string{"customer-number": "id"})
	require.NoError(t, err)
	key := siloKey(t)
	x := NewIndex(p, key, nil, "IT", true)
	for _, b := range batches {
		x.Observe(b)
	}
	x.Close()
	return asked{t, x, key}
}

// of says what is known of a person: addresses, sorted, with ! where others have them too, ? for one that is none, and
// doubt.
func (a asked) of(id, boss string) (known []string) {
	var f Found
	row := batch(a, people, []string{id, "-", boss})
	a.Row(row.Rows, 0, &f)
	require.Len(a, f.Kinds, len(f.Refs))
	for i, ref := range f.Refs {
		mark := ""
		if f.Shared[i] {
			mark = "!"
		}
		require.Equal(a, "email", a.paths.Kinds[f.Kinds[i]])
		known = append(known, a.texts[short(ref[:len(short{})])].Value+mark)
	}
	slices.Sort(known)
	if f.Unreadable {
		known = append(known, "?")
	}
	if f.Withheld {
		known = append(known, "withheld")
	}
	if f.Doubt {
		known = append(known, "doubt")
	}
	return known
}

func TestAddressesOfATable(t *testing.T) {
	x := ask(t, []subject.Via{inEmails}, batch(t, emails,
		[]string{"1", "1", "ada@lago.it", "0"}, []string{"2", "1", "ADA@casa.it", "0"}, []string{"3", "2", "bob@lago.it", "0"},
		[]string{"4", "2", "was@lago.it", "1"}, []string{"5", "3", "both@lago.it", "0"}, []string{"6", "4", "Both@Lago.it", "0"},
		[]string{"7", "5", "eve@lago.it", "0"}, []string{"8", "5", "eve@lago.it", "0"}, []string{"9", "6", "no address", "0"},
		[]string{"10", "-", "lost@lago.it", "0"}, []string{"11", "7", "-", "0"}, []string{"12", "7", " ", "0"},
		[]string{"13", "8", "fay@lago.it", "-"}, []string{"14", "K9", "gus@lago.it", "0"}, []string{"15", "011", "h@lago.it", "0"},
		[]string{"16", "Ü", "u@lago.it", "0"}))
	for id, want := range map[string][]string{
		"1": {"ADA@casa.it", "ada@lago.it"}, "2": {"bob@lago.it"}, "3": {"both@lago.it!"}, "4": {"both@lago.it!"},
		"5": {"eve@lago.it"}, // twice, and nobody else
		"6": {"?"}, "7": nil, "8": nil, "K9": {"gus@lago.it"}, "k9": {"doubt"}, "K9 ": {"doubt"}, "11": {"doubt"}, "u": {"doubt"},
		"-": nil, "99": nil,
	} {
		require.Equal(t, want, x.of(id, "-"), id)
	}
}

// A field may hold a list of addresses: a no may stand under any of them, also under one that cannot be read.
func TestListsOfAddresses(t *testing.T) {
	const both = "a@lago.it b@lago.it"
	for text, want := range map[string]string{
		"a@lago.it, b@lago.it": both, "a@lago.it;b@lago.it;": both, "a@lago.it\nb@lago.it": both, "a@lago.it / b@lago.it": both,
		"a@lago.it or b@lago.it": both, "A <a@lago.it>, B <b@lago.it>": "A <a@lago.it> B <b@lago.it>",
		"a@lago.it | private": "a@lago.it", "a@lago.it": "a@lago.it", "A <a@lago.it>": "A <a@lago.it>",
		"a@lago.it, b@@lago.it": "a@lago.it withheld", "a@lago.it, b@ lago.it": "a@lago.it b@ lago.it",
		"b@@lago.it": "? withheld", "b@": "? withheld", "b＠": "? withheld", "none": "?", "a, b": "?", "-": "",
	} {
		x := ask(t, []subject.Via{inEmails}, batch(t, emails, []string{"1", "1", text, "0"}))
		require.Equal(t, want, strings.Join(x.of("1", "-"), " "), text)
	}
	x := ask(t, []subject.Via{inEmails}, batch(t, emails, []string{"1", "1", "a@lago.it, b@lago.it", "0"},
		[]string{"2", "2", "b@lago.it c@lago.it", "0"}))
	require.Equal(t, []string{"a@lago.it", "b@lago.it!"}, x.of("1", "-"))
	require.Equal(t, []string{"b@lago.it!", "c@lago.it"}, x.of("2", "-"))
}

// Whether a row counts is said in any way to write true or false.
func TestWhereOfTruthValues(t *testing.T) {
	way := subject.Via{Path: []subject.Hop{{Table: "emails", Field: "person", Where: map[string]string{"old": "false"}}},
		Fields: map[string]string{"email": "email"}}
	for old, counts := range map[string]bool{"false": true, "False": true, "0": true, "f": true, "t": false, "1": false,
		"": false, "-": false} {
		x := ask(t, []subject.Via{way}, batch(t, emails, []string{"1", "1", "ada@lago.it", old}))
		require.Equal(t, counts, len(x.of("1", "-")) > 0, old)
	}
}

func TestAddressesBehindAJoinTable(t *testing.T) {
	l := batch(t, links, []string{"1", "1", "a"}, []string{"2", "1", "b"}, []string{"3", "2", "b"}, []string{"4", "3", "c"},
		[]string{"5", "4", "C"}, []string{"6", "5", "-"}, []string{"7", "6", "gone"})
	p := batch(t, places, []string{"a", "ada@lago.it"}, []string{"b", "both@lago.it"}, []string{"c", "cid@lago.it"},
		[]string{"d", "nobody@lago.it"})
	for _, order := range [][]connectors.Batch{{l, p}, {p, l}} {
		x := ask(t, []subject.Via{inPlaces}, order...)
		for id, want := range map[string][]string{
			"1": {"ada@lago.it", "both@lago.it!"}, "2": {"both@lago.it!"}, "3": {"cid@lago.it!"}, "4": {"doubt"}, "5": nil, "6": nil,
		} {
			require.Equal(t, want, x.of(id, "-"), id)
		}
	}
}

func TestSeveralPaths(t *testing.T) {
	x := ask(t, []subject.Via{inEmails, inPlaces, ofBoss},
		batch(t, emails, []string{"1", "1", "ada@lago.it", "0"}, []string{"2", "2", "bob@lago.it", "0"}),
		batch(t, links, []string{"1", "1", "a"}, []string{"2", "3", "b"}),
		batch(t, places, []string{"a", "ada@lago.it"}, []string{"b", "bob@lago.it"}))
	require.Equal(t, []string{"ada@lago.it"}, x.of("1", "-"), "found twice, and the same person's")
	require.Equal(t, []string{"bob@lago.it!"}, x.of("3", "-"), "in another table it is another's")
	require.Equal(t, []string{"ada@lago.it", "bob@lago.it!"}, x.of("1", "2"), "who is named by a field of the row")
}

func TestAPartKnowsWhatTheWholeShares(t *testing.T) {
	x := ask(t, []subject.Via{inEmails}, batch(t, emails,
		[]string{"1", "1", "both@lago.it", "0"}, []string{"2", "2", "both@lago.it", "0"}, []string{"3", "1", "ada@lago.it", "0"}))
	row := batch(t, people, []string{"1", "-", "-"}).Rows
	digest := func(x *Index) string {
		var b bytes.Buffer
		x.Digest(&b, row, 0)
		return b.String()
	}
	part := func(rows ...[]string) *Index {
		part := x.Part()
		part.take(0, 0, batch(t, emails, rows...).Rows, nil)
		part.Close()
		return part
	}
	require.Equal(t, digest(x.Index), digest(part([]string{"1", "1", "both@lago.it", "0"}, []string{"3", "1", "ada@lago.it",
		"0"})))
	for _, other := range [][][]string{
		{{"1", "1", "both@lago.it", "0"}},                                 // an address was lost
		{{"1", "1", "both@lago.it", "0"}, {"3", "1", "eve@lago.it", "0"}}, // has become another
		{{"1", "1", "both@lago.it", "0"}, {"3", "1", "ada@lago.it", "1"}}, // does not count any more
		{{"1", "1", "both@lago.it", "0"}, {"3", "1", "ada@lago.it", "0"}, {"4", "1", "new@lago.it", "0"}},
		{{"1", "1", "both@lago.it", "0"}, {"3", "1", "ada@lago.it", "0"}, {"4", "1", "none", "0"}},
		{{"1", "1", "both@lago.it", "0"}, {"3", "1", "ada@lago.it", "0"}, {"4", "5", "ada@lago.it", "0"}}, // is shared by now
	} {
		require.NotEqual(t, digest(x.Index), digest(part(other...)), other)
	}
	suspect := part([]string{"1", "1", "both@lago.it", "0"}, []string{"3", "1", "ada@lago.it", "0"})
	suspect.suspect = true
	require.NotEqual(t, digest(x.Index), digest(suspect))
	engine := x.Part() // the engine says which person a row belongs to, whatever its spelling
	engine.take(0, 0, batch(t, emails, []string{"1", "01", "both@lago.it", "0"}, []string{"3", "1", "ada@lago.it", "0"}).Rows,
		func(int) []byte { return []byte("1") })
	engine.Close()
	require.Equal(t, digest(x.Index), digest(engine))
}

// What leads elsewhere since the transaction's queries were made lets the rows be in doubt.
func TestLookup(t *testing.T) {
	for _, c := range []struct {
		name  string
		link  string // its new place, between the making of the queries and the lock
		known []string
	}{
		{"nothing moves", "", []string{"ada@lago.it"}},
		{"to what was asked for", "b", []string{"both@lago.it!"}}, // of both of them now
		{"to what was not asked for", "c", []string{"doubt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := mem.New("crm", mem.Table{Def: people, Rows: []mem.Row{{"1", "Ada", nil}, {"2", "Bob", nil}}},
				mem.Table{Def: links, Rows: []mem.Row{{"1", "1", "a"}, {"2", "2", "b"}}},
				mem.Table{Def: places, Rows: []mem.Row{{"a", "ada@lago.it"}, {"b", "both@lago.it"}, {"c", "cid@lago.it"}}})
			x := ask(t, []subject.Via{inPlaces})
			part := asked{t, NewIndex(x.paths, x.key, nil, "IT", true), x.key}
			keys := []connectors.Key{connectors.MakeKey([]byte("2")), connectors.MakeKey([]byte("1"))}
			l, err := part.Lookup(t.Context(), store, people, keys)
			require.NoError(t, err)
			if c.link != "" {
				q := connectors.Query{Table: "links", Keys: &connectors.Keys{Fields: []string{"no"},
					Tuples: []connectors.Key{connectors.MakeKey([]byte("1"))}}}
				values := new(connectors.Column)
				values.Append([]byte(c.link))
				_, err := store.Mutate(t.Context(), []connectors.Query{q}, func(connectors.Batch) (connectors.Edit, error) {
					return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: []connectors.Assignment{{
						Field: "address", Rows: []bool{true}, Values: values.Array()}}}, nil
				}, func() error { return nil })
				require.NoError(t, err)
			}
			next := 0
			_, err = store.Mutate(t.Context(), l.Queries, func(b connectors.Batch) (connectors.Edit, error) {
				l.Take[next](b)
				next++
				return connectors.Edit{}, nil
			}, func() error { return nil })
			require.NoError(t, err)
			part.Close()
			require.Equal(t, c.known, part.of("1", "-"))
		})
	}
}

func TestWhatTheCatalogLacksIsNamed(t *testing.T) {
	hop := func(h ...subject.Hop) subject.Via {
		return subject.Via{Path: h, Fields: map[string]string{"email": "email"}}
	}
	for want, v := range map[string]subject.Via{
		"no such table mails":                                     hop(subject.Hop{Table: "mails", Field: "person"}),
		"table emails has no field owner":                         hop(subject.Hop{Table: "emails", Field: "owner"}),
		"table people has no field chief":                         hop(subject.Hop{From: "chief", Table: "emails", Field: "person"}),
		"table places has no field email":                         hop(subject.Hop{Table: "places", Field: "no"}),
		"table emails has no field gone":                          hop(subject.Hop{Table: "emails", Field: "person", Where: map[string]string{"gone": "0"}}),
		"the key of table pairs has 2 fields, not one: say which": hop(subject.Hop{Table: "pairs", Field: "a"}, subject.Hop{Table: "emails", Field: "person"}),
	} {
		_, err := Resolve(tables, people, []subject.Via{v}, nil)
		require.ErrorContains(t, err, want)
	}
	var none *Paths
	require.Empty(t, none.From())
	require.Empty(t, none.Tables())
	require.Empty(t, none.Reads())
	require.Zero(t, none.Len())
}

// An index says what a plain join of the tables says.
func TestIndexIsAJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + r.IntN(8)
		some := func() string { return fmt.Sprint(r.IntN(n)) }
		var l, p [][]string
		for i := range r.IntN(20) {
			l = append(l, []string{fmt.Sprint(i), some(), some()})
		}
		for i := range n {
			p = append(p, []string{fmt.Sprint(i), "m" + some() + "@lago.it"})
		}
		people := map[string]map[string]bool{} // by address
		for _, link := range l {
			for _, place := range p {
				if place[0] == link[2] {
					if people[place[1]] == nil {
						people[place[1]] = map[string]bool{}
					}
					people[place[1]][link[1]] = true
				}
			}
		}
		x := ask(t, []subject.Via{inPlaces}, batch(t, places, p...), batch(t, links, l...))
		for id := range n {
			var want []string
			for _, address := range slices.Sorted(maps.Keys(people)) {
				if of := people[address]; of[fmt.Sprint(id)] && len(of) > 1 {
					want = append(want, address+"!")
				} else if of[fmt.Sprint(id)] {
					want = append(want, address)
				}
			}
			require.Equal(t, want, x.of(fmt.Sprint(id), "-"))
		}
	}
}

// The memory of an index is what its comment says.
func TestIndexIsSmall(t *testing.T) {
	const n = 200_000
	p, err := Resolve(tables, people, []subject.Via{inEmails}, nil)
	require.NoError(t, err)
	x := NewIndex(p, siloKey(t), nil, "IT", false)
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	for from := 0; from < n; from += 10_000 {
		var rows [][]string
		for i := range 10_000 {
			rows = append(rows, []string{"1", fmt.Sprint(from + i), fmt.Sprintf("p%d@lago.it", from+i), "0"})
		}
		x.Observe(batch(t, emails, rows...))
	}
	x.Close()
	require.Less(t, (inUse()-before)/n, uint64(36))
	require.Len(t, x.entries, n)
	runtime.KeepAlive(x)
}

func BenchmarkIndex(b *testing.B) {
	key := siloKey(b)
	p, err := Resolve(tables, people, []subject.Via{inEmails}, nil)
	require.NoError(b, err)
	var rows [][]string
	for i := range 10_000 {
		rows = append(rows, []string{"1", fmt.Sprint(i), fmt.Sprintf("p%d@lago.it", i), "0"})
	}
	read := batch(b, emails, rows...)
	for b.Loop() {
		x := NewIndex(p, key, nil, "IT", false)
		x.Observe(read)
		x.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/row")
}

// Rows of a backup are judged with what is known of those that they were copied from.
func TestBesideWhatWasCopied(t *testing.T) {
	live := ask(t, []subject.Via{inEmails}, batch(t, emails,
		[]string{"1", "1", "cid@lago.it", "0"}, []string{"2", "2", "cid@lago.it", "0"}, // has come to be two people's
		[]string{"3", "4", "dan@lago.it", "0"},                                         // was handed on
		[]string{"4", "5", "eve@lago.it", "0"}, []string{"5", "5", "eve@casa.it", "0"}, // got one more
		[]string{"6", "6", "fay@casa.it", "0"}, // the key is another's by now
		[]string{"7", "7", "gus@lago.it", "0"}, []string{"8", "8", "gus@lago.it", "0"}, []string{"9", "7", "gus@casa.it", "0"}))
	copied := func(beside *Index) asked {
		x := asked{t, NewIndex(live.paths, live.key, nil, "IT", true), live.key}
		x.Beside(beside)
		x.Observe(batch(t, emails, []string{"1", "1", "cid@lago.it", "0"}, []string{"3", "3", "dan@lago.it", "0"},
			[]string{"4", "5", "eve@lago.it", "0"}, []string{"6", "6", "fay@lago.it", "0"}, []string{"7", "7", "gus@lago.it", "0"},
			[]string{"8", "9", "hal@lago.it", "0"}))
		x.Close()
		for ref, s := range live.texts {
			x.texts[ref] = s
		}
		return x
	}
	x := copied(live.Index)
	for id, want := range map[string][]string{"1": {"cid@lago.it!"}, "3": {"dan@lago.it!"}, "5": {"eve@casa.it", "eve@lago.it"},
		"6": {"fay@lago.it"}, "7": {"gus@lago.it!"}, "9": {"hal@lago.it"}, "2": nil} {
		require.Equal(t, want, x.of(id, "-"), id)
	}
	require.Equal(t, []string{"hal@lago.it", "doubt"}, copied(nil).of("9", "-"))
	unread := NewIndex(live.paths, live.key, nil, "IT", true)
	require.Equal(t, []string{"hal@lago.it", "doubt"}, copied(unread).of("9", "-"))
}

func TestDependentsOfWhichOnlySomeCount(t *testing.T) {
	numbers := table("people", []string{"id"}, "id", "boss")
	numbers.Fields[0].Kind = connectors.Integer
	bound := emails
	bound.ForeignKeys = []connectors.ForeignKey{{Fields: []string{"person"}, RefTable: "people", RefFields: []string{"id"}}}
	elsewhere := emails
	elsewhere.ForeignKeys = []connectors.ForeignKey{{Fields: []string{"person"}, RefTable: "places", RefFields: []string{"no"}}}
	all := inEmails
	all.Path = []subject.Hop{{Table: "emails", Field: "person"}}
	for _, c := range []struct {
		name          string
		table, emails connectors.Table
		via           subject.Via
		fk            string
		refused       bool
	}{
		{"numbers", numbers, emails, inEmails, "person", true},
		{"numbers, and a foreign key", numbers, bound, inEmails, "person", false},
		{"numbers, and a foreign key to another table", numbers, elsewhere, inEmails, "person", true},
		{"texts", people, emails, inEmails, "person", false},
		{"all of them count", numbers, emails, all, "person", false},
		{"another field", numbers, emails, inEmails, "old", false},
	} {
		err := CheckDependents(connectors.Tables{c.emails, c.table}, c.table, policy.Records{Via: []subject.Via{c.via},
			Dependents: []policy.Dependent{{Table: "emails", FK: []string{c.fk}}}})
		require.Equal(t, c.refused, err != nil, c.name)
	}
}

// What a declared reference means where a table has no primary key, nobody can tell, but by the names of the fields.
func TestReferencesToATableWithoutPrimaryKey(t *testing.T) {
	number := connectors.Field{Name: "number", Kind: connectors.Integer}
	guests := connectors.Table{Name: "guests", Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}, number},
		Key: []string{"number"}, Alternate: true}
	bills := connectors.Table{Name: "bills", Fields: []connectors.Field{number, {Name: "guest", Kind: connectors.Integer},
		{Name: "email", Kind: connectors.Text}}}
	bound := bills
	bound.ForeignKeys = []connectors.ForeignKey{{Fields: []string{"guest"}, RefTable: "guests", RefFields: []string{"number"}}}
	for _, c := range []struct {
		field   string
		bills   connectors.Table
		depends bool
		via     bool
	}{{"guest", bills, false, false}, {"number", bills, true, true}, {"guest", bound, true, false}} {
		tables := connectors.Tables{bills, guests}
		err := CheckDependents(connectors.Tables{c.bills, guests}, guests, policy.Records{
			Dependents: []policy.Dependent{{Table: "bills", FK: []string{c.field}, Do: "delete"}}})
		require.Equal(t, c.depends, err == nil, "%s: %v", c.field, err)
		if !c.depends {
			require.ErrorContains(t, err, "declare the foreign key in the database, or give the table a primary key")
		}
		way := subject.Via{Path: []subject.Hop{{Table: "bills", Field: c.field}}, Fields: map[string]string{"email": "email"}}
		_, err = Resolve(tables, guests, []subject.Via{way}, nil)
		require.Equal(t, c.via, err == nil, "%s: %v", c.field, err)
		way.Path[0].From = "id"
		_, err = Resolve(tables, guests, []subject.Via{way}, nil)
		require.NoError(t, err, "who says which field is meant knows it")
	}
}

// What a row holds itself, and another by a path, or itself too, is several people's.
func TestWhatRowsHoldThemselves(t *testing.T) {
	for own, want := range map[string][]bool{"email": {false, true, true, true, false}, "customer-number": nil} {
		p, err := Resolve(tables, people, []subject.Via{inEmails}, map[string]string{own: "name"})
		require.NoError(t, err)
		require.Equal(t, want != nil, slices.Contains(p.Reads(), "people"))
		key := siloKey(t)
		x := NewIndex(p, key, nil, "IT", false)
		rows := batch(t, people, []string{"1", "ada@lago.it", "-"}, []string{"2", "both@lago.it", "-"},
			[]string{"3", "two@lago.it", "-"}, []string{"4", "Two@lago.it", "-"}, []string{"5", "no address", "-"})
		x.Observe(rows)
		x.Observe(batch(t, emails, []string{"1", "1", "ada@lago.it", "0"}, []string{"2", "5", "both@lago.it", "0"}))
		x.Close()
		for row, shared := range want {
			var f Found
			refs := f.Own(nil, Namer{Keys: key, Country: "IT", Paths: p, Carried: x}, "email",
				rows.Rows.Column(1).(*array.Binary).Value(row), new([]byte))
			x.Row(rows.Rows, row, &f)
			require.Equal(t, row == 4, len(refs) == 0, row)
			require.Equal(t, shared || row == 4, slices.Contains(f.Shared, true), row)
			require.False(t, f.Unreadable, row)
		}
	}
}

// Who else has what a row has is found along every path, in the source's spelling and in the canonical one.
func TestWhoElseHasIt(t *testing.T) {
	for _, c := range []struct {
		name          string
		mails, linked [][]string // further rows of emails, and of links
		own           string     // address that another row holds itself
		shared        []string
	}{
		{name: "nobody", mails: [][]string{{"9", "2", "bob@lago.it", "0"}}, linked: [][]string{{"9", "2", "c"}}},
		{name: "itself", mails: [][]string{{"9", "1", "ada@lago.it", "0"}}},
		{name: "in the same table", mails: [][]string{{"9", "2", "ada@lago.it", "0"}}, shared: []string{"ada@lago.it"}},
		{name: "in the canonical spelling", mails: [][]string{{"9", "2", "ann@lago.it", "0"}},
			shared: []string{"Ann@Lago.it"}},
		{name: "a row that does not count", mails: [][]string{{"9", "2", "ada@lago.it", "1"}}},
		{name: "in another table", mails: [][]string{{"9", "2", "pat@lago.it", "0"}}, shared: []string{"pat@lago.it"}},
		{name: "behind the same row", linked: [][]string{{"9", "2", "a"}}, shared: []string{"pat@lago.it"}},
		{name: "behind another row", linked: [][]string{{"9", "2", "b"}}, shared: []string{"pat@lago.it"}},
		{name: "in a row of the table itself", own: "ada@lago.it", shared: []string{"ada@lago.it"}},
		{name: "of a row that is not there", mails: [][]string{{"9", "7", "ada@lago.it", "0"}}, linked: [][]string{{"9", "7", "a"}}},
		{name: "of a row of others", mails: [][]string{{"9", "3", "ada@lago.it", "0"}}, linked: [][]string{{"9", "3", "b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := func(list [][]string) (rows []mem.Row) {
				for _, r := range list {
					row := mem.Row{}
					for _, v := range r {
						row = append(row, v)
					}
					rows = append(rows, row)
				}
				return rows
			}
			mails := [][]string{{"1", "1", "ada@lago.it", "0"}, {"2", "1", "Ann@Lago.it", "0"}}
			store := mem.New("crm",
				mem.Table{Def: people, Rows: []mem.Row{{"1", nil, "x"}, {"2", c.own, "y"}, {"3", nil, "z"}}},
				mem.Table{Def: emails, Rows: rows(append(mails, c.mails...))},
				mem.Table{Def: links, Rows: rows(append([][]string{{"1", "1", "a"}}, c.linked...))},
				mem.Table{Def: places, Rows: []mem.Row{{"a", "pat@lago.it"}, {"b", "pat@lago.it"}, {"c", "cid@lago.it"}}})
			p, err := Resolve(tables, people, []subject.Via{inEmails, inPlaces}, map[string]string{"email": "name"})
			require.NoError(t, err)
			require.NoError(t, p.Among(people, map[string]string{"boss": "x"}, map[string]string{"boss": "y"}))
			want := []string{"Ann@Lago.it", "ada@lago.it", "pat@lago.it"}
			for i, address := range want {
				if slices.Contains(c.shared, address) {
					want[i] += "!"
				}
			}
			for _, locked := range [][]string{{"1"}, {"1", "2", "3"}} { // who is locked beside it changes nothing
				var keys []connectors.Key
				for _, key := range locked {
					keys = append(keys, connectors.MakeKey([]byte(key)))
				}
				x := asked{t, NewIndex(p, siloKey(t), nil, "IT", true), nil}
				l, err := x.Lookup(t.Context(), store, people, keys)
				require.NoError(t, err)
				next := 0
				_, err = store.Mutate(t.Context(), l.Queries, func(b connectors.Batch) (connectors.Edit, error) {
					l.Take[next](b)
					if next++; next == len(l.Queries) {
						return connectors.Edit{}, l.Others(t.Context())
					}
					return connectors.Edit{}, nil
				}, func() error { return nil })
				require.NoError(t, err)
				x.Close()
				require.Equal(t, want, x.of("1", "-"), "locked %v", locked)
			}
		})
	}
}

// Who stands in no row of the table, or in one of which the policy does not speak, is nobody who has something too.
func TestAmongWhomItIsSeveralPeoples(t *testing.T) {
	rows := batch(t, emails, []string{"1", "1", "a@lago.it", "0"}, []string{"2", "9", "a@lago.it", "0"}, // of no row
		[]string{"3", "1", "b@lago.it", "0"}, []string{"4", "3", "b@lago.it", "0"}, // of others' row
		[]string{"5", "1", "c@lago.it", "0"}, []string{"6", "2", "c@lago.it", "0"})
	for _, c := range []struct {
		among  []map[string]string
		shared []string
	}{
		{nil, []string{"a@lago.it!", "b@lago.it!", "c@lago.it!"}},
		{[]map[string]string{nil}, []string{"a@lago.it", "b@lago.it!", "c@lago.it!"}},
		{[]map[string]string{{"boss": "x"}, {"boss": "y"}}, []string{"a@lago.it", "b@lago.it", "c@lago.it!"}},
		{[]map[string]string{{"boss": "x"}}, []string{"a@lago.it", "b@lago.it", "c@lago.it"}},
	} {
		p, err := Resolve(tables, people, []subject.Via{inEmails}, nil)
		require.NoError(t, err)
		require.NoError(t, p.Among(people, c.among...))
		require.Equal(t, len(c.among) > 0, slices.Contains(p.Reads(), "people"))
		x := asked{t, NewIndex(p, siloKey(t), nil, "IT", true), nil}
		x.Observe(rows)
		x.Observe(batch(t, people, []string{"1", "-", "x"}, []string{"2", "-", "y"}, []string{"3", "-", "z"}))
		x.Close()
		require.Equal(t, c.shared, x.of("1", "-"))
	}
	p, err := Resolve(tables, people, []subject.Via{inEmails}, nil)
	require.NoError(t, err)
	require.ErrorContains(t, p.Among(people, map[string]string{"sort": "x"}), "no field sort")
}
