package main_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"lethe/pipeline/registry/keystore"
)

// unveiled prints a silo's events as who has the keys reads them: events [-type T] SILO. A line is the position, the type,
// the purpose, when it happened, takes effect, ends and was recorded, in microseconds; the collection, 0 that of all.
func unveiled(ts *testscript.TestScript, _ bool, args []string) {
	typ := ""
	if args[0] == "-type" {
		typ, args = args[1], args[2:]
	}
	conn, end := registryOf(ts)
	defer end()
	sealer := sealerOf(ts, args[0])
	number := func(b []byte) int64 {
		n, err := strconv.ParseInt(string(b), 10, 64)
		ts.Check(err)
		return n
	}
	ts.Check(eachRow(conn, `SELECT e.seq, e.type, e.purpose, e.occurred_at, e.effective_from, e.effective_until,
		e.recorded_at, p.collection, p.block FROM event e JOIN silo s ON s.silo = e.silo
		JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq WHERE s.name = '`+args[0]+`' ORDER BY e.seq`,
		func(_ []string, v [][]byte) {
			if typ != "" && string(v[1]) != typ {
				return
			}
			seq, occurred, from, until, recorded := number(v[0]), number(v[3]), number(v[4]), number(v[5]), number(v[6])
			sealer.Times(seq, &occurred, &recorded)
			sealer.Terms(seq, &from, &until)
			collection := number(v[7])
			if number(v[8]) != 0 {
				collection = sealer.Whose(seq, collection)
			}
			fmt.Fprintf(ts.Stdout(), "%d|%s|%s|%d|%d|%d|%d|%d\n", seq, v[1], v[2], occurred, from, until, recorded, collection)
		}))
}

// references prints the references of a collection as who has the keys reads them: references SILO COLLECTION.
func references(ts *testscript.TestScript, _ bool, args []string) {
	conn, end := registryOf(ts)
	defer end()
	sealer := sealerOf(ts, args[0])
	var found []string
	ts.Check(eachRow(conn, `SELECT a.alias_ref, a.collection, a.seal FROM subject_alias a JOIN silo s ON s.silo = a.silo
		WHERE s.name = '`+args[0]+`'`, func(_ []string, v [][]byte) {
		stored, err := strconv.ParseInt(string(v[1]), 10, 64)
		ts.Check(err)
		if strconv.FormatInt(stored^sealer.Beside(keystore.Tag(v[2]))[0], 10) == args[1] {
			found = append(found, hex.EncodeToString(v[0]))
		}
	}))
	slices.Sort(found)
	for _, ref := range found {
		fmt.Fprintln(ts.Stdout(), ref)
	}
}

// registryOf connects to the registry of a script.
func registryOf(ts *testscript.TestScript) (*sql.Conn, func()) {
	if r, ok := ts.Value("registry").(*registryDB); ok {
		return r.connect(ts)
	}
	db, err := sql.Open("sqlite3", "file:"+ts.MkAbs("var/registry.db"))
	ts.Check(err)
	conn, err := db.Conn(context.Background())
	ts.Check(err)
	return conn, func() { ts.Check(conn.Close()); ts.Check(db.Close()) }
}

func sealerOf(ts *testscript.TestScript, silo string) *keystore.Sealer {
	keys, err := keystore.Open(context.Background(), ts.MkAbs("var/keys"), ts.MkAbs("var/lethe.age"))
	ts.Check(err)
	key, err := keys.SiloKey(silo)
	ts.Check(err)
	sealer, err := key.Sealer()
	ts.Check(err)
	return sealer
}
