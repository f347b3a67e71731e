package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
)

// discover runs a discovery and returns its facts.
func (w *world) discover() audit.Facts {
	w.T.Helper()
	_, err := pipeline.Run(w.T.Context(), w.Setup, setup.Options{Job: "discover", Phases: setup.DiscoverOnly})
	require.NoError(w.T, err)
	return w.facts()
}

// facts returns what the newest run said.
func (w *world) facts() audit.Facts {
	w.T.Helper()
	j, err := w.Setup.Journal(w.T.Context())
	require.NoError(w.T, err)
	defer j.Close()
	runs, err := j.Runs(w.T.Context(), 1)
	require.NoError(w.T, err)
	var f audit.Facts
	require.NoError(w.T, json.Unmarshal(runs[0].Facts, &f))
	return f
}

// at returns the rows of the inventory at a table, or at a field of it.
func at(t *testing.T, f audit.Facts, table, column string) audit.Inventory {
	t.Helper()
	i := slices.IndexFunc(f.Inventory, func(i audit.Inventory) bool { return i.Object == table && i.Column == column })
	require.GreaterOrEqual(t, i, 0, "%s.%s is not in the inventory", table, column)
	return f.Inventory[i]
}

// kinds lists findings as kind, severity and place.
func kinds(f audit.Facts) []string {
	list := []string{}
	for _, x := range f.Findings {
		place := x.Object
		if x.Column != "" {
			place += "." + x.Column
		}
		list = append(list, fmt.Sprintf("%s %s %s", x.Kind, x.Severity, place))
	}
	slices.Sort(list)
	return list
}

func drift(f audit.Facts) []string {
	list := []string{}
	for _, i := range f.Inventory {
		if i.Change != "same" {
			list = append(list, i.Object+"."+i.Column+" "+i.Change)
		}
	}
	slices.Sort(list)
	return list
}

// contacts is a table of n people that no silo governs. Only the row at the given place has a telephone
// number.
func contacts(n, phoneAt int) mem.Table {
	var rows [][]any
	for i := range n {
		row := []any{fmt.Sprint(i), fmt.Sprintf("person%d@lago.it", i), nil}
		if i == phoneAt {
			row[2] = "+39 02 5555 1234"
		}
		rows = append(rows, row)
	}
	return table("contacts", []connectors.Field{id, email, field("x7", connectors.Text, true)}, nil, rows...)
}

func TestSampleSaysWhatItCanHaveMissed(t *testing.T) {
	w := newWorld(t, news(nil), people(), contacts(3000, -1))
	w.Setup.Sampling = setup.Sampling{Rows: 200}
	f := w.discover()
	row := at(t, f, "contacts", "")
	require.Equal(t, int64(3000), row.Rows)
	require.Equal(t, int64(200), row.Sampled)
	require.InDelta(t, 1-math.Pow(0.05, 1.0/200), row.MissedBelow, 1e-12)
	require.InDelta(t, 3.0/200, row.MissedBelow, 1e-3, "the rule of three")
	require.Equal(t, row.MissedBelow, at(t, f, "contacts", "email").MissedBelow)
	require.Equal(t, "email", at(t, f, "contacts", "email").Category)
	governed := at(t, f, "people", "")
	require.Zero(t, governed.Sampled, "a governed table is read whole")
	require.Equal(t, int64(3), governed.Rows)
	require.Equal(t, int64(203), f.Run.RowsScanned)

	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "discover", Phases: setup.DiscoverOnly, Full: true})
	require.NoError(t, err)
	require.Zero(t, at(t, w.facts(), "contacts", "").MissedBelow, "--full reads all")
	require.Equal(t, int64(3000), at(t, w.facts(), "contacts", "").Rows)
}

func TestSampledNightsFollowAWholeOne(t *testing.T) {
	w := newWorld(t, news(nil), people(), contacts(3000, 1234))
	w.Setup.Sampling = setup.Sampling{Rows: 100, FullEvery: calendar.Period{Days: 7}}
	nights := []bool{}
	for range 10 {
		nights = append(nights, at(t, w.discover(), "contacts", "").MissedBelow == 0)
		w.Now = w.Now.AddDate(0, 0, 1)
	}
	require.Equal(t, 1, slices.Index(nights[:2], false), "the first night reads all, the second a sample")
	require.Equal(t, 2, len(slices.DeleteFunc(slices.Clone(nights), func(whole bool) bool { return !whole })), "%v",
		nights)
}

func TestSampleTakesNothingAwayFromAWholeReading(t *testing.T) {
	rows := contacts(3000, -1)
	for i := 1226; i < 1266; i++ { // between two blocks of the sample
		rows.Rows[i][2] = fmt.Sprintf("+39 02 5555 1%03d", i-1000)
	}
	w := newWorld(t, news(nil), people(), rows)
	first := at(t, w.discover(), "contacts", "x7")
	require.Equal(t, "phone", first.Category)
	w.Setup.Sampling = setup.Sampling{Rows: 100}
	f := w.discover()
	now := at(t, f, "contacts", "x7")
	require.Zero(t, now.NonEmpty, "the sample saw none")
	require.Equal(t, "phone", now.Category)
	require.Equal(t, "same", now.Change)
}

func TestTablesAndFieldsLeftOutByConfiguration(t *testing.T) {
	w := newWorld(t, news(nil), people(), contacts(10, 3))
	w.Setup.Sources[0].Skip = map[string]string{"contacts": "a copy of people", "people.name": "checked by hand"}
	f := w.discover()
	row := at(t, f, "contacts", "")
	require.Equal(t, []string{"skipped", "a copy of people"}, []string{row.State, row.Reason})
	require.False(t, slices.ContainsFunc(f.Inventory,
		func(i audit.Inventory) bool { return i.Object == "contacts" && i.Column != "" }))
	row = at(t, f, "people", "name")
	require.Equal(t, []string{"skipped", "checked by hand", "none"}, []string{row.State, row.Reason, row.Category})
	require.Equal(t, "email", at(t, f, "people", "email").Category)
	w.UsualEvents()
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1, "a field that is not classified does not keep rows from being decided")
}

// lame is a store in which one table cannot be read, and which can say what its views read.
type lame struct {
	*mem.Store
	table string
	err   error
	asked *[]string
	views []connectors.View

	unread []connectors.Unread
}

func (l lame) Unread(context.Context) ([]connectors.Unread, error) { return l.unread, nil }

func (l lame) Views(context.Context) ([]connectors.View, error) { return l.views, nil }

func (l lame) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		for _, q := range queries {
			if l.asked != nil {
				*l.asked = append(*l.asked, q.Table)
			}
			if q.Table == l.table {
				yield(connectors.Batch{}, &connectors.Error{Op: "scan", Source: "crm", Table: q.Table, Err: l.err})
				return
			}
			for b, err := range l.Store.Scan(ctx, q) {
				if !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
}

func TestOneTableThatCannotBeRead(t *testing.T) {
	w := newWorld(t, news(nil), people(), contacts(3000, -1),
		table("albums", []connectors.Field{id, email}, nil, []any{"1", "ada@lago.it"}, []any{"2", "bob@lago.it"}),
		table("locked", []connectors.Field{id, email}, nil, []any{"1", "ada@lago.it"}),
		table("zoo", []connectors.Field{id, email}, nil, []any{"1", "ada@lago.it"}))
	w.Setup.Sampling = setup.Sampling{Rows: 100}
	w.UsualEvents()
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return lame{Store: w.Live, table: "locked", err: connectors.ErrDenied}, nil
	}
	r, err := w.night()
	require.Equal(t, 3, setup.ExitCode(err), "%v", err)
	require.ErrorContains(t, err, "locked")
	f := w.facts()
	require.Equal(t, []string{"failed", "access denied"},
		[]string{at(t, f, "locked", "").State, at(t, f, "locked", "").Reason})
	require.Equal(t, "scanned", at(t, f, "zoo", "email").State)
	require.Equal(t, int64(100), at(t, f, "contacts", "").Sampled)
	require.Equal(t, int64(2), at(t, f, "albums", "").Rows, "what was read before goes on where it was")
	require.Equal(t, int64(3), at(t, f, "people", "").Rows, "each row was read once")
	require.Equal(t, int64(106), f.Run.RowsScanned)
	require.Len(t, r.Waiting, 1, "what could be read was decided")
	require.Contains(t, kinds(f), "F_SOURCE_FAILED high locked")

	w.Now = w.Now.AddDate(0, 0, 1)
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return lame{Store: w.Live, table: "people", err: connectors.ErrDenied}, nil
	}
	_, err = w.night()
	require.Equal(t, 3, setup.ExitCode(err))
	f = w.facts()
	require.Equal(t, int32(1), f.Run.SourcesFailed, "without the governed table nothing can be decided")
	require.NotContains(t, fmt.Sprint(drift(f)), "gone")
}

func TestTableThatCouldNotBeReadIsNoNewsTheNightAfter(t *testing.T) {
	w := newWorld(t, news(nil), people(),
		table("locked", []connectors.Field{id, email}, nil, []any{"1", "ada@lago.it"}))
	w.discover()
	working := w.Setup.Sources[0].Open
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return lame{Store: w.Live, table: "locked", err: connectors.ErrDenied}, nil
	}
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "discover", Phases: setup.DiscoverOnly})
	require.Equal(t, 3, setup.ExitCode(err))
	require.Equal(t, []string{"locked. changed"}, drift(w.facts()))
	w.Setup.Sources[0].Open = working
	require.Empty(t, drift(w.discover()))
}

func TestDrift(t *testing.T) {
	pets := table("pets", []connectors.Field{id, email}, nil, []any{"1", "rex@lago.it"})
	w := newWorld(t, news(nil), people(), pets)
	require.NotContains(t, fmt.Sprint(drift(w.discover())), "changed")
	require.Empty(t, drift(w.discover()), "the second night finds what the first did")

	old := people()
	old.Def.Fields[2] = field("nick", connectors.Text, true)
	old.Def.Fields[3] = field("status", connectors.Integer, true)
	w.Live = mem.New("crm", old, table("toys", []connectors.Field{id}, nil, []any{"1"}))
	w.Now = w.Now.AddDate(0, 0, 1)
	f := w.discover()
	require.Equal(t, []string{"people.name gone", "people.nick new", "people.status changed", "pets. gone",
		"pets.email gone", "pets.id gone", "toys. new", "toys.id new"}, drift(f))
	require.Equal(t, "2026-11-20", at(t, f, "people", "status").FirstSeen)
	require.Equal(t, "2026-11-21", at(t, f, "people", "nick").FirstSeen)
	require.Empty(t, drift(w.discover()), "what is gone is said once")

	working := w.Setup.Sources[0].Open
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return nil, &connectors.Error{Op: "open", Source: "crm", Err: connectors.ErrUnreachable}
	}
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "discover", Phases: setup.DiscoverOnly})
	require.Equal(t, 3, setup.ExitCode(err))
	require.NotContains(t, fmt.Sprint(drift(w.facts())), "gone",
		"a source that failed tonight does not make its fields gone")
	w.Setup.Sources[0].Open = working
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "discover", Phases: setup.ApplyOnly, Apply: true})
	require.Error(t, err, "there is no registry yet, and nothing was read")
	require.NotContains(t, fmt.Sprint(drift(w.facts())), "gone")
	require.Empty(t, drift(w.discover()), "the night before last is what counts")

	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "shop", Environment: "production",
		Open: func(context.Context) (connectors.Source, error) {
			return mem.New("shop", table("toys", []connectors.Field{id}, nil)), nil
		}})
	w.discover()
	w.Setup.Sources = w.Setup.Sources[:1]
	f = w.discover()
	require.Contains(t, drift(f), "toys. gone", "a source that is no longer configured is gone")
	require.Equal(t, "gone", f.Inventory[len(f.Inventory)-1].Change)
	require.Empty(t, drift(w.discover()))
}

func TestReviews(t *testing.T) {
	w := newWorld(t, news(nil), people(),
		table("gear", []connectors.Field{id, field("owner_email", connectors.Text, true)}, nil,
			[]any{"1", "ada@lago.it"}, []any{"2", "bob@lago.it"}))
	until := mustDate("2026-11-25")
	w.Setup.Reviews = []setup.Review{
		{Source: "crm", Table: "gear", Field: "owner_email", Category: classifiers.None, By: "anna",
			Because: "machines' mailboxes", Until: until},
		{Source: "crm", Table: "people", Field: "status", Category: classifiers.Health, By: "bo",
			Because: "holds sick notes", Until: until},
		{Source: "crm", Table: "gear", Field: "nothing", Category: classifiers.None, By: "anna", Because: "x",
			Until: until},
	}
	f := w.discover()
	row := at(t, f, "gear", "owner_email")
	require.Equal(t, []string{"none", "email", "anna", "2026-11-25", "machines' mailboxes"},
		[]string{row.Category, row.Machine, row.ReviewedBy, row.ReviewedUntil, row.Because})
	require.Equal(t, "none", at(t, f, "gear", "").Category, "the table is no longer personal")
	require.Equal(t, []string{"health", "special"},
		[]string{at(t, f, "people", "status").Category, at(t, f, "people", "status").Class})
	require.Equal(t, []string{"F_REVIEW_UNKNOWN low gear.nothing", "F_SPECIAL_UNAPPROVED high people",
		"F_UNIFORM_RETENTION medium silo news"}, kinds(f))

	w.Now = w.Now.AddDate(0, 0, 5)
	require.Equal(t, "none", at(t, w.discover(), "gear", "owner_email").Category, "it holds to the end of its last day")
	w.Now = w.Now.AddDate(0, 0, 1)
	f = w.discover()
	require.Equal(t, "email", at(t, f, "gear", "owner_email").Category)
	require.Empty(t, at(t, f, "gear", "owner_email").ReviewedBy)
	require.Subset(t, kinds(f), []string{"F_REVIEW_EXPIRED low gear.owner_email",
		"F_REVIEW_EXPIRED low people.status", "F_UNMAPPED medium gear"})
}

func TestUnchangedBackupIsNotClassifiedAgain(t *testing.T) {
	w := newWorld(t, news(nil), people())
	file := filepath.Join(w.Dir, "crm.sql")
	require.NoError(t, os.WriteFile(file, []byte("one"), 0o600))
	dump := mem.New("crm", people(), contacts(10, -1))
	var asked []string
	w.Setup.Sources = append(w.Setup.Sources,
		setup.Source{Name: "dumps/crm.sql", Set: "dumps", Application: "crm", Environment: "backup", Of: "crm",
			Path: file, Connector: "mem",
			Open: func(context.Context) (connectors.Source, error) { return lame{Store: dump, asked: &asked}, nil }})
	w.Event(event.Given, "ada@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
	pass := func() audit.Facts {
		t.Helper()
		asked = nil
		_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
		require.NoError(t, err)
		w.Now = w.Now.AddDate(0, 0, 1)
		return w.facts()
	}
	first := pass()
	require.Equal(t, []string{"contacts", "people"}, asked)
	second := pass()
	require.Equal(t, []string{"people"}, asked, "its rows are decided anew, the other table is not read")
	require.Empty(t, drift(second))
	for i, row := range second.Inventory {
		was := first.Inventory[i]
		require.Equal(t, []any{was.Object, was.Column, was.Category, was.Terms, was.Rows, was.Distinct,
			was.Fingerprint}, []any{row.Object, row.Column, row.Category, row.Terms, row.Rows, row.Distinct,
			row.Fingerprint})
	}
	require.Equal(t, kinds(first), kinds(second))

	require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
	pass()
	require.Equal(t, []string{"contacts", "people"}, asked, "the file changed")
	pass()
	w.Setup.Version = "another"
	pass()
	require.Equal(t, []string{"contacts", "people"}, asked, "the program changed")
	pass()
	w.Setup.Sources[1].Skip = map[string]string{"contacts.x7": "empty"}
	f := pass()
	require.Equal(t, []string{"contacts", "people"}, asked, "the configuration changed")
	require.Equal(t, "skipped", at(t, f, "contacts", "x7").State)
	var other error
	w.Setup.Catalogue, other = classifiers.New(classifiers.Custom{ID: "own", Pattern: "X[0-9]{9}",
		Category: classifiers.OtherPersonal})
	require.NoError(t, other)
	pass()
	require.Equal(t, []string{"contacts", "people"}, asked, "the rules changed")
	pass()
	require.Equal(t, []string{"people"}, asked)

	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now.AddDate(0, 0, -1))
	pass()
	pass()
	require.Equal(t, []string{"contacts", "people"}, asked, "somebody should be gone: perhaps from there too")
}

func TestDiscoverSample(t *testing.T) {
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	store := mem.New("crm", people(), contacts(3000, -1))
	found, err := scan.Discover(t.Context(), store, catalogue, 150, func(int64, int64) {})
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"contacts": scan.MissedBelow(150)}, found.Missed)
	require.Equal(t, int64(150), found.Tables[0].Rows)
	_, err = scan.Discover(t.Context(), lame{Store: store, table: "people", err: connectors.ErrUnreachable},
		catalogue, 0, func(int64, int64) {})
	require.ErrorContains(t, err, "people")
	require.Equal(t, 1.0, scan.MissedBelow(0))
}

// TestDiscoverNamesWhatItCouldNotRead: one table that cannot be read ends nothing, and is not passed over.
func TestDiscoverNamesWhatItCouldNotRead(t *testing.T) {
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	store := lame{Store: mem.New("crm", people(), contacts(300, -1)), table: "contacts", err: connectors.ErrDenied,
		unread: []connectors.Unread{{Name: "words", Reason: "an index", Of: "people"}},
		views:  []connectors.View{{Name: "everybody"}}}
	found, err := scan.Discover(t.Context(), store, catalogue, 0, func(int64, int64) {})
	require.NoError(t, err)
	require.ErrorIs(t, found.Failed, connectors.ErrDenied)
	require.Len(t, found.Tables, 1)
	require.Equal(t, "people", found.Tables[0].Table)
	require.Len(t, found.Unread, 2)
	require.Equal(t, "words", found.Unread[0].Name)
	require.Equal(t, "contacts", found.Unread[1].Name)
	require.NotEmpty(t, found.Unread[1].Reason)
	require.Equal(t, []string{"everybody"}, found.Views)
}

// TestWhatIsNotReadStandsInTheReport: an index that keeps what is erased, one that nobody can read, and a counter.
func TestWhatIsNotReadStandsInTheReport(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return lame{Store: w.Live, unread: []connectors.Unread{
			{Name: "counter", Reason: "a sequence"},
			{Name: "kept", Reason: "an index of people, kept in step", Of: "people"},
			{Name: "loose", Reason: "an index of people, which stays", Of: "people", Stays: true},
			{Name: "odd", Reason: "a module that nobody knows", Unknown: true},
			{Reason: "tables that the account may not see", Unknown: true}}}, nil
	}
	f := w.discover()
	for _, name := range []string{"counter", "kept", "loose", "odd"} {
		require.Equal(t, "skipped", at(t, f, name, "").State)
		require.NotEmpty(t, at(t, f, name, "").Reason)
	}
	found := map[string]string{}
	for _, x := range f.Findings {
		if x.Kind == "F_UNREAD" || x.Kind == "F_COPY_STAYS" {
			found[x.Object] = x.Kind + " " + x.Severity
		}
	}
	require.Equal(t, map[string]string{"loose": "F_COPY_STAYS high", "odd": "F_UNREAD low", "": "F_UNREAD low"}, found)
}

func TestPathsInsideAFieldStandInTheInventory(t *testing.T) {
	rows := [][]any{}
	for i := range 60 {
		rows = append(rows, []any{fmt.Sprint(i),
			fmt.Sprintf(`{"contact":{"email":"anna.%d@lagoblu.it"},"colour":"red"}`, i),
			fmt.Sprintf(`a:1:{s:4:"data";s:%d:"{"mail":"anna.%d@lagoblu.it"}";}`, len(fmt.Sprint(i))+27, i)})
	}
	w := newWorld(t, news(nil), people(),
		table("profiles", []connectors.Field{id, field("data", connectors.JSON, true),
			field("meta", connectors.Text, true)}, nil, rows...))
	f := w.discover()
	require.Equal(t, "email", at(t, f, "profiles", "data.contact.email").Category)
	require.Equal(t, "none", at(t, f, "profiles", "data.colour").Category)
	require.Equal(t, "path", at(t, f, "profiles", "data.colour").Type)
	require.Equal(t, "email", at(t, f, "profiles", "meta.data.mail").Category)
	require.Equal(t, "path in json in php", at(t, f, "profiles", "meta.data.mail").Type)
}

// The inventory says what a person needs to judge a field, and where its foreign keys lead; never a value.
func TestTheInventorySaysWhyAndWhatValuesLookLike(t *testing.T) {
	owner := field("owner", connectors.Integer, true)
	var rows [][]any
	for i := range 12 {
		rows = append(rows, []any{fmt.Sprint(i), "1", fmt.Sprintf("ref%d-x", i+10)})
	}
	gear := table("gear", []connectors.Field{id, owner, field("label", connectors.Text, true)},
		[]connectors.ForeignKey{fk("people", "owner")}, rows...)
	w := newWorld(t, news(nil), people(), gear)
	f := w.discover()
	require.Equal(t, "people.id", at(t, f, "gear", "owner").RefersTo)
	require.Empty(t, at(t, f, "gear", "label").RefersTo)
	require.Equal(t, "a{3}9{2}-a", at(t, f, "gear", "label").Shapes)
	require.Equal(t, "person", at(t, f, "people", "").Subject)
	require.Empty(t, at(t, f, "people", "email").Subject)
	require.Contains(t, at(t, f, "people", "email").Terms, `header ("email" means it) +7.0`)
	require.Equal(t, at(t, f, "gear", "label").Category, "none")
	require.NotEmpty(t, at(t, f, "gear", "label").Candidate)
}
