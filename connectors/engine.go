package connectors

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
)

// Engine is the program that keeps the records of a source, as it says itself.
type Engine struct {
	Product   string `json:"product"`   // MariaDB; with who runs it where that is another program: MySQL (Amazon Aurora)
	Series    string `json:"series"`    // what its maker calls a major version: MariaDB 10.11, MySQL 8.4, PostgreSQL 15
	Version   string `json:"version"`   // in full
	Collation string `json:"collation"` // by which the database compares texts where nobody says otherwise
}

// String is product and series: "MariaDB 10.11".
func (e Engine) String() string { return e.Product + " " + e.Series }

// Versioned is a Source whose engine is not part of Lethe, so that it may be of any version: a server. Where the suite was
// never run on an engine and series, nothing is changed there, however well it reads.
type Versioned interface {
	// Engine asks the server what it is.
	Engine(ctx context.Context) (Engine, error)
}

// Shipped says of an engine and series that the tests of this very program were run on it, by which ways of comparing
// texts.
type Shipped struct {
	Connector  string   `json:"connector"`
	Product    string   `json:"product"`
	Series     string   `json:"series"`
	Collations []string `json:"collations"`
}

//go:embed proved.json
var proved []byte

// Proved are the engines on which the tests are run. Each test looks that the server it met stands there, and no other.
func Proved() []Shipped {
	var list []Shipped
	if err := json.Unmarshal(proved, &list); err != nil {
		panic(fmt.Sprintf("proved.json: %v", err)) // a test reads it
	}
	return list
}
