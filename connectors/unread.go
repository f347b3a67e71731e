package connectors

import "context"

// Partial is a Source that can hold more than its catalog: tables that cannot be read, and copies that the engine
// keeps of the rows of others.
type Partial interface {
	// Unread returns what the source holds beside its catalog and its views, sorted by name, and what in the catalog
	// may be a copy (Read). Nothing else is in the catalog, and Of, where it is not empty, is a table that is.
	Unread(ctx context.Context) ([]Unread, error)
}

// Unread is a table or a file whose rows Scan does not give.
type Unread struct {
	Name   string // "" for what cannot even be named
	Reason string // why it is not read, and what to do where something can be done; no value of a record
	Of     string // the table of the catalog of whose rows it holds a copy; "" none, or nobody knows
	// Unknown says that it may hold data of people that nobody knows of.
	Unknown bool
	// Stays says that what is erased or changed in Of can stay in it.
	Stays bool
	// Read says that it is read all the same, and is named as the copy that it may be.
	Read bool
}
