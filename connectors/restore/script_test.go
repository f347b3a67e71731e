package restore

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// split is what a script is split into: statements, the rows behind them, and databases to go on in.
func split(in io.Reader) (parts []string, err error) {
	s := newScript(in)
	for {
		st, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return parts, nil
		case err != nil:
			return parts, err
		case st.Connect != "":
			parts = append(parts, "connect "+st.Connect)
			continue
		}
		parts = append(parts, st.Text)
		if st.Rows {
			r, err := s.rows()
			if err != nil {
				return parts, err
			}
			rows, err := io.ReadAll(r)
			if err != nil {
				return parts, err
			}
			parts = append(parts, "rows "+string(rows))
		}
	}
}

func TestScriptsAreSplitAsPsqlDoes(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT 1;SELECT 2;\n":                                    {"SELECT 1;", "SELECT 2;"},
		"SELECT 1":                                                {"SELECT 1"},
		"-- nothing; at all":                                      nil,
		"SELECT ';', '''; ', \"a;\"\"b\";":                        {"SELECT ';', '''; ', \"a;\"\"b\";"},
		`SELECT E'\';', 'a\', ';';SELECT 2;`:                      {`SELECT E'\';', 'a\', ';';`, "SELECT 2;"},
		`SELECT fe'\'; SELECT 2;`:                                 {`SELECT fe'\';`, " SELECT 2;"},
		"SELECT $$;'$$, $a$;$$;$a$;":                              {"SELECT $$;'$$, $a$;$$;$a$;"},
		"SELECT a$b$ FROM c$d; SELECT $1;":                        {"SELECT a$b$ FROM c$d;", " SELECT $1;"},
		"/* ; /* ; */ ; */ SELECT 1; --;\nSELECT 2;":              {"/* ; /* ; */ ; */ SELECT 1;", " --;\nSELECT 2;"},
		"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; TABLE u);": {"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; TABLE u);"},
		"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;SELECT 3;": {
			"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;", "SELECT 3;"},
		"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; END;SELECT 3;": {
			"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; END;", "SELECT 3;"},
		"BEGIN; SELECT 1; END;": {"BEGIN;", " SELECT 1;", " END;"},
		"COPY public.t (a, b) FROM stdin;\n1\t\\N\n\\\\.\n;'\n\\.\nSELECT 1;": {
			"COPY public.t (a, b) FROM stdin;", "rows 1\t\\N\n\\\\.\n;'\n", "\nSELECT 1;"},
		"COPY t TO STDOUT;\nSELECT 1;":                        {"COPY t TO STDOUT;", "\nSELECT 1;"},
		"COPY (SELECT 'FROM STDIN') TO STDOUT;":               {"COPY (SELECT 'FROM STDIN') TO STDOUT;"},
		"\\restrict aB1\nSELECT 1;\n\\unrestrict aB1\n":       {"SELECT 1;"},
		"\\connect shop\nSELECT 1;":                           {"connect shop", "SELECT 1;"},
		"\\connect -reuse-previous=on \"dbname='my shop'\"\n": {"connect my shop"},
		"\\c \"my shop\"\n":                                   {"connect my shop"},
	} {
		for way, in := range map[string]io.Reader{"at once": strings.NewReader(text),
			"byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
			got, err := split(in)
			require.NoError(t, err, text)
			for i := range want {
				want[i] = strings.TrimSpace(want[i])
			}
			for i := range got {
				if !strings.HasPrefix(got[i], "rows ") {
					got[i] = strings.TrimSpace(got[i])
				}
			}
			for i := range want {
				if strings.HasPrefix(want[i], "rows ") {
					want[i] += "\n"
				}
			}
			require.Equal(t, want, got, "%s, %s", text, way)
		}
	}
}

// TestNoCommandIsObeyed: whatever stands where psql would take a command, it ends the script, or is part of a string or of
// rows.
func TestNoCommandIsObeyed(t *testing.T) {
	for _, text := range []string{
		"\\! touch /tmp/x\n", "SELECT 1 \\! touch /tmp/x\n;", "\\i other.sql\n", "\\copy t from program 'x'\n", "\\o |x\n", "\\gexec\n",
		"\\connect shop other.example.org 5432\n", "\\connect \"host=evil.example.org dbname=shop\"\n", "\\connect `x`\n",
		"\\connect shop \\! x\n", "\\connect postgres://evil.example.org/x\n", "SELECT 1;\\.\n", "\\setenv A b\n",
		"COPY t FROM stdin; SELECT 1;\n\\.\n", "COPY t FROM stdin;\n1\n", "$a$ \\! x $a $a$; \\! x\n",
	} {
		_, err := split(strings.NewReader(text))
		require.ErrorIs(t, err, connectors.ErrDamaged, text)
	}
	// psql leaves COPY where the server refuses it, and obeys what stands in the rows; here they stay rows.
	got, err := split(strings.NewReader("COPY nothere FROM stdin;\n\\! touch /tmp/x\n\\.\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"COPY nothere FROM stdin;", "rows \\! touch /tmp/x\n"}, got)
}

// FuzzScript: whatever the text, it is split to its end or refused, and statements and rows are what stood there.
func FuzzScript(f *testing.F) {
	f.Add("SELECT $a$;$a$, E'\\'';COPY t FROM stdin;\n1\n\\.\n\\connect a\n")
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := split(strings.NewReader(text))
		rest := text
		for _, p := range parts {
			if strings.HasPrefix(p, "connect ") {
				continue
			}
			p = strings.TrimPrefix(p, "rows ")
			i := strings.Index(rest, strings.TrimSpace(p))
			require.True(t, i >= 0 || err != nil || strings.Contains(text, `\`), "something stands there that did not")
			if i >= 0 {
				rest = rest[i:]
			}
		}
	})
}
