package judge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lethe/connectors"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/policy/starts"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/via"
)

// Binding is the names of a silo's records resolved against the catalog of a source: which columns say
// who a row is about, since when, and what a change would write. It never changes once its source was surveyed.
type Binding struct {
	Source  setup.Source
	Silo    *policy.Compiled
	Records policy.Records
	Table   connectors.Table
	State   *silos.Silo
	Match   *keystore.SiloKey
	Refs    *keystore.AuditKey // nil where nothing is written down, so that no record needs a name
	zone    *time.Location     // the controller's

	Key        []int // columns of the primary key
	subjects   []naming
	Via        *via.Paths // to identifiers in other tables; nil where the row holds all of them
	where      []cells.Cell
	collected  int             // column, -1 none
	made       instant.Writing // how it writes instants
	collection int             // column, -1 none
	Starts     []*starts.Field // the column at which each rule's term starts; nil where there is none
	blocked    []cells.Cell    // the fields and values of a blocked row
	unblocked  []cells.Cell
	Targets    []targets.Target
	guarded    []int // decision-relevant columns
	Owned      []OwnedEdge
	ending     map[string]bool // fields in which people end who should be gone: with the row? nil: rows are decided
}

// naming is a column that identifies a person, and the kind of identifier it holds.
type naming struct {
	kind   string
	column int
}

// OwnedEdge leads from a row to a parent that goes with the last row which refers to it.
type OwnedEdge struct {
	Table   string
	columns []int // of the foreign key
}

// Keyring gives the keys of a silo.
type Keyring interface {
	SiloKey(silo string) (*keystore.SiloKey, error)
	AuditKey(silo, epoch string) (*keystore.AuditKey, error)
}

// Bind resolves the names of a silo's records against the tables of a source. Its error joins all that
// the source cannot serve.
func Bind(
	source setup.Source, tables connectors.Tables, silo *policy.Compiled, records policy.Records,
	state *silos.Silo, zone *time.Location,
) (*Binding, error) {
	table, ok := tables.Find(records.Table)
	if !ok {
		return nil, fmt.Errorf("%w: silo %s: source %s has no table %s: %s", setup.ErrConfig, silo.Silo.Name,
			source.Name, records.Table, source.Next("name a table that the source has"))
	}
	b := &binder{Binding: &Binding{
		Source: source, Silo: silo, Records: records, Table: table, State: state, zone: zone,
	}}
	b.identity(tables)
	b.rules()
	b.guards()
	b.changes()
	b.owns(tables)
	b.dependents(tables)
	return b.Binding, errors.Join(b.errs...)
}

// binder is a binding in the making, with all that is wrong with it.
type binder struct {
	*Binding
	errs []error
}

func (b *binder) refuse(format string, args ...any) {
	args = append([]any{setup.ErrConfig, b.Silo.Silo.Name}, args...)
	b.errs = append(b.errs, fmt.Errorf("%w: silo %s: "+format, args...))
}

// column finds a field of the table; one that is not there is refused.
func (b *binder) column(name string) int {
	i := slices.IndexFunc(b.Table.Fields, func(f connectors.Field) bool { return f.Name == name })
	if i < 0 {
		b.refuse("table %s of source %s has no field %s: %s", b.Table.Name, b.Source.Name, name,
			b.Source.Next("name a field that the source has"))
		return 0
	}
	return i
}

// optional is the column of a name, -1 for no name.
func (b *binder) optional(name string) int {
	if name == "" {
		return -1
	}
	return b.column(name)
}

func (b *binder) cells(values map[string]string) (list []cells.Cell) {
	for _, f := range slices.Sorted(maps.Keys(values)) {
		list = append(list, cells.Cell{Field: f, Column: b.column(f), Value: []byte(values[f])})
	}
	return list
}

// identity finds the columns that say which row it is, whose, and of which collecting.
func (b *binder) identity(tables connectors.Tables) {
	for _, f := range b.Table.Key {
		b.Key = append(b.Key, b.column(f))
	}
	for _, kind := range slices.Sorted(maps.Keys(b.Records.Subject)) {
		b.subjects = append(b.subjects, naming{kind, b.column(b.Records.Subject[kind])})
	}
	var err error
	if b.Via, err = via.Resolve(tables, b.Table, b.Records.Via, b.Records.Subject); err != nil {
		b.refuse("source %s: %w", b.Source.Name, err)
	}
	if err := errors.Join(b.Via.Among(b.Table, b.Silo.Silo.Wheres(b.Records.Source, b.Records.Table)...),
		via.CheckDependents(tables, b.Table, b.Records)); err != nil {
		b.refuse("source %s: %w", b.Source.Name, err)
	}
	b.where = b.cells(b.Records.Where)
	if b.Records.Block != nil {
		b.blocked, b.unblocked = b.cells(b.Records.Block.Set), b.cells(b.Records.Block.Unset)
	}
	b.collected, b.collection = b.optional(b.Records.Collected), b.optional(b.Records.Collection)
}

// rules finds the column at which the term of each rule starts. One that the engine sets anew at every
// update never ends.
func (b *binder) rules() {
	for i, r := range b.Silo.Silo.Rules {
		c := b.optional(r.At)
		if r.Start == policy.Collected && r.At == "" {
			c = b.collected
		}
		b.Starts = append(b.Starts, b.start(c, i))
	}
	if b.collected >= 0 {
		b.made = b.Source.Writing(b.Table.Name, b.Table.Fields[b.collected], b.zone)
	}
	for _, c := range b.days() {
		field := b.Table.Fields[c]
		if wrong := b.Silo.Restarts(b.Records, field.Name); field.AutoUpdate && wrong != "" {
			b.refuse("field %s of table %s of source %s %s", field.Name, b.Table.Name, b.Source.Name, wrong)
		}
	}
}

// start says how the column of a rule's term is read; nil for column -1, which is none. A day that the schema
// itself fills in is nobody's, also where it leaves room for none (NULL).
func (b *binder) start(column, rule int) *starts.Field {
	if column < 0 {
		return nil
	}
	field := b.Table.Fields[column]
	f := &starts.Field{Name: field.Name, Column: column, Kind: string(field.Kind), Zone: b.zone,
		Writing: b.Source.Writing(b.Table.Name, field, b.zone), Means: b.Silo.Rules()[rule].Means,
		End: b.Silo.Rules()[rule].Start.Ends()}
	f.Default([]byte(field.Default))
	return f
}

// days are the columns with a day that decides, sorted.
func (b *binder) days() (columns []int) {
	if b.collected >= 0 {
		columns = append(columns, b.collected)
	}
	for _, f := range b.Starts {
		if f != nil {
			columns = append(columns, f.Column)
		}
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}

// Dated reports whether a term of some rule starts at a day that the rows have.
func (b *Binding) Dated() bool {
	return slices.ContainsFunc(b.Starts, func(f *starts.Field) bool { return f != nil })
}

// guards collects the columns that a decision hangs on.
func (b *binder) guards() {
	relevant := map[int]bool{}
	for _, s := range b.subjects {
		relevant[s.column] = true
	}
	for _, w := range b.where {
		relevant[w.Column] = true
	}
	for _, c := range b.Via.From() {
		relevant[c] = true
	}
	for _, c := range append(b.days(), b.collection) {
		if c >= 0 {
			relevant[c] = true
		}
	}
	b.guarded = slices.Sorted(maps.Keys(relevant))
}

// changes resolves the fields that anonymizing or clearing may change.
func (b *binder) changes() {
	found, wrong := targets.Of(b.Silo, b.Table)
	for _, err := range wrong {
		b.refuse("source %s table %s: %w", b.Source.Name, b.Table.Name, err)
	}
	b.Targets = found
}

// owns finds the parents that go with the last row which refers to them: by their primary key, which a
// foreign key that is only declared refers to.
func (b *binder) owns(tables connectors.Tables) {
	for _, o := range b.Records.Owns {
		e := OwnedEdge{Table: o.Table}
		for _, f := range o.FK {
			e.columns = append(e.columns, b.column(f))
		}
		owned, ok := tables.Find(o.Table)
		if !ok {
			b.refuse("owned table %s is not in source %s: correct `owns`", o.Table, b.Source.Name)
			continue
		}
		refers := owned.KeyBy(o.FK)
		for _, fk := range b.Table.ForeignKeys {
			if fk.RefTable == o.Table && slices.Equal(fk.Fields, o.FK) {
				refers = fk.RefFields
			}
		}
		if !slices.Equal(refers, owned.Key) || len(owned.Key) == 0 {
			b.refuse("source %s: owned table %s: a foreign key must refer to its key", b.Source.Name, o.Table)
		}
		b.Owned = append(b.Owned, e)
	}
}

// dependents checks what is declared to go with the rows, or to forget them.
func (b *binder) dependents(tables connectors.Tables) {
	for _, d := range b.Records.Dependents {
		child, ok := tables.Find(d.Table)
		if !ok {
			b.refuse("dependent table %s is not in source %s: correct `dependents`", d.Table, b.Source.Name)
			continue
		}
		for _, f := range d.FK {
			if field, ok := child.Field(f); !ok {
				b.refuse("dependent table %s of source %s has no field %s: correct `fk`", d.Table, b.Source.Name, f)
			} else if d.Do == string(SetNull) && !field.Nullable {
				b.refuse("dependent table %s of source %s: field %s cannot be NULL, so set_null is impossible: %s",
					d.Table, b.Source.Name, f, b.Source.Next("use delete"))
			}
		}
	}
}

// Unlock gives the binding the keys of its silo; its error is the keyring's. Without an epoch nothing is
// written down, so no record needs a name.
func (b *Binding) Unlock(keys Keyring, epoch string) (err error) {
	if b.Match, err = keys.SiloKey(b.Silo.Silo.Name); err != nil {
		return err
	}
	key := b.Match.Fixed("anonymize", nil)
	for i := range b.Targets {
		b.Targets[i].Technique = b.Targets[i].Technique.WithKey(key[:], b.Silo.Silo.Name)
	}
	if epoch != "" {
		b.Refs, err = keys.AuditKey(b.Silo.Silo.Name, epoch)
	}
	return err
}
