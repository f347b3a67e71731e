package judge

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/aside"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/census"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/waiting"
)

// Session is what the judges of one run share.
type Session struct {
	Only      func(g *Judge, rows arrow.Record, row int) bool // the rows that are judged; nil: every one
	Tonight   setup.Tonight
	Notes     *notes.Notes
	Decisions *spool.Spool[audit.Decision]
	Pending   *waiting.Rows   // rows of plans that wait
	Aside     aside.List      // rows that the database refused to change
	Census    *census.Night   // nil: nobody asks for people
	Plans     map[string]bool // digests of those that were let go: what they ended is ended again unasked
}

// Judge decides every row of a batch and remembers what is not a plain keep. Its errors are those of writing
// decisions down.
func (js *Session) Judge(g *Judge, batch connectors.Batch) error {
	g.In(js.Tonight.Room)
	counts := js.Census.Table(g.Silo.Silo.Name, g.Source.Name, g.Table.Name, g.Source.Backup())
	g.only = js.Only
	for row := range int(batch.Rows.NumRows()) {
		if row%aheadRows == 0 {
			g.lookAhead(batch.Rows, row)
		}
		if !g.asked[row%aheadRows] {
			continue
		}
		g.Rows++
		refs, found := g.refsAhead(row % aheadRows)
		if g.Via != nil { // what is known of the row in other tables is the last one's of those ahead
			refs, found = g.Identify(refs[:0], batch.Rows, row), nil
		}
		r := g.ruleOn(refs, found, batch.Rows, row, js.Tonight.AsOf)
		js.asPlanned(g, &r, batch.Rows, row)
		if !g.Source.Backup() {
			g.State.Rule(&r.Decision, r.Collection, refs, found)
		}

		r.used = js.used(g, r, batch.Rows, row)
		g.seen()
		g.count(r)
		counts.Add(g.told(r, refs, batch.Rows, row))
		js.exceptions(g, r)
		again := g.again(r.Collection)
		if r.quiet() {
			continue
		}
		if again { // the first of them could not know
			r.Notes = append(slices.Clip(r.Notes), reason.IDuplicate)
		}
		if err := js.remember(g, r, batch.Rows, row); err != nil {
			return err
		}
	}
	return nil
}

// asPlanned lets a ruling say what the plan that its row waits in does: it anonymizes one that another holds back.
func (js *Session) asPlanned(g *Judge, r *Ruling, rows arrow.Record, row int) {
	if r.Change != Delete || r.Else != policy.Anonymize || js.Pending.Len() == 0 {
		return
	}
	if key, ok := connectors.KeyOf(rows, g.Key, row); ok && js.Pending.Anonymizes(g.place(key)) {
		r.Decision, r.Change = decide.WithDependent(r.Decision), Anonymize
	}
}

// setAside reports whether the database refused a change of the row at hand, or that of which this is a backup.
func (js *Session) setAside(g *Judge, r Ruling, c Change) bool {
	row := aside.Row{System: g.Source.System(), Table: g.Table.Name, Record: r.record, Destroys: !c.Reversible()}
	if g.Source.Backup() {
		return js.Aside.Backup(row)
	}
	return js.Aside.Live(row)
}

// place is where the row with a key stands.
func (g *Judge) place(key connectors.Key) waiting.Place {
	return waiting.Place{Source: g.Source.Name, Table: g.Table.Name, Key: key}
}

// exceptions counts what somebody has to look at. A backup repeats what its live source says.
func (js *Session) exceptions(g *Judge, r Ruling) {
	if g.Source.Backup() {
		return
	}
	js.exception(g, r.Reason)
	for _, note := range r.Notes {
		js.exception(g, note)
	}
}

// exception counts a row under a code that needs a person. So does an objection: somebody has to weigh it.
func (js *Session) exception(g *Judge, code reason.Code) {
	if strings.HasPrefix(string(code), "E_") || code == reason.XNoMatch || code == reason.KObjectionPending {
		js.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name,
			Code: string(code), Count: 1, Owner: g.Silo.Silo.Rules[0].Owner})
	}
}

// remember writes down a ruling that is not quiet, and keeps the row for tonight's plans if it has to change. To end a
// row that others may refer to is written down once it is known whether they let it go.
func (js *Session) remember(g *Judge, r Ruling, rows arrow.Record, row int) error {
	key, ok := connectors.KeyOf(rows, g.Key, row)
	if len(g.Key) == 0 || !ok {
		js.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name,
			Code: notes.CodeNoKey, Count: 1})
		return nil
	}
	g.name(&r, key)
	waits := js.Pending.Has(g.place(key)) && !r.Change.Reversible()
	refused := r.Change != None && js.setAside(g, r, r.Change)
	if refused {
		js.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name,
			Code: notes.CodeRefused, Count: 1, Owner: g.Silo.Silo.Rules[0].Owner})
	}

	if !g.open(r) || waits || refused {
		if err := js.Decisions.Append(g.Decision(r, g.RefOf(key))); err != nil {
			return err
		}
	}
	if r.Flag && !g.Source.Backup() {
		flag := registry.FlagKey{Record: r.record, Reason: string(r.Reason)}
		g.Flags = append(g.Flags, registry.Flag{FlagKey: flag, Since: r.flagged})
	}

	r.Block = r.Block && !js.setAside(g, r, Block)
	if waits || refused { // what destroys waits; blocking does not
		r.Change = None
		if r.Block {
			r.Change, r.Block = Block, false
		}
	}
	if r.Change != None {
		back := g.back(r, rows, row, js.Plans)
		g.Roots = append(g.Roots, g.root(js.Tonight.RunID, r, rows, row, key))
		g.Roots[len(g.Roots)-1].Back = uint8(back)
	}
	return nil
}
