package dumpfile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConversionsOfLiterals(t *testing.T) {
	for raw, want := range map[string]string{
		"TO_DATE('1980-02-03','YYYY-MM-DD')":                            "1980-02-03",
		"to_date ( '3.2.1980' , 'dd.mm.yyyy' )":                         "1980-02-03",
		"TO_DATE('19800203', 'YYYYMMDD')":                               "1980-02-03",
		"to_date('12-MAY-1980','DD-MON-RRRR')":                          "1980-05-12",
		"to_date('1980/02/03 07:08:09','YYYY/MM/DD HH24:MI:SS')":        "1980-02-03 07:08:09",
		"to_timestamp('1980-02-03 07:08:09.5','YYYY-MM-DD HH24:MI:SS')": "1980-02-03 07:08:09.5",
		"STR_TO_DATE('3/2/1980', '%d/%m/%Y')":                           "1980-02-03",
		"STR_TO_DATE('3/2/1980 7:08:09', '%e/%c/%Y %T')":                "1980-02-03 07:08:09",
		"TO_DATE('1980-02-03','YYYY-MM-DD','NLS_DATE_LANGUAGE=X')":      "1980-02-03",
		"DATE '1980-02-03'":                                             "1980-02-03",
		"timestamp'1980-02-03 07:08:09'":                                "1980-02-03 07:08:09",
		"CAST('1980-02-03' AS DATE)":                                    "1980-02-03",
		"cast('12.50' as decimal(10,2))":                                "12.50",
		"TO_DATE('03.02.80','DD.MM.YY')":                                "", // which century hangs on when it is read
		"TO_DATE('1980-02-30','YYYY-MM-DD')":                            "",
		"TO_DATE('1980-02-03')":                                         "",
		"TO_DATE(x,'YYYY-MM-DD')":                                       "",
		"TO_DATE('1980-02-03','YYYY-MM-DD') + 1":                        "",
		"CAST('1980-02-03' AS DATE) || 'x'":                             "",
		"CAST(x AS DATE)":                                               "",
		"DATE '1980' '-02-03'":                                          "",
		"SYSDATE":                                                       "",
		"NOW()":                                                         "",
		"UPPER('x')":                                                    "",
		"TO_CHAR('x','y')":                                              "",
		"DATE":                                                          "",
		"CAST":                                                          "",
		"":                                                              "",
	} {
		c, ok := ReadConversion([]byte(raw))
		got := ""
		if ok {
			got = string(c.Literal[1 : len(c.Literal)-1])
			if c.Format != nil {
				got, _ = c.Civil(got, false)
			}
		}
		require.Equal(t, want, got, raw)
	}
	c, ok := ReadConversion([]byte("TO_DATE('1980-02-03 10:00','YYYY-MM-DD HH24:MI')"))
	require.True(t, ok)
	day, ok := c.Civil("1980-02-03 10:00", true)
	require.True(t, ok)
	require.Equal(t, "1980-02-03", day)
}

func FuzzConversion(f *testing.F) {
	f.Add("TO_DATE('1980-02-03','YYYY-MM-DD')")
	f.Add("CAST('x' AS T)")
	f.Fuzz(func(_ *testing.T, raw string) {
		if c, ok := ReadConversion([]byte(raw)); ok && c.Format != nil {
			c.Civil(string(c.Literal), false)
		}
	})
}
