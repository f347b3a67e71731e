package sqlserver

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/paging"
)

// held compares what a server was asked with a file of testdata. A statement that is meant to be another is put there by
// hand: the failed test leaves it beside, with the ending .new.
func held(t *testing.T, name string, asked []string) {
	t.Helper()
	got := strings.Join(asked, "\n\n") + "\n"
	path := filepath.Join("testdata", name+".sql")
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		beside := filepath.Join(t.TempDir(), name+".new")
		if keep := os.Getenv("LETHE_GOLDEN"); keep != "" {
			beside = filepath.Join(keep, name+".sql")
		}
		require.NoError(t, os.WriteFile(beside, []byte(got), 0o600))
	}
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestCatalog(t *testing.T) {
	m, _ := openedDouble(t)
	list, err := m.Tables(t.Context())
	require.NoError(t, err)
	tables := connectors.Tables(list)
	kinds, _ := tables.Find("kinds")
	var said []string
	for _, f := range kinds.Fields {
		said = append(said, f.Type+" "+string(f.Kind))
	}
	require.Equal(t, []string{"int integer", "bigint integer", "bit integer", "decimal(18,4) decimal", "money decimal", "float float",
		"real float", "date date", "time(7) time", "datetime timestamp", "datetime2(7) timestamp", "smalldatetime timestamp",
		"datetimeoffset(7) timestamp", "uniqueidentifier text", "char(3) text", "varchar(max) text", "nvarchar(40) text", "text text",
		"varbinary(9) binary", "image binary", "hierarchyid binary", "xml text", "sql_variant text"}, said)
	customer, _ := tables.Find("customer")
	require.Equal(t, []string{"id"}, customer.Key)
	require.Equal(t, [][]string{{"email"}}, customer.Unique)
	require.True(t, customer.Fields[2].Generated, "a rowversion")
	require.True(t, customer.Fields[3].Generated, "a computed field")
	lines, _ := tables.Find("sales.order line")
	require.Equal(t, []string{"number", "pos"}, lines.Key)
	require.Equal(t, []string{"of"}, lines.Distinct, "unique under a condition")
	require.Equal(t, []connectors.ForeignKey{{Name: "fk_of", Fields: []string{"of"}, RefTable: "customer", RefFields: []string{"id"},
		OnDelete: "NO ACTION", OnUpdate: "CASCADE"}}, lines.ForeignKeys)
	staff, _ := tables.Find("staff")
	require.Len(t, staff.Triggers, 1, "one that is disabled does not run")
	require.Equal(t, []connectors.Written{{Table: "keyless", Event: "DELETE"}, {Table: "keyless", Event: "INSERT"}},
		staff.Triggers[0].Writes)
	require.Equal(t, []connectors.Outside{{Table: "secret", Fields: []string{"staff"}, RefFields: []string{"id"}, OnDelete: "CASCADE",
		Hidden: true}}, staff.Outside)
	require.Equal(t, "1970-01-01", staff.Fields[1].Default)
	keyless, _ := tables.Find("keyless")
	require.Empty(t, keyless.ForeignKeys, "one that is disabled holds nothing")
	dim, _ := tables.Find("dim")
	require.ErrorIs(t, dim.Unreadable, connectors.ErrDenied, "what is masked is not what is there")
	unread, err := m.Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, unread, 2)
	require.Equal(t, "kept", unread[0].Of)
	require.True(t, unread[0].Stays)
	require.Equal(t, "secret", unread[1].Name)
	customerTable, err := m.table(t.Context(), "customer")
	require.NoError(t, err)
	require.Empty(t, customerTable.guard, "whose rows are changed along with others")
}

// What cannot be changed in place is named, before and while it is tried, and nothing is begun.
func TestWhatCannotBeChanged(t *testing.T) {
	m, d := openedDouble(t, answer{of: "HAS_PERMS_BY_NAME(@p1", rows: [][]any{{"1", "lethe_apply"}}})
	for table, why := range map[string]string{"kept": "SYSTEM_VERSIONING", "quick": "memory-optimised", "signed": "ledger"} {
		found, err := m.Foresee(t.Context(), []connectors.Use{{Table: table, Delete: true}})
		require.NoError(t, err)
		require.Len(t, found, 1, table)
		require.ErrorIs(t, found[0].Kind, errors.ErrUnsupported)
		require.Contains(t, found[0].String(), why)
		d.asked = nil
		_, err = m.Mutate(t.Context(), []connectors.Query{{Table: table, Keys: keys("id", "1")}}, nil, nil)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, why)
		require.Empty(t, d.asked)
	}
	_, err := m.Mutate(t.Context(), []connectors.Query{{Table: "keyless", Keys: keys("a]b", "1")}}, nil, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	found, err := m.Foresee(t.Context(), []connectors.Use{{Table: "customer", Delete: true, Update: []string{"email"}}})
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestRightsThatLack(t *testing.T) {
	m, _ := openedDouble(t, answer{of: "HAS_PERMS_BY_NAME(@p1", rows: [][]any{{"0", "lethe_apply"}}})
	found, err := m.Foresee(t.Context(), []connectors.Use{{Table: "sales.order line", Delete: true}})
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, "GRANT DELETE ON [sales].[order line] TO [lethe_apply]", found[1].Mend)
}

func keys(field string, values ...string) *connectors.Keys {
	k := &connectors.Keys{Fields: []string{field}}
	for _, v := range values {
		k.Tuples = append(k.Tuples, connectors.MakeKey([]byte(v)))
	}
	return k
}

const (
	ann = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
	bea = "0E984725-C51C-4BF4-9960-E1C80E27ABA0"
)

// The statements of a scan, and what becomes of what the server answers.
func TestScan(t *testing.T) {
	m, d := openedDouble(t, answer{of: "FROM [dbo].[kinds] t ORDER BY", rows: [][]any{
		{"1", "2", "1", "1.5000", "2.0000", "1.5000000000000000e+000", "1.0000000e-001", "2020-02-29", "23:00:00.1200000",
			"2020-01-31 13:14:15.997", "2020-01-31 13:14:15.1234567", "2020-01-31 13:14:00", "2019-12-31 23:30:00.0000000", ann, "a  ",
			"b", "Zoë", "c", []byte{0, 255}, []byte("img"), []byte{0x58}, "<a/>", nil},
		{"2", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
	}}, answer{of: "[dbo].[kinds] t WHERE", rows: nil})
	got, err := connectortest.Read(t, m, connectors.Query{Table: "kinds", MaxRows: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"1|2|1|1.5000|2.0000|1.5|0.1|2020-02-29|23:00:00.12|2020-01-31 13:14:15.997|" +
		"2020-01-31 13:14:15.1234567|2020-01-31 13:14:00|2019-12-31 23:30:00|" + ann + "|a  |b|Zoë|c|\x00\xff|img|X|<a/>|~",
		"2|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~"}, got)
	for _, q := range []connectors.Query{
		{Table: "customer", Keys: keys("id", ann, bea), Fields: []string{"email"}},
		{Table: "customer", Keys: keys("email", "it's", "Zoë")},
		{Table: "sales.order line", Keys: &connectors.Keys{Fields: []string{"number", "pos"},
			Tuples: []connectors.Key{connectors.MakeKey([]byte("7"), []byte("a\"b"))}}},
		{Table: "sales.order line", Keys: &connectors.Keys{Fields: []string{"of"}, Tuples: keys("id", ann).Tuples,
			Of: &connectors.Referred{Table: "customer", Fields: []string{"id"}}}},
		{Table: "keyless"}, {Table: "quick"},
	} {
		_, err := connectortest.Read(t, m, q)
		require.NoError(t, err)
	}
	r, err := m.reader(t.Context(), connectors.Query{Table: "sales.order line", Fields: []string{"pos"}})
	require.NoError(t, err)
	text, params := r.statement(paging.Place{After: [][]byte{[]byte("7"), []byte("x")}}, 500, "")
	d.asked = append(d.asked, text+"\n  -- "+params[0].(string)+", "+params[1].(string))
	held(t, "scan", d.asked)
	_, err = connectortest.Read(t, m, connectors.Query{Table: "dim"})
	require.ErrorIs(t, err, connectors.ErrDenied)
	_, err = connectortest.Read(t, m, connectors.Query{Table: "kinds", Keys: keys("f21", "<a/>")})
	require.ErrorIs(t, err, errors.ErrUnsupported, "what has no equality is no key")
}

// edit deletes the first row, and sets a field of the second.
func edit(field, value string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		n := int(b.Rows.NumRows())
		e := connectors.Edit{Ops: make([]connectors.Op, n)}
		var col connectors.Column
		set := make([]bool, n)
		for row := range n {
			if e.Ops[row] = connectors.Delete; row == 1 {
				e.Ops[row], set[row] = connectors.Update, true
			}
			col.Append([]byte(value))
		}
		if field != "" && n > 1 {
			e.Set = []connectors.Assignment{{Field: field, Rows: set, Values: col.Array()}}
		} else {
			for row := range n {
				e.Ops[row] = connectors.Delete
			}
		}
		return e, nil
	}
}

// The statements of a change, in their order, and what the server says that they met.
func TestMutate(t *testing.T) {
	const again = "SELECT CONVERT(char(36), t.[id]), CONVERT(nvarchar(max), t.[email]), CONVERT(varchar(20), k.n)"
	shown := func(email string) []answer {
		return []answer{{of: again, rows: [][]any{{ann, email, "2"}}},
			{of: "FROM [dbo].[customer] t WITH", rows: [][]any{{bea, "bea@example.com", []byte{0, 0, 0, 0, 0, 0, 0, 1}, "4", "1"},
				{ann, nil, []byte{0, 0, 0, 0, 0, 0, 0, 2}, nil, "2"}}},
			{of: "@met", rows: [][]any{{"1"}}}}
	}
	queries := []connectors.Query{{Table: "customer", Keys: keys("id", ann, "00000000-0000-0000-0000-000000000000", bea)}}
	m, d := openedDouble(t, shown("gone@example.com")...)
	queries[0].Keys = keys("id", ann, bea)
	confirms := 0
	outcomes, err := m.Mutate(t.Context(), queries, edit("email", "gone@example.com"), func() error {
		confirms++
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, confirms)
	require.Equal(t, []connectors.Outcome{{Table: "customer", Key: connectors.MakeKey([]byte(ann)), Status: connectors.Done},
		{Table: "customer", Key: connectors.MakeKey([]byte(bea)), Status: connectors.Done}}, outcomes)
	held(t, "mutate", d.asked)

	m, d = openedDouble(t, shown("as a trigger has it")...)
	_, err = m.Mutate(t.Context(), queries, edit("email", "gone@example.com"), func() error { return errors.New("not asked") })
	require.ErrorIs(t, err, connectors.ErrRefused, "what is read again is not what was written")
	require.Equal(t, "ROLLBACK", d.asked[len(d.asked)-1])
}

// A table whose rows nothing changes along is changed by the version that was decided on.
func TestTheRowversionIsTheGuard(t *testing.T) {
	m, d := openedDouble(t)
	for _, source := range []*source{m.source, m.apply} {
		tables, err := source.known(t.Context())
		require.NoError(t, err)
		tables["customer"].guard = "version"
	}
	d.answers = append([]answer{{of: "t.[email]), CONVERT(binary(8), t.[version]), CONVERT(varchar(20), k.n)", rows: [][]any{
		{bea, "bea@example.com", []byte{0, 0, 0, 0, 0, 0, 0, 3}, "1"}}}, {of: "FROM [dbo].[customer] t WITH", rows: [][]any{
		{bea, "bea@example.com", []byte{0, 0, 0, 0, 0, 0, 0, 1}, "4", "1"}}}, {of: "@met", rows: [][]any{{"0"}}}}, d.answers...)
	_, err := m.Mutate(t.Context(), []connectors.Query{{Table: "customer", Keys: keys("id", bea)}},
		func(connectors.Batch) (connectors.Edit, error) {
			var col connectors.Column
			col.Append([]byte("x"))
			return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: []connectors.Assignment{
				{Field: "email", Rows: []bool{true}, Values: col.Array()}}}, nil
		}, func() error { return errors.New("not asked") })
	require.ErrorIs(t, err, connectors.ErrRefused)
	for _, s := range d.asked {
		if strings.Contains(s, "UPDATE t") {
			require.Contains(t, s, "t.[version] = k.c2")
			require.Contains(t, s, `"c2":"0000000000000001"`)
			return
		}
	}
	t.Fatal("nothing was updated")
}

// Rows of one table that refer to each other in a ring go by one statement, others children first; a table with triggers is
// changed without its rowversion, one without by it.
func TestDeletesInTheirOrder(t *testing.T) {
	m, d := openedDouble(t,
		answer{of: "FROM [dbo].[staff] t WITH", rows: [][]any{{"1", "2", "1"}, {"2", "1", "2"}, {"3", "1", "3"}}},
		answer{of: "DELETE t", rows: [][]any{{"1"}}})
	_, err := m.Mutate(t.Context(), []connectors.Query{{Table: "staff", Keys: keys("id", "1", "2", "3")}}, edit("", ""),
		func() error { return nil })
	require.Error(t, err)
	var deletes []string
	for _, s := range d.asked {
		if strings.Contains(s, "DELETE t") {
			deletes = append(deletes, s)
		}
	}
	require.Len(t, deletes, 2)
	require.Contains(t, deletes[0], `"c1":"3"`, "to whom nobody refers")
	require.Contains(t, deletes[1], `[{"c1":"1","n":1},{"c1":"2","n":2}]`, "the ring")
	held(t, "deletes", deletes)
}

// What a statement meets is counted by what it puts out; more than was named is refused, whatever a trigger adds.
func TestMoreRowsThanWereNamedAreRefused(t *testing.T) {
	m, d := openedDouble(t, answer{of: "FROM [dbo].[staff] t WITH", rows: [][]any{{"1", nil, "1"}}},
		answer{of: "DELETE t", rows: [][]any{{"2"}}})
	_, err := m.Mutate(t.Context(), []connectors.Query{{Table: "staff", Keys: keys("id", "1")}}, edit("", ""),
		func() error { return errors.New("it is not asked") })
	require.ErrorIs(t, err, connectors.ErrRefused)
	require.ErrorContains(t, err, "for 1 rows met 2")
	require.Equal(t, "ROLLBACK", d.asked[len(d.asked)-1])
}

// What must not be written is refused before anything is asked for.
func TestFieldsThatAreNotWritten(t *testing.T) {
	for table, field := range map[string]string{"customer": "double", "sales.order line": "number"} {
		m, _ := openedDouble(t, answer{of: "[customer] t WITH", rows: [][]any{{bea, nil, []byte{1}, nil, "1"}, {ann, nil, []byte{2}, nil, "2"}}},
			answer{of: "[order line] t WITH", rows: [][]any{{"1", "a", nil, []byte{1}, "1"}, {"2", "b", nil, []byte{2}, "2"}}})
		q := connectors.Query{Table: table, Keys: keys("id", bea, ann)}
		if table != "customer" {
			q.Keys = &connectors.Keys{Fields: []string{"number"}, Tuples: keys("", "1", "2").Tuples}
		}
		_, err := m.Mutate(t.Context(), []connectors.Query{q}, edit(field, "9"), func() error { return nil })
		require.ErrorIs(t, err, connectors.ErrConfig, field)
	}
	m, _ := openedDouble(t, answer{of: "[customer] t WITH", rows: [][]any{{bea, nil, []byte{1}, nil, "1"}, {ann, nil, []byte{2}, nil, "2"}}})
	_, err := m.Mutate(t.Context(), []connectors.Query{{Table: "customer", Keys: keys("id", bea, ann)}}, edit("email", "Zoë"),
		func() error { return nil })
	require.ErrorIs(t, err, connectors.ErrRefused, "which the collation may not hold")
}

// Errors of the server have words of ours, and no value.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		number  int32
		message string
		is      error
		says    string
	}{
		{547, `The DELETE statement conflicted with the REFERENCE constraint "fk_of". The conflict occurred in database "shop", table ` +
			`"sales.order line", column 'of'.`, connectors.ErrRefused, "fk_of"},
		{547, `The UPDATE statement conflicted with the CHECK constraint "ck_age".`, connectors.ErrRefused, "ck_age"},
		{2627, `Violation of UNIQUE KEY constraint 'uq_mail'. Cannot insert duplicate key in object 'dbo.c'. The duplicate key value is ` +
			`(ann@example.com).`, connectors.ErrRefused, "uq_mail"},
		{515, `Cannot insert the value NULL into column 'email', table 'shop.dbo.c'; column does not allow nulls.`,
			connectors.ErrRefused, "email"},
		{1222, "Lock request time out period exceeded.", connectors.ErrLocked, "blocking_session_id"},
		{1205, "Transaction was deadlocked", connectors.ErrTransient, "deadlock"},
		{229, "The SELECT permission was denied", connectors.ErrDenied, "GRANT"},
		{208, "Invalid object name", connectors.ErrSchemaChanged, "unknown table"},
		{8114, "Error converting data type varchar to ann@example.com", connectors.ErrRefused, "fit the field"},
		{50001, "ann@example.com must stay", connectors.ErrRefused, "trigger"},
		{13559, "Cannot insert rows in a temporal history table", errors.ErrUnsupported, "history"},
	} {
		m, _ := openedDouble(t, answer{of: "FROM [dbo].[staff] t WITH", err: mssql.Error{Number: c.number, Message: c.message}})
		_, err := m.Mutate(t.Context(), []connectors.Query{{Table: "staff", Keys: keys("id", "1")}}, nil, nil)
		require.ErrorIs(t, err, c.is, "%d", c.number)
		require.ErrorContains(t, err, c.says, "%d", c.number)
		require.NotContains(t, err.Error(), "ann@example.com")
	}
}

// No DSN allows a connection that others can read, or to whoever answers, but by a waiver.
func TestDSN(t *testing.T) {
	for dsn, want := range map[string]error{
		"sqlserver://u:p@h:1433?database=crm":                                                nil,
		"mssql://u:p%2F@h/inst?database=crm&encrypt=strict":                                  nil,
		"sqlserver://u:p@h?database=crm&encrypt=disable":                                     connectors.ErrPlaintext,
		"sqlserver://u:p@h?database=crm&encrypt=false":                                       connectors.ErrPlaintext,
		"sqlserver://u:p@h?database=crm&encrypt=true&trustservercertificate=true":            connectors.ErrPlaintext,
		"sqlserver://u:p@h?database=crm&TrustServerCertificate=true&encrypt=true&x=Zephyr17": connectors.ErrPlaintext,
		"sqlserver://u:p@h":                errors.New("names no database"),
		"server=h;password=p;database=crm": errDSN,
		"postgres://u:p@h/crm":             errDSN,
	} {
		_, err := parseDSN(dsn, false)
		if want == nil {
			require.NoError(t, err, dsn)
			continue
		}
		require.ErrorContains(t, err, want.Error(), dsn)
		require.NotContains(t, err.Error(), "Zephyr17")
	}
	cfg, err := parseDSN("sqlserver://u:p@h?database=crm&encrypt=disable", true)
	require.NoError(t, err, "waived")
	require.Equal(t, "crm", cfg.Database)
	require.Equal(t, "sqlserver://u:p@h:1?database=scratch&encrypt=true", inDatabase("sqlserver://u:p@h:1?Database=crm&encrypt=true",
		"scratch"))
	require.Equal(t, "crm", Connector.Database("sqlserver://u:p@h?database=crm"))
}

func TestEnginesAreToldApart(t *testing.T) {
	for _, c := range []struct{ version, edition, want string }{
		{"16.0.4085.2", "3", "SQL Server 16"}, {"13.0.7000.1", "2", "SQL Server 13"}, {"12.0.2000.8", "5", "Azure SQL Database 12"},
		{"16.0.100.1", "8", "Azure SQL Managed Instance 16"}, {"15.0.2000.1", "9", "Azure SQL Edge 15"},
	} {
		require.Equal(t, c.want, engineOf(c.version, c.edition, "").String())
	}
	require.NotContains(t, connectors.Proved(), "sqlserver", "it was never tried")
}

// The tables of the suite as this engine would have them.
func TestGround(t *testing.T) {
	held(t, "suite", statements([]conformance.Table{
		{Def: connectors.Table{Name: "a]b", Key: []string{"id"}, Unique: [][]string{{"mail"}},
			Fields: []connectors.Field{{Name: "id", Type: "bigint", Kind: connectors.Integer},
				{Name: "mail", Type: "varchar(60)", Kind: connectors.Text, Nullable: true},
				{Name: "at", Type: "datetime", Kind: connectors.Timestamp, Nullable: true},
				{Name: "raw", Type: "varbinary(100)", Kind: connectors.Binary, Nullable: true}},
			ForeignKeys: []connectors.ForeignKey{{Fields: []string{"id"}, RefTable: "c", RefFields: []string{"id"}, OnDelete: "RESTRICT",
				OnUpdate: "CASCADE"}}},
			Rows: [][]any{{"1", "it's", "2020-01-01 00:00:00", "\x00\xff"}, {"2", "a\\\nb", nil, nil}}},
	}))
}

// The statements by which a copy is made, written and dropped; what is not Lethe's is left alone.
func TestCopy(t *testing.T) {
	free := answer{of: "sp_getapplock", rows: [][]any{{"0"}}}
	m, d := openedDouble(t, free, answer{of: "HAS_PERMS_BY_NAME(DB_NAME()", rows: [][]any{{"1", "1", "1", "lethe_apply"}}})
	customer, err := m.table(t.Context(), "customer")
	require.NoError(t, err)
	c := connectors.Copy{Name: "lethe_app_customer", Of: customer.Table, Key: []string{"purpose"},
		Fields: []connectors.Field{{Name: "purpose", Kind: connectors.Text, Length: 10},
			{Name: "ends", Kind: connectors.Timestamp, Nullable: true}, {Name: "since", Kind: connectors.Date}},
		Views: []connectors.CopyView{{Name: "lethe_app_customer_mail", Fields: []string{"id", "email"},
			Where: map[string]string{"purpose": "it's"}, Until: "ends"}}}
	require.NoError(t, m.CheckCopy(t.Context(), c))
	_, err = m.EnsureCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrSchemaChanged, "the double does not have it afterwards")
	made := d.asked

	table := []answer{free, {of: "FROM sys.objects o", rows: [][]any{{"lethe_app_customer", "U", "copy of customer"},
		{"lethe_app_customer_mail", "V", "view of copy " + digest("lethe_app_customer") + " old"}}}}
	m, d = openedDouble(t, table...)
	for _, s := range []*source{m.source, m.apply} {
		tables, err := s.known(t.Context())
		require.NoError(t, err)
		require.NotNil(t, tables["customer"])
	}
	b, err := connectors.NewBuilder(customer.Table, nil)
	require.NoError(t, err)
	for i, v := range []string{ann, "ann@example.com", "\x00\x01", "4"} {
		b.Append(i, []byte(v))
	}
	b.EndRow()
	d.answers[1].rows = append(d.answers[1].rows, []any{"customer", "U", "copy of another"})
	require.NoError(t, m.WriteCopy(t.Context(), customer.Table, b.Batch("").Rows, keys("id", bea).Tuples))
	require.NoError(t, m.DropCopy(t.Context(), "lethe_app_customer"))
	for _, s := range d.asked {
		if !strings.Contains(s, "FROM sys.") || strings.Contains(s, "sys.objects") {
			made = append(made, s)
		}
	}
	var own []string
	for _, s := range made {
		if !strings.HasPrefix(s, "SELECT t.object_id") && !strings.Contains(s, "FROM sys.columns") && !strings.Contains(s, "sys.indexes") &&
			!strings.Contains(s, "sys.foreign_keys") && !strings.Contains(s, "sys.triggers") {
			own = append(own, s)
		}
	}
	held(t, "copy", own)

	for _, taken := range []answer{{of: "FROM sys.objects o", rows: [][]any{{"lethe_app_customer", "U", ""}}},
		{of: "FROM sys.objects o", rows: [][]any{{"lethe_app_customer_mail", "V", ""}}},
		{of: "FROM sys.objects o", rows: [][]any{{"lethe_app_customer", "U", "copy of order"}}}} {
		m, d = openedDouble(t, free, taken)
		_, err = m.EnsureCopy(t.Context(), c)
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.Equal(t, "ROLLBACK", d.asked[len(d.asked)-1])
	}
	m, _ = openedDouble(t, answer{of: "sp_getapplock", rows: [][]any{{"-1"}}})
	require.ErrorIs(t, m.WriteCopy(t.Context(), customer.Table, nil, nil), connectors.ErrLocked)
	require.ErrorIs(t, func() error {
		m, _ := openedDouble(t, answer{of: "HAS_PERMS_BY_NAME(DB_NAME()", rows: [][]any{{"1", "0", "1", "lethe_apply"}}})
		return m.CheckCopy(t.Context(), c)
	}(), connectors.ErrDenied)
}

// Views say which tables they read, through others too.
func TestViews(t *testing.T) {
	m, _ := openedDouble(t, answer{of: "FROM sys.views v", rows: [][]any{{"51", "dbo", "inner", "11"}, {"51", "dbo", "inner", "12"},
		{"52", "sales", "outer", "51"}, {"53", "dbo", "nothing", "0"}}})
	views, err := m.Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.View{{Name: "inner", Tables: []string{"customer", "sales.order line"}}, {Name: "nothing"},
		{Name: "sales.outer", Tables: []string{"customer", "sales.order line"}}}, views)
}
