package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// tables returns the named tables of the suite, as this engine can hold them, parents before children; no
// name means all but the big one.
func (h Harness) tables(names ...string) []Table {
	var chosen []Table
	for _, t := range h.all() {
		if len(names) == 0 || slices.Contains(names, t.Def.Name) {
			chosen = append(chosen, h.without(t))
		}
	}
	return chosen
}

// without drops the fields that the engine lacks, and rows whose text keys it cannot tell from those of
// earlier rows.
func (h Harness) without(t Table) Table {
	var keep []int
	var fields []connectors.Field
	for i, f := range t.Def.Fields {
		lacks := func(what Feature, has bool) bool { return has && slices.Contains(h.Lacks, what) }
		if lacks(Bit, f.Kind == connectors.Bit) || lacks(JSON, f.Kind == connectors.JSON) ||
			lacks(Generated, f.Generated) || lacks(AutoUpdate, f.AutoUpdate) {
			continue
		}
		keep, fields = append(keep, i), append(fields, f)
	}
	out := t
	out.Def.Fields, out.Rows = fields, nil
	textKey := len(t.Def.Key) == 1 && t.Def.Fields[0].Kind == connectors.Text
	for _, row := range t.Rows {
		same := func(r []any) bool { return h.sameKey(r[0].(string), row[0].(string)) }
		if textKey && slices.ContainsFunc(out.Rows, same) {
			continue
		}
		var short []any
		for _, i := range keep {
			v := row[i]
			if other, odd := beyondCalendar[v]; odd && slices.Contains(h.Lacks, ZeroDate) {
				v = other
			}
			short = append(short, v)
		}
		out.Rows = append(out.Rows, short)
	}
	return out
}

// beyondCalendar has, for values of days and times that only some engines hold, others.
var beyondCalendar = map[any]any{"0000-00-00": "0001-01-01", "0000-00-00 00:00:00": "0001-01-01 00:00:00",
	"27:00:00": "23:59:59"}

func (h Harness) sameKey(a, b string) bool {
	return a == b || h.SameKey != nil && h.SameKey(a, b)
}

const oddName = "odd `name`. \"x\""

func field(name, typ string, kind connectors.Kind) connectors.Field {
	return connectors.Field{Name: name, Type: typ, Kind: kind}
}

func nullable(name, typ string, kind connectors.Kind) connectors.Field {
	return connectors.Field{Name: name, Type: typ, Kind: kind, Nullable: true}
}

func restrict(fields []string, table string, ref []string) connectors.ForeignKey {
	return connectors.ForeignKey{Fields: fields, RefTable: table, RefFields: ref, OnDelete: "RESTRICT"}
}

func onUpdate(action string, fields []string, table string, ref []string) connectors.ForeignKey {
	fk := restrict(fields, table, ref)
	fk.OnUpdate = action
	return fk
}

func (h Harness) all() []Table {
	return []Table{
		{
			Def: connectors.Table{
				Name: "customer", Key: []string{"id"}, Unique: [][]string{{"email"}},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					field("name", "varchar(60)", connectors.Text),
					nullable("email", "varchar(60)", connectors.Text),
					nullable("note", "varchar(200)", connectors.Text)},
			},
			Rows: [][]any{
				{"-9223372036854775808", "Least", nil, ""},
				{"-5", "Negative", "neg@example.com", nil},
				{"0", "Zero", "zero@example.com", "zero"},
				{"1", "Ann", "ann@example.com", "it's \"quoted\""},
				{"2", "Bea", "bea@example.com", "back\\slash \\' and \\n"},
				{"3", "Cat", "cat@example.com", "a),(b; -- c /* d */"},
				{"10", "Dan", "dan@example.com", "INSERT INTO `customer` VALUES (1);"},
				{"11", "Eve", "eve@example.com", "line\nbreak\r\ttab \x1a"},
				{"12", "𝄞 clef 😀", nil, "NULL"},
				{"9007199254740993", "Beyond a double", nil, "\\N"},
				{"9223372036854775807", "Most", "most@example.com", "trailing space "},
			},
		},
		{
			Def: connectors.Table{
				Name: "order", Key: []string{"id"},
				ForeignKeys: []connectors.ForeignKey{restrict([]string{"customer_id"}, "customer", []string{"id"})},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					field("customer_id", "bigint", connectors.Integer),
					nullable("group", "varchar(20)", connectors.Text)},
			},
			Rows: [][]any{{"100", "1", "x"}, {"101", "1", nil}, {"102", "2", ""}, {"103", "10", "x"},
				{"104", "9223372036854775807", "x"}},
		},
		{
			Def: connectors.Table{
				Name: "line item", Key: []string{"order_id", "pos"},
				ForeignKeys: []connectors.ForeignKey{onUpdate("CASCADE", []string{"order_id"}, "order", []string{"id"})},
				Fields: []connectors.Field{nullable("sku", "varchar(20)", connectors.Text),
					field("order_id", "bigint", connectors.Integer), field("pos", "varchar(10)", connectors.Text)},
			},
			Rows: [][]any{{"s1", "100", "1"}, {"s2", "100", "10"}, {"s3", "100", "2"}, {"s1", "101", "1"},
				{"s2", "102", "1"}, {nil, "103", "1"}, {"s4", "103", "2"}, {"s5", "104", "1"}},
		},
		{
			Def: connectors.Table{
				Name: "shipment", Key: []string{"id"},
				ForeignKeys: []connectors.ForeignKey{onUpdate("SET NULL", []string{"order_id", "pos"}, "line item",
					[]string{"order_id", "pos"})},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					nullable("order_id", "bigint", connectors.Integer),
					nullable("pos", "varchar(10)", connectors.Text)},
			},
			Rows: [][]any{{"1", "100", "1"}, {"2", "100", "10"}, {"3", "102", "1"}, {"4", nil, "1"}, {"5", "100", nil},
				{"6", nil, nil}, {"7", "100", "1"}},
		},
		{
			Def: connectors.Table{
				Name: "staff", Key: []string{"id"},
				ForeignKeys: []connectors.ForeignKey{restrict([]string{"boss_id"}, "staff", []string{"id"})},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					nullable("boss_id", "bigint", connectors.Integer)},
			},
			Rows: [][]any{{"1", nil}, {"2", "1"}, {"3", "1"}, {"4", "2"}},
		},
		{
			Def: connectors.Table{
				Name: "country", Key: []string{"code"},
				Fields: []connectors.Field{field("code", "varchar(40)", connectors.Text),
					nullable("name", "varchar(40)", connectors.Text)},
			},
			Rows: [][]any{{"", "empty key"}, {" lead", "leading space"}, {"10", "ten"}, {"9", "nine"},
				{"it's", "quote"}, {"say \"x\"", "double quote"},
				{"x\\y", "backslash"}, {"zürich", "two bytes"}, {"漢字", "three bytes"}, {"😀", "four bytes"}},
		},
		{
			Def: connectors.Table{
				Name: "collated", Key: []string{"word"},
				Fields: []connectors.Field{field("word", "varchar(40)", connectors.Text),
					field("n", "bigint", connectors.Integer)},
			},
			Rows: [][]any{{"a", "1"}, {"A", "2"}, {"a ", "3"}, {"b", "4"}, {"e", "5"}, {"straße", "6"},
				{"strasse", "7"}, {"STRASSE", "8"}, {"é", "9"}, {"É", "10"}},
		},
		{
			Def: connectors.Table{
				Name: "kinds", Key: []string{"id"},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					nullable("txt", "varchar(100)", connectors.Text), nullable("num", "bigint", connectors.Integer),
					nullable("money", "decimal(20,4)", connectors.Decimal),
					nullable("ratio", "double", connectors.Float), nullable("day", "date", connectors.Date),
					nullable("clock", "time", connectors.Time), nullable("moment", "datetime", connectors.Timestamp),
					nullable("raw", "varbinary(100)", connectors.Binary),
					nullable("flags", "bit(9)", connectors.Bit), nullable("doc", "json", connectors.JSON)},
			},
			Rows: [][]any{
				{"1", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
				{"2", "", "0", "0.0000", "0", "0000-00-00", "00:00:00", "0000-00-00 00:00:00", "", "000000000", "{}"},
				{"3", "NULL", "-9223372036854775808", "-12.5000", "-0.25", "2024-02-29", "15:04:05",
					"2024-02-29 23:59:59", "\x00\xff\xfe'\"\\\n\r\x1a", "101010101", "{\"a\": \"it's \\\"b\\\"\"}"},
				{"4", "😀 ß 漢", "9223372036854775807", "1234567.8910", "1.5", "1900-01-01", "27:00:00",
					"1999-12-31 00:00:00", "\xc3\x28 not UTF-8 \x80", "111111111", "[1, 2]"},
				{"5", " padded ", "7", "7.0000", "1000000", "9999-12-31", "00:00:01", "2038-01-19 03:14:08",
					"trailing \x00\x00", "000000001", "null"},
			},
		},
		{
			Def: connectors.Table{
				Name: oddName, Key: []string{"k`e\"y"},
				Fields: []connectors.Field{field("k`e\"y", "bigint", connectors.Integer),
					nullable("select", "varchar(20)", connectors.Text),
					nullable("with space", "varchar(20)", connectors.Text)},
			},
			Rows: [][]any{{"1", "one", "eins"}, {"2", nil, "zwei"}, {"3", "three", nil}, {"4", "four", "vier"}},
		},
		{
			Def: connectors.Table{Name: "keyless",
				Fields: []connectors.Field{nullable("a", "varchar(20)", connectors.Text),
					nullable("b", "bigint", connectors.Integer)}},
			Rows: [][]any{{"same", "1"}, {"same", "1"}, {"same", "1"}, {"other", nil}, {nil, "2"}, {nil, nil},
				{"", "3"}},
		},
		{
			Def: connectors.Table{Name: "badge", Key: []string{"number", "site"}, Alternate: true, Unique: [][]string{{"holder"}},
				Fields: []connectors.Field{field("site", "varchar(20)", connectors.Text),
					field("number", "bigint", connectors.Integer), nullable("holder", "varchar(20)", connectors.Text)}},
			Rows: [][]any{{"A", "-1", nil}, {"", "7", "Cat"}, {"A", "7", "Ann"}, {"B", "7", nil}, {"A", "70", "Bea"}},
		},
		{
			Def: connectors.Table{Name: "empty", Key: []string{"id"},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					nullable("x", "varchar(20)", connectors.Text)}},
		},
		{
			Def: connectors.Table{
				Name: "computed", Key: []string{"id"},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					nullable("n", "bigint", connectors.Integer),
					{Name: "twice", Type: "bigint", Kind: connectors.Integer, Nullable: true, Generated: true},
					nullable("note", "varchar(20)", connectors.Text)},
			},
			Computed: map[string]string{"twice": "n * 2"},
			Rows:     [][]any{{"1", "21", "42", "x"}, {"2", nil, nil, "y"}, {"3", "-4", "-8", nil}},
		},
		{
			Def: connectors.Table{
				Name: "stamped", Key: []string{"id"},
				Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
					nullable("note", "varchar(20)", connectors.Text),
					{Name: "changed", Type: "timestamp", Kind: connectors.Timestamp, Nullable: true, AutoUpdate: true,
						Zoned: true}},
			},
			Rows: [][]any{{"1", "x", "2020-01-01 00:00:00"}, {"2", "y", nil}, {"3", "z", "2021-06-30 12:00:00"}},
		},
	}
}

// manyTable has more rows than a statement should hold keys.
func manyTable(rows int) Table {
	t := Table{Def: connectors.Table{Name: "many", Key: []string{"id"},
		Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
			nullable("grp", "bigint", connectors.Integer)}}}
	for i := range rows {
		t.Rows = append(t.Rows, []any{strconv.Itoa(i * 3), strconv.Itoa(i % 7)})
	}
	return t
}

// bigTable holds rows of about 3 MB, so that batches must end by size.
func bigTable() Table {
	t := Table{Def: connectors.Table{Name: "big", Key: []string{"id"},
		Fields: []connectors.Field{field("id", "bigint", connectors.Integer),
			field("blob", "longblob", connectors.Binary)}}}
	for i := range 7 {
		t.Rows = append(t.Rows, []any{strconv.Itoa(i), strings.Repeat(fmt.Sprintf("%04d'\\\x00\xff", i), 3<<20/8)})
	}
	return t
}
