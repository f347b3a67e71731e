package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/rogpeppe/go-internal/testscript"

	fixture "lethe/fixtures/company"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/registry/keystore"
)

// unjoined fails if anything that Lethe stored or printed could tell that somebody in one silo is somebody in
// another: unjoined guests hosts staff. It reads the registry's tables and everything under var and printed,
// decoded: databases, Parquet, plans with the keys that still exist. The first two silos know the same
// people; the third is a control that knows none of them and was treated alike, so what the first two share
// may only be what the third has as well (constants, dates, the names of runs and plans), or stand in the
// configuration. And no row or line that belongs to no silo may name people of both.
func unjoined(ts *testscript.TestScript, neg bool, args []string) {
	t := &traces{of: map[string]map[string]string{}, people: map[string]map[string]bool{}}
	for _, silo := range args {
		t.of[silo], t.people[silo] = map[string]string{}, map[string]bool{}
	}
	ts.Check(t.readRegistry(ts))
	for _, dir := range []string{"var", "printed"} {
		ts.Check(t.readFolder(ts, ts.MkAbs(dir)))
	}
	found := t.joins(args[0], args[1], args[2], ts.ReadFile("lethe.yaml"))
	fmt.Fprintf(ts.Stdout(), "%s %d values, %s %d values, %d rows and lines of no silo\n", args[0],
		len(t.of[args[0]]), args[1], len(t.of[args[1]]), len(t.loose))
	for _, f := range found {
		fmt.Fprintln(ts.Stderr(), f)
	}
	if (len(found) > 0) != neg {
		ts.Fatalf("%d values join the silos: %q", len(found), found)
	}
}

// traces are the values of eight bytes or more in all that Lethe left.
type traces struct {
	of     map[string]map[string]string // by silo: value: where
	people map[string]map[string]bool   // by silo: references to rows and people
	loose  []looseRow
}

// looseRow is a row or line that belongs to no silo.
type looseRow struct {
	where  string
	values []string
}

// joins says what connects two silos.
func (t *traces) joins(a, b, control, configuration string) (found []string) {
	for _, v := range slices.Sorted(maps.Keys(t.of[a])) {
		where, both := t.of[b][v]
		if _, common := t.of[control][v]; both && !common && !strings.Contains(configuration, v) {
			found = append(found, fmt.Sprintf("%s stands in %s of %s and in %s of %s", v, t.of[a][v], a, where, b))
		}
	}
	for _, row := range t.loose {
		names := func(silo string) bool {
			return slices.ContainsFunc(row.values, func(v string) bool { return t.people[silo][v] })
		}
		if names(a) && names(b) {
			found = append(found, fmt.Sprintf("%s names people of %s and of %s", row.where, a, b))
		}
	}
	return found
}

// personal are the columns that refer to a row or to a person.
var personal = []string{"alias_ref", "record_ref", "subject_ref", "record", "root", "subject"}

// row takes a row: to the silo that its column silo names, or that it is known to be of, or to none.
func (t *traces) row(where, silo string, columns []string, values [][]byte) {
	if i := slices.Index(columns, "silo"); i >= 0 && silo == "" {
		silo = string(values[i])
	}
	var all []string
	for i, v := range values {
		for _, word := range wordsOf(v) {
			all = append(all, word)
			if t.of[silo] == nil {
				continue
			}
			t.of[silo][word] = where + "." + columns[i]
			if slices.Contains(personal, columns[i]) {
				t.people[silo][word] = true
			}
		}
	}
	if t.of[silo] == nil {
		t.loose = append(t.loose, looseRow{where, all})
	}
}

var wordRE = regexp.MustCompile(`[\pL\pN+/_=@.-]{8,}`)

// instantRE are instants and numbers, which many things share.
var instantRE = regexp.MustCompile(`^[0-9.:TZ+-]+$`)

// wordsOf are the values in a cell: blobs in hexadecimal, the words of texts.
func wordsOf(cell []byte) []string {
	if !utf8.Valid(cell) || bytes.ContainsFunc(cell, func(r rune) bool {
		return !unicode.IsPrint(r) && !unicode.IsSpace(r)
	}) {
		if len(cell) < 8 {
			return nil
		}
		return []string{hex.EncodeToString(cell)}
	}
	return slices.DeleteFunc(wordRE.FindAllString(string(cell), -1), instantRE.MatchString)
}

// readRegistry reads every table of the registry whose rows are of a silo, and the others as well.
func (t *traces) readRegistry(ts *testscript.TestScript) error {
	r := ts.Value("registry").(*registryDB)
	conn, end := r.connect(ts)
	defer end()
	names := map[string]string{}
	if err := eachRow(conn, "SELECT silo, name FROM silo", func(_ []string, values [][]byte) {
		names[string(values[0])] = string(values[1])
	}); err != nil {
		return err
	}
	var tables []string
	if err := eachRow(conn, r.tables, func(_ []string, values [][]byte) {
		tables = append(tables, string(values[0]))
	}); err != nil {
		return err
	}
	if len(tables) < 10 {
		return fmt.Errorf("the registry has %d tables", len(tables))
	}
	for _, table := range tables {
		if err := eachRow(conn, "SELECT * FROM "+table, func(columns []string, values [][]byte) {
			silo := ""
			if columns[0] == "silo" {
				silo = names[string(values[0])]
			}
			t.row("registry "+table, silo, columns, values)
		}); err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls do with the columns and the cells of every row of a query.
func eachRow(conn *sql.Conn, query string, do func(columns []string, values [][]byte)) error {
	rows, err := conn.QueryContext(context.Background(), query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		values := make([][]byte, len(cells))
		for i, c := range cells {
			values[i] = bytes.Clone(c)
		}
		do(columns, values)
	}
	return rows.Err()
}

// readFolder reads everything below a folder but the keys.
func (t *traces) readFolder(ts *testscript.TestScript, dir string) error {
	keys, err := keystore.Open(context.Background(), ts.MkAbs("var/keys"), ts.MkAbs("var/lethe.age"))
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == ts.MkAbs("var/keys") {
			return fs.SkipDir
		}
		name, _ := filepath.Rel(ts.MkAbs("."), path)
		if d.IsDir() || strings.HasPrefix(name, "var/registry.db") || name == "var/lethe.age" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(data, []byte("age-encryption.org/")) && !strings.HasSuffix(name, ".age") {
			plain, err := keys.Decrypt(bytes.NewReader(data))
			if err == nil {
				data, err = io.ReadAll(plain)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		_, silo, _ := strings.Cut(name, "silo=")
		silo = strings.TrimSuffix(silo, ".parquet")
		switch {
		case strings.HasSuffix(name, ".parquet"):
			return t.readParquet(name, path, silo)
		case strings.HasSuffix(name, ".age"):
			return t.readSealed(name, path, data, keys)
		case strings.HasSuffix(name, ".arrow"):
			return t.readArrow(name, data, siloOfSegment(path))
		case bytes.HasPrefix(data, []byte("SQLite format 3\x00")):
			return t.readSQLite(name, path)
		}
		for line := range bytes.Lines(data) {
			t.row(name, "", []string{"line"}, [][]byte{line})
		}
		return nil
	})
}

func (t *traces) readParquet(name, path, silo string) error {
	rows, err := fixture.ReadParquet(path)
	for _, r := range rows {
		columns := slices.Sorted(maps.Keys(r))
		values := make([][]byte, len(columns))
		for i, c := range columns {
			values[i] = []byte(r[c])
		}
		t.row(name, silo, columns, values)
	}
	return err
}

// readSealed reads an encrypted segment of a plan that waits.
func (t *traces) readSealed(name, path string, data []byte, keys *keystore.Keystore) error {
	id, err := keys.PlanIdentity(filepath.Base(filepath.Dir(path)))
	if errors.Is(err, keystore.ErrDestroyed) || errors.Is(err, keystore.ErrMissing) {
		return nil // settled: nobody can read it any more
	}
	if err != nil {
		return err
	}
	plain, err := age.Decrypt(bytes.NewReader(data), id)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	body, err := io.ReadAll(plain)
	if err != nil {
		return err
	}
	return t.readArrow(name, body, siloOfSegment(path))
}

// siloOfSegment finds in the plan beside it whose rows a segment holds; "" for what is no segment.
func siloOfSegment(path string) string {
	var plan struct {
		Groups []struct {
			Silo     string `json:"silo"`
			Segments []struct{ Actions, Keys string }
		} `json:"groups"`
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "plan.json"))
	if err != nil || json.Unmarshal(text, &plan) != nil {
		return ""
	}
	for _, g := range plan.Groups {
		for _, s := range g.Segments {
			if s.Actions == filepath.Base(path) || s.Keys == filepath.Base(path) {
				return g.Silo
			}
		}
	}
	return ""
}

func (t *traces) readArrow(name string, data []byte, silo string) error {
	plain, err := spool.Unpack(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer plain.Close()
	r, err := ipc.NewReader(plain)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer r.Release()
	for r.Next() {
		rec := r.Record()
		columns := make([]string, rec.NumCols())
		for i := range columns {
			columns[i] = strings.ToLower(rec.ColumnName(i))
		}
		for row := range int(rec.NumRows()) {
			values := make([][]byte, len(columns))
			for i := range columns {
				switch col := rec.Column(i).(type) {
				case *array.Binary:
					values[i] = bytes.Clone(col.Value(row))
				case *array.FixedSizeBinary:
					values[i] = bytes.Clone(col.Value(row))
				default:
					values[i] = []byte(col.ValueStr(row))
				}
			}
			t.row(name, silo, columns, values)
		}
	}
	return r.Err()
}

func (t *traces) readSQLite(name, path string) error {
	return eachTable(path, "", func(table string, _ int, columns []string, values [][]byte) {
		t.row(name+" "+table, "", columns, values)
	})
}

// eachTable hands over the rows of all tables of a file of SQLite, each with its place in the table.
func eachTable(path, order string, do func(table string, at int, columns []string, values [][]byte)) error {
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	var tables []string
	if err := eachRow(conn, `SELECT name FROM sqlite_schema WHERE type = 'table'`, func(_ []string, values [][]byte) {
		tables = append(tables, string(values[0]))
	}); err != nil {
		return err
	}
	for _, table := range tables {
		at := 0
		if err := eachRow(conn, `SELECT * FROM "`+table+`"`+order, func(columns []string, values [][]byte) {
			do(table, at, columns, values)
			at++
		}); err != nil {
			return err
		}
	}
	return nil
}
