package planner

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// bench is a store in memory with one governed table, people, whose orders (with their lines) go along,
// whose tickets forget them, and which own their addresses.
type bench struct {
	keys  *keystore.Keystore
	store *stores.Store
	judge *judge.Judge
}

func newBench(t *testing.T, change func(*policy.Silo)) *bench {
	t.Helper()
	field := func(name string) connectors.Field {
		return connectors.Field{Name: name, Type: "text", Kind: connectors.Text, Nullable: name != "id"}
	}
	table := func(name string, fields []string, fks map[string]string, rows ...mem.Row) mem.Table {
		m := mem.Table{Def: connectors.Table{Name: name, Key: []string{"id"}}, Rows: rows}
		for _, f := range fields {
			m.Def.Fields = append(m.Def.Fields, field(f))
			if parent, ok := fks[f]; ok {
				m.Def.ForeignKeys = append(m.Def.ForeignKeys, connectors.ForeignKey{Name: name + f, Fields: []string{f},
					RefTable: parent, RefFields: []string{"id"}, OnDelete: "RESTRICT"})
			}
		}
		return m
	}
	live := mem.New("crm",
		table("people", []string{"id", "email", "address"}, map[string]string{"address": "addresses"},
			mem.Row{"1", "a@lago.it", "8"}, mem.Row{"2", "b@lago.it", "8"},
			mem.Row{"3", "c@lago.it", "9"}, mem.Row{"4", "d@lago.it", "7"}),
		table("orders", []string{"id", "person"}, map[string]string{"person": "people"},
			mem.Row{"10", "1"}, mem.Row{"20", "2"}, mem.Row{"21", "2"}, mem.Row{"40", "4"}),
		table("lines", []string{"id", "ord"}, map[string]string{"ord": "orders"},
			mem.Row{"100", "20"}, mem.Row{"101", "10"}),
		table("tickets", []string{"id", "person"}, map[string]string{"person": "people"}, mem.Row{"5", "2"}),
		table("addresses", []string{"id"}, nil, mem.Row{"7"}, mem.Row{"8"}, mem.Row{"9"}))

	silo := policy.Silo{Name: "news", Records: []policy.Records{{Source: "crm", Table: "people",
		Subject: map[string]string{"email": "email"},
		Dependents: []policy.Dependent{{Table: "orders", FK: []string{"person"}, Do: "delete"},
			{Table: "lines", FK: []string{"ord"}, References: "orders", Do: "delete"},
			{Table: "tickets", FK: []string{"person"}, Do: "set_null"}},
		Owns: []policy.Owned{{Table: "addresses", FK: []string{"address"}}}}},
		Rules: []policy.Rule{{Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Months: 24},
			End: policy.Delete, Because: "form", Owner: "anna", ReviewBy: "2027-01-01"}}}
	if change != nil {
		change(&silo)
	}
	compiled, err := policy.Compile(silo, time.UTC, "IT")
	require.NoError(t, err)

	dir := t.TempDir()
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id.age"))
	require.NoError(t, err)
	require.NoError(t, keys.EnsureSilo("news"))
	require.NoError(t, keys.EnsureAudit("news", "2026"))

	src := setup.Source{Name: "crm"}
	s := stores.NewStore(src)
	s.Conn = live
	s.Tables, err = live.Tables(t.Context())
	require.NoError(t, err)
	bound, err := judge.Bind(src, s.Tables, compiled, silo.Records[0], &silos.Silo{}, time.UTC)
	require.NoError(t, err)
	require.NoError(t, bound.Unlock(keys, "2026"))
	j := judge.NewJudge(bound)
	s.Judges = []*judge.Judge{j}
	return &bench{keys: keys, store: s, judge: j}
}

func key(id string) connectors.Key { return connectors.MakeKey([]byte(id)) }

// root is a row of people that is to go.
func root(id, address string, code reason.Code, due string) *judge.Root {
	d, err := calendar.ParseDate(due)
	if err != nil {
		panic(err)
	}
	r := &judge.Root{Key: key(id), Change: judge.Delete, Code: code, Due: d, Owns: []connectors.Key{key(address)},
		Guard: judge.Guard{1}, BlockGuard: judge.Guard{2}}
	copy(r.Ref[:], id)
	return r
}

// sealer seals into a state folder of its own.
func (b *bench) sealer(t *testing.T, part plan.Part) *sealer {
	t.Helper()
	to, err := b.keys.NewPlan("p")
	require.NoError(t, err)
	return &sealer{to: to, counts: map[plan.Count]*plan.Count{}, plan: &plan.Sealed{Folder: t.TempDir(),
		Document: plan.Document{PlanID: "p", Part: part, Schemas: map[string]string{}, Files: map[string]string{}}}}
}

func TestAGroupIsSealedRootsFirstThenDependentsThenParents(t *testing.T) {
	b := newBench(t, nil)
	b.judge.Roots = []*judge.Root{
		root("1", "8", reason.DConsentWithdrawn, "2026-10-01"),
		root("2", "8", reason.DConsentWithdrawn, "2026-09-01"),
		root("3", "9", reason.DConsentExpired, "2025-01-01"),
		root("4", "7", reason.DConsentExpired, "2025-02-01"),
	}
	b.judge.Roots[3].Asks = true // is in another plan, with all that follows from it
	d := &plan.Draft{Store: b.store, Graph: dependents.New(b.store)}
	require.NoError(t, d.Graph.Follow(t.Context()))
	s := b.sealer(t, plan.Destructive)
	require.NoError(t, s.group(t.Context(), d, b.judge, destroyed(false)))

	id, err := b.keys.PlanIdentity("p")
	require.NoError(t, err)
	require.Len(t, s.plan.Groups, 1)
	g := s.plan.Groups[0]
	require.Equal(t, []string{"news", "crm", "people"}, []string{g.Silo, g.Source, g.Table})
	names := []string{"1", "2", "3", "4", "5", "7", "8", "9", "10", "20", "21", "40", "100", "101"}
	var got, kinds []string
	lastRank := -1
	for _, seg := range g.Segments {
		rows, err := plan.ReadRows(s.plan.Folder, seg, id)
		require.NoError(t, err)
		require.EqualValues(t, len(rows), seg.Rows)
		kinds = append(kinds, fmt.Sprint(seg.Kind, " ", seg.Table))
		if seg.Kind == plan.Dependent {
			require.GreaterOrEqual(t, seg.Rank, lastRank)
			lastRank = seg.Rank
		}
		for i, r := range rows {
			require.True(t, i == 0 || rows[i-1].Root <= r.Root, "rows stand in the order of their roots")
			for _, name := range names {
				if r.Key == key(name) {
					got = append(got, fmt.Sprintf("%s %s %s of %d", seg.Table, name, r.Change, r.Root))
				}
			}
		}
	}
	require.Equal(t, "root people", kinds[0])
	require.Equal(t, "owned addresses", kinds[len(kinds)-1])
	require.ElementsMatch(t, []string{"root people", "dependent lines", "dependent orders", "dependent tickets",
		"owned addresses"}, kinds)
	require.Less(t, slices.Index(kinds, "dependent orders"), slices.Index(kinds, "dependent lines"), "rank by rank")
	require.ElementsMatch(t, []string{
		"people 1 delete of 0", "people 2 delete of 1", "people 3 delete of 2",
		"lines 101 delete of 0", "lines 100 delete of 1",
		"orders 10 delete of 0", "orders 20 delete of 1", "orders 21 delete of 1", "tickets 5 set_null of 1",
		"addresses 8 delete of 1", // with the last that referred to it
		"addresses 9 delete of 2",
	}, got)

	totals := map[string]int64{"people": 4, "orders": 4, "lines": 0, "tickets": 1, "addresses": 3}
	lines := s.lines(func(source, table string) int64 { require.Equal(t, "crm", source); return totals[table] })
	said := make([]string, len(lines))
	for i, c := range lines {
		said[i] = fmt.Sprintf("%s %s %s %d %.0f%% %s", c.Table, c.Change, c.Reason, c.Rows, c.Percent, c.OldestDue)
	}
	require.Equal(t, []string{
		"addresses delete D_CONSENT_EXPIRED 1 33% 2025-01-01",
		"addresses delete D_CONSENT_WITHDRAWN 1 33% 2026-09-01",
		"lines delete D_CONSENT_WITHDRAWN 2 0% 2026-09-01", // of how many is not known
		"orders delete D_CONSENT_WITHDRAWN 3 75% 2026-09-01",
		"people delete D_CONSENT_EXPIRED 1 25% 2025-01-01",
		"people delete D_CONSENT_WITHDRAWN 2 50% 2026-09-01",
		"tickets set_null D_CONSENT_WITHDRAWN 1 100% 2026-09-01",
	}, said)
	touched := map[string]bool{"people": true, "orders": true, "lines": true, "tickets": true, "addresses": true}
	require.Equal(t, map[string]string{"crm": stores.Fingerprint(b.store.Tables, touched)}, s.plan.Schemas)
	require.Empty(t, s.plan.Files)
}

func TestAReversibleGroupHoldsItsOwnRowsAlone(t *testing.T) {
	b := newBench(t, nil)
	r := root("2", "8", reason.DConsentWithdrawn, "2026-09-01")
	b.judge.Roots = []*judge.Root{r}
	d := &plan.Draft{Store: b.store, Graph: dependents.New(b.store)}
	require.NoError(t, d.Graph.Follow(t.Context()))
	s := b.sealer(t, plan.Reversible)
	block := func(*plan.Draft, *judge.Root) judge.Change { return judge.Block }
	require.NoError(t, s.group(t.Context(), d, b.judge, block))
	require.Len(t, s.plan.Groups, 1)
	require.Len(t, s.plan.Groups[0].Segments, 1)
	id, err := b.keys.PlanIdentity("p")
	require.NoError(t, err)
	rows, err := plan.ReadRows(s.plan.Folder, s.plan.Groups[0].Segments[0], id)
	require.NoError(t, err)
	require.Equal(t, []judge.Planned{{Key: key("2"), Guard: r.BlockGuard, Change: judge.Block}}, rows)

	none := func(*plan.Draft, *judge.Root) judge.Change { return judge.None }
	require.NoError(t, s.group(t.Context(), d, b.judge, none))
	require.Len(t, s.plan.Groups, 1, "no group without a row")
}

// Over all that a row can be: a live erasure is in one plan, the one that orders let go or the one that
// waits; what can be taken back is in the reversible one; nothing of a backup is there; and what the ramp
// leaves is in none, but for its block.
func TestEachPlanChoosesItsOwnRows(t *testing.T) {
	both := []bool{false, true}
	live := &plan.Draft{Store: stores.NewStore(setup.Source{Name: "crm"})}
	backup := &plan.Draft{Store: stores.NewStore(setup.Source{Name: "dump", Of: "crm"})}
	changes := []judge.Change{judge.None, judge.Block, judge.Unblock, judge.Clear, judge.Anonymize, judge.Delete}
	seen := 0
	for _, change := range changes {
		for n := range 1 << 5 {
			bit := func(i int) bool { return both[n>>i&1] }
			r := &judge.Root{Change: change, Block: bit(0) && !change.Reversible(), Asks: bit(1), Ramped: bit(2)}
			d, apply := live, bit(4)
			if bit(3) {
				d = backup
			}
			var ordered, asked, reversible judge.Change
			switch erases := change != judge.None && !change.Reversible(); {
			case r.Ramped:
			case (erases || bit(3)) && r.Asks:
				asked = change
			case erases || bit(3):
				ordered = change
			}
			if !bit(3) {
				switch {
				case change.Reversible():
					reversible = change
				case r.Block && !(ordered != judge.None && apply): // tonight's erasure ends the use by itself
					reversible = judge.Block
				}
			}
			pl := &Planner{Tonight: setup.Tonight{Options: setup.Options{Apply: apply}}}
			if change == judge.None && r.Block && apply && !r.Asks && !r.Ramped {
				reversible = judge.None // settled: a row that stays has its block as its change
			}
			require.Equal(t, []judge.Change{ordered, asked, reversible},
				[]judge.Change{destroyed(false)(d, r), destroyed(true)(d, r), pl.reversible(d, r)},
				"%+v backup %v apply %v", r, bit(3), apply)
			seen++
		}
	}
	require.Equal(t, 6*32, seen)
}

func TestSettlingHoldsBackWhatIsReferredTo(t *testing.T) {
	null := "null"
	anonymizes := func(s *policy.Silo) {
		s.Records[0].Dependents, s.Records[0].Owns = nil, nil
		s.Rules[0].Else = policy.Anonymize
		s.Anonymize = map[string]*string{"email": &null}
	}
	elses := func(e policy.Action) *judge.Ruling {
		d := policy.Decision{Action: policy.Delete, Reason: reason.DConsentWithdrawn, Else: e}
		return &judge.Ruling{Decision: d, Change: judge.Delete}
	}
	for _, c := range []struct {
		name    string
		root    judge.Root
		stopped bool
		change  judge.Change // that is left; none: the row is left out
		guard   judge.Guard
		says    string // of the decision
	}{
		{"nothing refers to it", judge.Root{Change: judge.Delete, Ruling: elses("")}, false,
			judge.Delete, judge.Guard{1}, "delete delete"},
		{"it stays", judge.Root{Change: judge.Delete, Kept: true, Ruling: elses("")}, false,
			judge.None, judge.Guard{1}, "keep "},
		{"it is anonymized instead", judge.Root{Change: judge.Delete, Kept: true,
			Ruling: elses(policy.Anonymize)}, false,
			judge.Anonymize, judge.Guard{3}, "anonymize anonymize"},
		{"it is anonymized already", judge.Root{Change: judge.Delete, Kept: true, Anonymized: true,
			Ruling: elses(policy.Anonymize)}, false, judge.None, judge.Guard{1}, "anonymize "},
		{"its use ends", judge.Root{Change: judge.Delete, Kept: true, Block: true, Ruling: elses("")}, false,
			judge.Block, judge.Guard{1}, "keep block"},
		{"the table is stopped", judge.Root{Change: judge.Delete, Ruling: elses("")}, true,
			judge.None, judge.Guard{1}, "delete delete"},
		{"another change, decided before", judge.Root{Change: judge.Clear}, false, judge.Clear, judge.Guard{1}, ""},
		{"only its block", judge.Root{Block: true}, false, judge.None, judge.Guard{1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, anonymizes)
			file := filepath.Join(t.TempDir(), "decisions")
			spool, err := audit.NewSpool[audit.Decision](file)
			require.NoError(t, err)
			pl := &Planner{Session: &judge.Session{Decisions: spool}, Notes: &notes.Notes{}}
			r := c.root
			r.Guard, r.ElseGuard = judge.Guard{1}, judge.Guard{3}
			b.judge.Roots, b.judge.Stopped = []*judge.Root{&r}, c.stopped
			require.NoError(t, pl.settleRoots(b.judge))
			require.NoError(t, spool.Close())

			if c.change == judge.None && !r.Block || c.stopped {
				require.Empty(t, b.judge.Roots)
			} else {
				require.Equal(t, []*judge.Root{&r}, b.judge.Roots)
				require.Equal(t, c.change, r.Change)
				require.Equal(t, c.guard, r.Guard)
				require.Equal(t, c.name == "only its block", r.Block)
			}
			require.Nil(t, r.Ruling)
			said := ""
			for rows, err := range audit.ReadSpool[audit.Decision](file) {
				require.NoError(t, err)
				for _, d := range rows {
					said += d.Action + " " + d.Change
				}
			}
			require.Equal(t, c.says, said, "the decision is written once, as it is then")
			require.Equal(t, c.root.Kept, len(pl.Notes.Facts.Exceptions) == 1)
			if c.root.Kept {
				require.Equal(t, string(reason.EDependentKept), pl.Notes.Facts.Exceptions[0].Code)
			}
		})
	}
}

func TestAPlanEntersTheJournalAs(t *testing.T) {
	for _, c := range []struct {
		part           plan.Part
		apply, ordered bool
		ahead          time.Duration // of as_of before the clock
		simulated      bool
		want           string
	}{
		{plan.Destructive, true, false, 0, false, journal.Waiting},
		{plan.Destructive, true, true, 0, false, journal.Approved},
		{plan.Destructive, false, true, 0, false, journal.Waiting},
		{plan.Destructive, false, false, 0, false, journal.Waiting},
		{plan.Reversible, true, false, 0, false, journal.Approved},
		{plan.Reversible, false, false, 0, false, journal.Lapsed},
		{plan.Destructive, true, true, time.Hour, false, journal.Lapsed},
		{plan.Reversible, true, false, time.Hour, false, journal.Lapsed},
		{plan.Destructive, true, true, time.Hour, true, journal.Approved},
	} {
		pl := &Planner{Setup: &setup.Setup{Now: func() time.Time { return noon }, Simulated: c.simulated},
			Tonight: setup.Tonight{Options: setup.Options{Apply: c.apply}, AsOf: noon.Add(c.ahead)}}
		require.Equal(t, c.want, pl.state(&plan.Sealed{Document: plan.Document{Part: c.part}}, c.ordered), "%+v", c)
	}
}

func TestFlagsAreAddedAndDropped(t *testing.T) {
	flag := func(record byte, reason string) registry.FlagKey {
		return registry.FlagKey{Record: keystore.Ref{record}, Reason: reason}
	}
	known := map[registry.FlagKey]time.Time{
		flag(1, "D_X"): noon, flag(2, "D_X"): noon, flag(3, judge.FlagBlocked): noon}
	now := []registry.Flag{{FlagKey: flag(1, "D_X"), Since: noon}, {FlagKey: flag(1, "D_Y"), Since: noon}}
	added, gone := changed(known, now, true)
	require.Equal(t, now[1:], added)
	require.Equal(t, []registry.FlagKey{flag(2, "D_X")}, gone)
	added, gone = changed(known, now, false)
	require.Equal(t, now[1:], added)
	require.Empty(t, gone, "what was not read is not gone")
}

func TestFlagsAreThoseOfOneSiloInLiveSources(t *testing.T) {
	b := newBench(t, nil)
	b.judge.Flags = []registry.Flag{{Since: noon}}
	failed := stores.NewStore(setup.Source{Name: "erp"})
	failed.Err = connectors.ErrUnreachable
	backup := stores.NewStore(setup.Source{Name: "dump", Of: "crm"})
	backup.Judges, backup.Err = b.store.Judges, connectors.ErrUnreachable
	pl := &Planner{Stores: &stores.Set{List: []*stores.Store{b.store, backup}}}
	now, whole := pl.flags("news")
	require.Equal(t, b.judge.Flags, now)
	require.True(t, whole, "a backup does not count")
	now, _ = pl.flags("shop")
	require.Empty(t, now)
	pl.Stores.List = []*stores.Store{failed, b.store}
	now, whole = pl.flags("news")
	require.Equal(t, b.judge.Flags, now)
	require.False(t, whole)
}
