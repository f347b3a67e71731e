package sqlserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// double is a server that is none: it writes down what it is asked, and answers as it was told. What a real one would say
// to these statements it does not know: that is for `lethe connectors prove`.
type double struct {
	asked   []string
	answers []answer // the first of which the text is in a statement answers it
}

type answer struct {
	of   string
	rows [][]any
	err  error
}

func (d *double) Connect(context.Context) (driver.Conn, error) { return &doubleConn{d}, nil }
func (d *double) Driver() driver.Driver                        { return nil }

type doubleConn struct{ *double }

func (c *doubleConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("nothing is prepared")
}
func (c *doubleConn) Close() error              { return nil }
func (c *doubleConn) Begin() (driver.Tx, error) { return nil, errors.New("by BeginTx") }

func (c *doubleConn) BeginTx(_ context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.asked = append(c.asked, "BEGIN "+sql.IsolationLevel(o.Isolation).String())
	return c, nil
}

func (c *doubleConn) Commit() error {
	c.asked = append(c.asked, "COMMIT")
	return nil
}

func (c *doubleConn) Rollback() error {
	c.asked = append(c.asked, "ROLLBACK")
	return nil
}

func (c *doubleConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	text := query
	for _, a := range args {
		text += fmt.Sprintf("\n  -- @p%d = %s", a.Ordinal, a.Value)
	}
	c.asked = append(c.asked, text)
	for _, a := range c.answers {
		if strings.Contains(query, a.of) && a.err != nil {
			return nil, a.err
		}
	}
	return driver.ResultNoRows, nil
}

func (c *doubleConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	text := query
	for _, a := range args {
		text += fmt.Sprintf("\n  -- @p%d = %s", a.Ordinal, a.Value)
	}
	c.asked = append(c.asked, text)
	for _, a := range c.answers {
		if strings.Contains(query, a.of) {
			return &doubleRows{rows: a.rows}, a.err
		}
	}
	return &doubleRows{}, nil
}

type doubleRows struct{ rows [][]any }

func (r *doubleRows) Columns() []string {
	if len(r.rows) == 0 {
		return []string{"none"}
	}
	return make([]string, len(r.rows[0]))
}
func (r *doubleRows) Close() error { return nil }
func (r *doubleRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	for i, v := range r.rows[0] {
		dest[i] = v
	}
	r.rows = r.rows[1:]
	return nil
}

// shop is a catalog with what SQL Server has and others have not.
func shop() []answer {
	table := func(id, schema, name, kind string) []any {
		r := []any{id, schema, name, int64(7), int64(0), false, false, false, "0", int64(0), int64(0), int64(0), int64(1)}
		switch kind {
		case "temporal":
			r[4], r[8] = int64(2), "21"
		case "history":
			r[4] = int64(1)
		case "memory":
			r[5] = true
		case "external":
			r[6] = true
		case "file":
			r[7] = true
		case "node":
			r[9] = int64(1)
		case "ledger":
			r[11] = int64(1)
		case "hidden":
			r[12] = int64(0)
		}
		return r
	}
	column := func(id, name, base string, length, precision, scale int, flags string) []any {
		collation := ""
		if strings.Contains(base, "char") || base == "text" {
			collation = "Latin1_General_CI_AS"
		}
		has := func(f string) bool { return strings.Contains(flags, f) }
		clr := ""
		if base == "hierarchyid" {
			base, clr = "varbinary", "hierarchyid"
		}
		def := ""
		if has("default") {
			def = "('1970-01-01')"
		}
		return []any{id, name, base, int64(length), int64(precision), int64(scale), collation, has("null"), has("identity"),
			has("computed"), def, clr, has("masked"), int64(0)}
	}
	var columns [][]any
	for i, c := range []struct {
		base                     string
		length, precision, scale int
	}{
		{"int", 4, 10, 0}, {"bigint", 8, 19, 0}, {"bit", 1, 1, 0}, {"decimal", 9, 18, 4}, {"money", 8, 19, 4}, {"float", 8, 53, 0},
		{"real", 4, 24, 0}, {"date", 3, 10, 0}, {"time", 5, 16, 7}, {"datetime", 8, 23, 3}, {"datetime2", 8, 27, 7},
		{"smalldatetime", 4, 16, 0}, {"datetimeoffset", 10, 34, 7}, {"uniqueidentifier", 16, 0, 0}, {"char", 3, 0, 0},
		{"varchar", -1, 0, 0}, {"nvarchar", 80, 0, 0}, {"text", 16, 0, 0}, {"varbinary", 9, 0, 0}, {"image", 16, 0, 0},
		{"hierarchyid", 892, 0, 0}, {"xml", -1, 0, 0}, {"sql_variant", 8016, 0, 0}} {
		columns = append(columns, column("10", fmt.Sprintf("f%02d", i), c.base, c.length, c.precision, c.scale, "null"))
	}
	columns = append(columns,
		column("11", "id", "uniqueidentifier", 16, 0, 0, ""), column("11", "email", "varchar", 60, 0, 0, "null"),
		column("11", "version", "timestamp", 8, 0, 0, ""), column("11", "double", "int", 4, 10, 0, "null computed"),
		column("12", "number", "int", 4, 10, 0, "identity"), column("12", "pos", "nvarchar", 20, 0, 0, ""),
		column("12", "of", "uniqueidentifier", 16, 0, 0, "null"), column("12", "rv", "timestamp", 8, 0, 0, ""),
		column("13", "id", "int", 4, 10, 0, ""), column("13", "boss", "int", 4, 10, 0, "null default"),
		column("14", "a]b", "int", 4, 10, 0, "null"), column("20", "id", "int", 4, 10, 0, ""), column("21", "id", "int", 4, 10, 0, ""),
		column("22", "id", "int", 4, 10, 0, ""), column("26", "id", "int", 4, 10, 0, ""), column("27", "mail", "nvarchar", 20, 0, 0, "masked"))
	return []answer{
		{of: "FROM sys.tables t JOIN sys.schemas", rows: [][]any{table("10", "dbo", "kinds", ""), table("11", "dbo", "customer", ""),
			table("12", "sales", "order line", ""), table("13", "dbo", "staff", ""), table("14", "dbo", "keyless", ""),
			table("20", "dbo", "kept", "temporal"), table("21", "dbo", "kept_history", "history"), table("22", "dbo", "quick", "memory"),
			table("23", "dbo", "far", "external"), table("24", "dbo", "files", "file"), table("25", "dbo", "person", "node"),
			table("26", "dbo", "signed", "ledger"), table("27", "dbo", "dim", ""), table("28", "dbo", "secret", "hidden")}},
		{of: "FROM sys.columns c", rows: columns},
		{of: "FROM sys.indexes i", rows: [][]any{{"10", "1", true, false, "f00"}, {"11", "1", true, false, "id"},
			{"11", "2", false, false, "email"}, {"12", "1", true, false, "number"}, {"12", "1", true, false, "pos"},
			{"12", "3", false, true, "of"}, {"13", "1", true, false, "id"}, {"20", "1", true, false, "id"},
			{"22", "1", true, false, "id"}, {"26", "1", true, false, "id"}}},
		{of: "FROM sys.foreign_keys k", rows: [][]any{
			{"12", "90", "fk_of", "11", "NO_ACTION", "CASCADE", "of", "id", false},
			{"13", "91", "fk_boss", "13", "NO_ACTION", "NO_ACTION", "boss", "id", false},
			{"28", "92", "fk_secret", "13", "CASCADE", "NO_ACTION", "staff", "id", false},
			{"14", "93", "fk_off", "13", "NO_ACTION", "NO_ACTION", "a]b", "id", true}}},
		{of: "FROM sys.triggers g", rows: [][]any{
			{"13", "gone", "DELETE", false, false, "CREATE TRIGGER gone ON staff AFTER DELETE AS INSERT keyless SELECT id FROM deleted"},
			{"13", "off", "DELETE", true, false, "CREATE TRIGGER off"}}},
	}
}

// opened is a source, with both rights, over a double that has the shop, and answers more.
func openedDouble(t *testing.T, more ...answer) (*mutable, *double) {
	d := &double{answers: append(more, shop()...)}
	s := &source{name: "crm", database: "shop", db: sql.OpenDB(d)}
	m := &mutable{source: s, apply: &source{name: "crm", database: "shop", db: s.db}}
	_, err := m.Tables(t.Context())
	require.NoError(t, err)
	_, err = m.apply.Tables(t.Context())
	require.NoError(t, err)
	d.asked = nil
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m, d
}

var (
	_ connectors.Mutator    = (*mutable)(nil)
	_ connectors.Foreseer   = (*mutable)(nil)
	_ connectors.CopyKeeper = (*mutable)(nil)
	_ connectors.Viewer     = (*source)(nil)
	_ connectors.Placed     = (*source)(nil)
	_ connectors.Clocked    = (*source)(nil)
	_ connectors.Zoner      = (*source)(nil)
	_ connectors.Partial    = (*source)(nil)
	_ connectors.Versioned  = (*source)(nil)
)
