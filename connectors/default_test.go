package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConstantDefault(t *testing.T) {
	for clause, want := range map[string]string{
		"'1970-01-01'": "1970-01-01", "1970-01-01": "1970-01-01", "\"1970-01-01\"": "1970-01-01",
		"'0000-00-00 00:00:00'": "0000-00-00 00:00:00", "DATE '1970-01-01'": "1970-01-01", "('1970-01-01')": "1970-01-01",
		"'1970-01-01'::date": "1970-01-01", "'1970-01-01 00:00:00+00'::timestamp with time zone": "1970-01-01 00:00:00+00",
		"TIMESTAMP'9999-12-31 23:59:59'": "9999-12-31 23:59:59", " '2038-01-19T03:14:07Z' ": "2038-01-19T03:14:07Z",
		"19700101": "19700101", "'1970-1-1'": "1970-1-1",
		"(date('2000-01-01'))": "2000-01-01", "datetime('2000-01-01 00:00:00')": "2000-01-01 00:00:00",
		"CAST('2000-01-01' AS DATE)": "2000-01-01", "cast(_utf8mb4\\'2000-01-01\\' as date)": "2000-01-01",
		"to_date('2000-01-01'::text, 'YYYY-MM-DD'::text)": "2000-01-01", "((('2000-01-01')))": "2000-01-01",
		"strftime('%Y-%m-%d', '2000-01-01')": "2000-01-01", "make_date(2000, 1, 1)": "2000-1-1",
		"str_to_date('2000-01-01','%Y-%m-%d')": "2000-01-01", "'2000-01-01' NOT NULL, other date": "2000-01-01",
		"date('2000-01-01') CHECK (d > '1999-01-01'), other": "2000-01-01", "'1970-01-01')": "1970-01-01",
		"NULL, since date DEFAULT '2000-01-01'": "", "now() CHECK (d > '2000-01-01')": "",
		"NULL COMMENT '2000-01-01'": "2000-01-01", // at worst a day too many
		"CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, d date DEFAULT '2000-01-01'": "",
		"date('now','start of year')": "", "nextval('s'::regclass)": "", "now(": "", "date('2000-01-01": "",
		"NULL": "", "CURRENT_TIMESTAMP": "", "current_timestamp()": "", "now()": "", "0": "", "'0'": "", "''": "", "": "",
		"(": "", "'": "", "'Ann 1970-01-01'": "", "nextval('a_1970_01_01'::regclass)": "", "(strftime('%s','now'))": "",
		"b'0'": "", "datetime('now')": "", "'00.00'": "", "DATE": "",
	} {
		require.Equal(t, want, ConstantDefault(clause), clause)
	}
}
