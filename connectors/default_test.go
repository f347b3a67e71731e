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
		"NULL": "", "CURRENT_TIMESTAMP": "", "current_timestamp()": "", "now()": "", "0": "", "'0'": "", "''": "", "": "",
		"(": "", "'": "", "'Ann 1970-01-01'": "", "nextval('a_1970_01_01'::regclass)": "", "(strftime('%s','now'))": "",
		"b'0'": "", "datetime('now')": "", "'00.00'": "", "DATE": "",
	} {
		require.Equal(t, want, ConstantDefault(clause), clause)
	}
}
