package copies

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/engines"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
	"lethe/pipeline/suppression"
)

// keeping is a copy at work: one target's rows of one table.
type keeping struct {
	setup.Grant
	*Keeper
	store  *stores.Store
	keeper connectors.CopyKeeper         // nil where no table is kept
	of     connectors.Table              // the application's
	key    []int                         // columns of its key
	judges map[string][]*judge.Judge     // by silo
	table  connectors.Table              // the copy; no name where there is none (yet)
	files  *snapshot.Snapshot            // nil where none are written
	failed error                         // why the table could not be kept, where the files were
	list   *suppression.List             // of those who said no to marketing; nil where no purpose is marketing
	was    map[string]registry.Delivery  // by silo: the last delivery
	clean  map[string]bool               // by silo: the last one was acknowledged: what the copy holds is known
	lines  map[string]*audit.ConsentSync // by silo
	found  map[string]*holding           // by silo: what the copy held
	wanted map[string]*holding           // and what it should

	builder *connectors.Builder
	silos   []string        // sorted
	permits []decide.Permit // of the row at hand
}

// newKeeping is the copy of a table for a target, of no silo yet.
func newKeeping(cp *Keeper, c setup.Grant, s *stores.Store, table string) *keeping {
	return &keeping{
		Grant: c, Keeper: cp, store: s, of: connectors.Table{Name: table},
		judges: map[string][]*judge.Judge{}, was: map[string]registry.Delivery{}, clean: map[string]bool{},
		lines: map[string]*audit.ConsentSync{}, found: map[string]*holding{}, wanted: map[string]*holding{},
	}
}

// takeIn lets the copy speak of a silo's rows of the table. A silo may name a table more than once.
func (k *keeping) takeIn(silo string) {
	if _, again := k.judges[silo]; again {
		return
	}
	k.judges[silo] = nil
	for _, g := range k.store.Governed[k.of.Name] {
		if g.Silo.Silo.Name == silo {
			k.judges[silo], k.of, k.key = append(k.judges[silo], g), g.Table, g.Key
		}
	}
}

// object names the table that a delivery is about.
func (k *keeping) object() string { return k.store.Name + "." + k.of.Name }

// name is that of the copy's table: lethe_TARGET_TABLE.
func (k *keeping) name() string { return stores.CopyPrefix + k.Target + "_" + k.of.Name }

// copy is the copy's table with its views, as the connector makes it.
func (k *keeping) copy() connectors.Copy {
	return connectors.Copy{Name: k.name(), Of: k.of, Fields: stores.CopyFields, Key: []string{"silo", "purpose"},
		Views: k.views()}
}

// views are the purpose-bound views: what a purpose covers of the rows that may be used for it today.
func (k *keeping) views() []connectors.CopyView {
	var views []connectors.CopyView
	for _, silo := range slices.Sorted(maps.Keys(k.judges)) {
		for _, purpose := range k.Grants[silo] {
			name := k.name() + "_" + purpose
			if len(k.judges) > 1 { // rows of several silos in one table
				name = k.name() + "_" + silo + "_" + purpose
			}
			covers, all := k.judges[silo][0].Silo.Covers(purpose, k.Keeper.Tonight.AsOf)
			var fields []string
			for _, f := range k.of.Fields {
				if all || slices.Contains(covers, f.Name) || slices.Contains(k.of.Key, f.Name) {
					fields = append(fields, f.Name)
				}
			}
			views = append(views, connectors.CopyView{
				Name: name, Fields: fields, Until: "until",
				Where: map[string]string{"silo": silo, "purpose": purpose, "status": copyAllowed},
			})
		}
	}
	return views
}

// keyed refuses a table whose rows a copy could not name.
func (k *keeping) keyed() error {
	if len(k.of.Key) == 0 {
		return fmt.Errorf("table %s has no primary key: the copy could not name its rows", k.of.Name)
	}
	return nil
}

// keepable is the source as what keeps the copy, if it can and may.
func (k *keeping) keepable(ctx context.Context) (connectors.CopyKeeper, error) {
	keeper, ok := k.store.Conn.(connectors.CopyKeeper)
	if !ok {
		return nil, fmt.Errorf("%w: connector %s cannot keep a table of its own in the source: grant files instead",
			errors.ErrUnsupported, k.store.Connector)
	}
	return keeper, engines.Changes(ctx, k.Setup, k.Journal, k.store.Source, k.store.Conn)
}

// want says what the copy should hold of the rows of a batch.
func (k *keeping) want(b connectors.Batch) (wanted []copyRow) {
	for row := range int(b.Rows.NumRows()) {
		record, ok := connectors.KeyOf(b.Rows, k.key, row)
		if !ok {
			continue
		}
		for _, silo := range k.silos {
			for _, g := range k.judges[silo] {
				if g.Mine(b.Rows, row) {
					wanted = k.wantRow(wanted, g, b, row, record)
				}
			}
		}
	}
	return wanted
}

// wantRow says for each granted purpose whether a row may be used.
func (k *keeping) wantRow(wanted []copyRow, g *judge.Judge, b connectors.Batch, row int,
	record connectors.Key) []copyRow {
	n, silo := k.Keeper, g.Silo.Silo.Name
	r := g.Rule(b.Rows, row, n.Tonight.AsOf)
	if r.Reason == reason.KAnonymized || r.Reason == reason.EAnonWeak {
		return wanted // nobody's any more, or of a pseudonym
	}

	// A request for access changes no use.
	usable := r.Use == policy.Allowed || r.Use == policy.Limited || r.Reason == reason.KPendingAccess
	k.permits = k.permits[:0]
	if usable {
		k.permits = decide.Permits(g.Silo, g.Record, n.Tonight.AsOf, k.permits)
	}

	for _, purpose := range k.Grants[silo] {
		c := copyRow{record: record, silo: silo, purpose: purpose, status: copyBlocked}
		at := slices.IndexFunc(k.permits, func(p decide.Permit) bool { return p.Purpose == purpose })
		switch {
		case at >= 0 && (k.list == nil || !g.Silo.Silo.IsMarketing(purpose) || k.list.Admits(
			g.People(b.Rows, row, true), g.Silo.Jurisdiction.Code, g.Record.Standing, purpose)):
			c.status = copyAllowed
			if ends := k.permits[at].Ends; !ends.IsZero() {
				// A part of a second is cut off: rather too early than too late.
				c.until = ends.UTC().Format(time.DateTime)
			}
		case !usable && !r.WritesBlock():
			c.status = copyUnknown
		}
		wanted = append(wanted, c)
	}
	return wanted
}

// seal is the keyed digest of a row, under the silo's key.
func (k *keeping) seal(r copyRow) (seal [16]byte) {
	content := r.record + connectors.MakeKey([]byte(r.purpose), []byte(r.status), []byte(r.until), []byte(r.since))
	ref := k.judges[r.silo][0].Match.Fixed("copy of "+k.Target+" "+k.object(), []byte(content))
	copy(seal[:], ref[:])
	return seal
}

// booked is the silo under which a row is counted: its own, or the first where somebody wrote one
// of a silo that is not granted.
func (k *keeping) booked(r copyRow) string {
	if _, granted := k.judges[r.silo]; granted {
		return r.silo
	}
	return k.silos[0]
}
