// Package requests finds all that a company's stores hold of people who asked, silo by silo.
//
//   - An Ask is one verified request in one silo: whose it is, by what the registry knows of them and what they say
//     besides.
//   - Find reads every source once for all Asks together, live ones and backups, and answers with a Section for each:
//     its Hits, what is Missing, and what was LeftOut.
//   - A Hit is one row. Of a row that is the person's own it says what is decided of it; one that only names them, or
//     that others' identifiers stand in too, a person has to look at.
//
// Two silos share nothing here but the pass over the data. Nothing that is found is written anywhere.
package requests

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// Ask is one request that is searched for.
type Ask struct {
	Silo  string
	Asked cases.Asked
	// Given are identifiers that the person names besides those under which the registry knows them: an old address.
	Given   []event.Subject
	Country string // of telephone numbers without a prefix; "" the silo's
	// Untold are the copies of the silo's consents that were not brought up to date since.
	Untold []Untold
}

// Untold is a copy, of an application that was granted one (setup.Grant), that does not know yet of what was asked.
type Untold struct {
	Target string
	Object string    // the source and table that it is about; "" none was ever delivered
	Last   time.Time // when it was last brought up to date; zero: never
}

// Which says which requests of which silos are meant.
type Which struct {
	Silo string   // "" all of them
	IDs  []string // none: all that are open and verified
}

// Read reads requests from the registry, and refuses those that may not be searched for: one that nobody verified, one
// that is closed unless closed says so. Its errors are those of the configuration or of the registry.
func Read(ctx context.Context, p *setup.Setup, which Which, closed bool) (asks []Ask, err error) {
	asks, err = Any(ctx, p, which)
	if err != nil {
		return asks, err
	}
	return asks, refuse(asks, closed)
}

// Any reads requests as they stand, those that nobody verified and those that are closed, too: for what is said of the
// request, and not of the data. Its errors are those of the configuration or of the registry.
func Any(ctx context.Context, p *setup.Setup, which Which) (asks []Ask, err error) {
	config := p.Registry
	config.ReadOnly = true
	r, err := registry.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, s := range p.Silos {
		if which.Silo != "" && s.Silo.Name != which.Silo {
			continue
		}
		list, err := r.AskedOf(ctx, s.Silo.Name)
		if err != nil {
			return nil, err
		}
		copies, err := r.Deliveries(ctx, s.Silo.Name)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if which.means(a) {
				asks = append(asks, Ask{Silo: s.Silo.Name, Asked: a,
					Untold: untold(p, s.Silo.Name, a.Since, copies)})
			}
		}
	}
	return asks, which.unknown(asks)
}

// untold are the copies of what a silo grants that were not brought up to date since an event.
func untold(p *setup.Setup, silo string, since int64, copies []registry.Delivery) (list []Untold) {
	for _, g := range p.Grants {
		if len(g.Grants[silo]) == 0 {
			continue
		}
		last := Untold{Target: g.Target}
		for _, d := range copies {
			if d.Target != g.Target {
				continue
			}
			if last.Object = d.Object; d.AckedSeq < since {
				list = append(list, Untold{Target: g.Target, Object: d.Object, Last: d.AckedAt})
			}
		}
		if last.Object == "" {
			list = append(list, last)
		}
	}
	return list
}

// Closable reads one open request that is to be closed: of those that need it, nobody is done what they ask who has not
// shown who they are.
func Closable(ctx context.Context, p *setup.Setup, silo, id string) ([]Ask, error) {
	which := Which{Silo: silo, IDs: []string{id}}
	asks, err := Read(ctx, p, which, false)
	if len(asks) == 1 && asks[0].Asked.Closed.IsZero() && !NeedsProof(asks[0].Asked.Kind) {
		return asks, nil
	}
	return asks, err
}

// means reports whether a request is among those that are meant.
func (w Which) means(a cases.Asked) bool {
	if len(w.IDs) == 0 {
		return a.Closed.IsZero() && a.Verified()
	}
	return slices.Contains(w.IDs, a.ID)
}

// unknown says which of the requests there are not.
func (w Which) unknown(asks []Ask) error {
	var errs []error
	for _, id := range w.IDs {
		if !slices.ContainsFunc(asks, func(a Ask) bool { return a.Asked.ID == id }) {
			errs = append(errs, fmt.Errorf("%w: there is no request %s: `lethe request list --all` names them",
				setup.ErrConfig, id))
		}
	}
	return errors.Join(errs...)
}

// refuse says which of the requests may not be searched for.
func refuse(asks []Ask, closed bool) error {
	var errs []error
	for _, a := range asks {
		switch {
		case !closed && !a.Asked.Closed.IsZero():
			errs = append(errs, fmt.Errorf("%w: request %s of silo %s is closed: what the person has of theirs is "+
				"found for an open one", setup.ErrConfig, a.Asked.ID, a.Silo))
		case !a.Asked.Verified():
			errs = append(errs, fmt.Errorf("%w: nobody noted that the person of request %s has shown who they are: "+
				"`lethe request verify %[2]s --silo %s --by ...`", setup.ErrConfig, a.Asked.ID, a.Silo))
		}
	}
	return errors.Join(errs...)
}

// How is how a row is a person's.
type How string

// How rows are found, the surest first.
const (
	Own       How = "own"       // the registry knows it by the person's identifiers, and by nobody else's
	Given     How = "given"     // it has an identifier that the request gives
	Dependent How = "dependent" // it goes with an own row, as the policy says
	Owned     How = "owned"     // an own row refers to it, and it goes with the last of these, as the policy says
	Shared    How = "shared"    // others' identifiers stand in it, or others have the same
	Refers    How = "refers"    // it refers to an own row by a foreign key, and no policy says what it is
	Names     How = "names"     // a text of it names the person
)

// Certain reports whether nobody has to look whether a row is the person's.
func (h How) Certain() bool { return h == Own || h == Given || h == Dependent || h == Owned }

// Hit is one row.
type Hit struct {
	Source string   `json:"source"`
	Backup bool     `json:"backup,omitempty"`
	Table  string   `json:"table"`
	Key    []string `json:"key"` // its primary key; none where the table has none
	How    How      `json:"how"`
	Fields []string `json:"fields,omitempty"` // that name the person
	By     string   `json:"by,omitempty"`     // the table and fields by which it refers, or is referred to

	// Of an own row what is decided of it now, had nobody asked to see it.
	Decision *policy.Decision `json:"-"`
	Change   string           `json:"change,omitempty"` // that is due; "" none
	Words    string           `json:"words,omitempty"`  // why

	columns []string
	cells   [][]byte // nil is NULL
	place   string   // what no other row of the source has
}

// Cells calls do with the fields of the row, in the order of the table; nil is NULL.
func (h *Hit) Cells(do func(field string, value []byte)) {
	for i, c := range h.columns {
		do(c, h.cells[i])
	}
}

// cell is the value of a field; nil is NULL, or no such field.
func (h *Hit) cell(field string) []byte {
	if i := slices.Index(h.columns, field); i >= 0 {
		return h.cells[i]
	}
	return nil
}

// Lack is what could not be looked at, or was not.
type Lack struct {
	Source string `json:"source"`
	Table  string `json:"table,omitempty"`
	Why    string `json:"why"`
}

func (l Lack) String() string {
	if l.Table == "" {
		return l.Source + ": " + l.Why
	}
	return l.Source + "." + l.Table + ": " + l.Why
}

// Section is the answer to one request in one silo.
type Section struct {
	Silo     string    `json:"silo"`
	Request  string    `json:"request"`
	Kind     string    `json:"kind"`
	Received time.Time `json:"received"`
	Due      time.Time `json:"due,omitzero"` // the first instant after the last day; zero while the term rests
	AsOf     time.Time `json:"as_of"`
	Hits     []*Hit    `json:"hits"`
	// Missing keeps the request from being closed: the person may stand there.
	Missing []Lack `json:"missing"`
	// LeftOut is not read because the configuration says so, with its reason.
	LeftOut []Lack `json:"left_out"`

	untold []Untold
}

// Certain are the hits that are the person's without doubt.
func (s *Section) Certain() (hits []*Hit) {
	for _, h := range s.Hits {
		if h.How.Certain() {
			hits = append(hits, h)
		}
	}
	return hits
}

// Possible are those that somebody has to look at.
func (s *Section) Possible() (hits []*Hit) {
	for _, h := range s.Hits {
		if !h.How.Certain() {
			hits = append(hits, h)
		}
	}
	return hits
}

// Place is the hits of one table that were found in one way.
type Place struct {
	Source, Table string
	How           How
	Backup        bool
	Rows          int
	Changes       string // what is due of them; "" nothing
	Why           string
	Until         string // the last day of the last ground, as far as it is known
	Fields        string
}

// Places counts the hits of a section, in the order in which sources were read.
func (s *Section) Places() (places []*Place) {
	for _, h := range s.Hits {
		is := Place{Source: h.Source, Table: h.Table, How: h.How, Backup: h.Backup, Changes: h.Change, Why: h.Words,
			Fields: strings.Join(h.Fields, ", ")}
		if h.Decision != nil && h.Decision.Until.Known() {
			is.Until = h.Decision.Until.String()
		}
		i := slices.IndexFunc(places, func(p *Place) bool {
			is.Rows = p.Rows
			return *p == is
		})
		if i < 0 {
			is.Rows = 0
			places = append(places, &is)
			i = len(places) - 1
		}
		places[i].Rows++
	}
	return places
}
