package mysql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferencesOfATrigger(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SET NEW.b = f(NEW.a)", "f()"},
		{"SET NEW.b = CONCAT(UPPER(NEW.a), x.g())", "CONCAT() UPPER() x.g()"},
		{"INSERT INTO logs(x) VALUES (OLD.id)", "INSERT logs"},
		{"SET NEW.a = 3--f(1)", "f()"},
		{"INSERT IGNORE logs SET x = 1", "INSERT logs"},
		{"INSERT INTO logs VALUES (1) ON DUPLICATE KEY UPDATE n = n + 1", "INSERT+UPDATE logs"},
		{"REPLACE INTO a.logs SELECT 1 FROM b JOIN c ON 1", "INSERT+DELETE a.logs b c"},
		{"SET NEW.a = REPLACE(NEW.a, 'x', 'y'), NEW.c = INSERT (NEW.a, 1, 2, 'z')", "REPLACE()"},
		{"BEGIN UPDATE LOW_PRIORITY t SET a = 1; DELETE QUICK FROM u WHERE id = OLD.id; END", "UPDATE t DELETE u"},
		{"DELETE v FROM v JOIN w USING (id)", "v? v w"},
		{"BEGIN DECLARE d DATETIME(6); DECLARE c CURSOR FOR SELECT a FROM t; FETCH NEXT FROM c INTO d; FETCH FROM c INTO d; END",
			""},
		{"BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM t WHERE a = EXTRACT(YEAR FROM b) AND c IN (SELECT d FROM e); END",
			"COUNT() t EXTRACT() e"},
		{"SET NEW.a = TRIM(BOTH 'x' FROM NEW.a)", "TRIM()"},
		{"SELECT 1 INTO @x FROM t FOR UPDATE", "t"},
		{"CALL pr(NEW.id)", "CALL pr"},
		{"CALL other.pr", "CALL other.pr"},
		{"SET NEW.a = CAST(NEW.a AS CHAR(10))", "CAST()"},
		{"BEGIN REPEAT SET @i = @i + 1; UNTIL(@i > 3) END REPEAT; END", ""},
		{"SET NEW.a = 'INSERT INTO gone', @f = 'it''s f()', NEW.b = 'a\\' g()' # h()\n, NEW.c = 1 /* i() */ -- j()", ""},
		{"INSERT INTO `odd ``name`` (x` VALUES(1)", "INSERT odd `name` (x VALUES()"},
		{"WITH q AS (SELECT 1 FROM t) SELECT f() FROM q INTO @x", "f()"},
		{"", ""},
		{"INSERT INTO", ""},
		{"'", ""},
		{"`", ""},
		{"DECLARE", ""},
	} {
		t.Run(c.text, func(t *testing.T) { require.Equal(t, c.want, written(references(c.text, false))) })
	}
	require.Equal(t, "INSERT log", written(references(`INSERT INTO "log" VALUES ("x")`, true)))
	require.Empty(t, written(references(`SET NEW.a = "FROM t"`, false)))
}

func written(refs []triggerRef) string {
	var out []string
	for _, r := range refs {
		name := strings.TrimPrefix(r.database+"."+r.name, ".")
		switch {
		case r.procedure:
			name = "CALL " + name
		case !r.table:
			name += "()"
		case len(r.events) > 0:
			name = strings.Join(r.events, "+") + " " + name
		}
		if r.doubt {
			name += "?"
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestWhatATriggerMayWriteTo(t *testing.T) {
	writes := func(text string) string {
		var out []string
		trigger := readTrigger([]string{"t", "tr", "DELETE", text, "", "", "", ""}, "crm", map[string]bool{"f": true})
		for _, w := range trigger.Writes {
			out = append(out, w.Event+" "+w.Table)
		}
		for _, c := range trigger.Calls {
			out = append(out, "CALL "+c)
		}
		return strings.Join(out, ", ")
	}
	for text, want := range map[string]string{
		"DELETE o FROM orders o JOIN people p ON p.id = o.who WHERE o.x IN (SELECT y FROM z)": "DELETE o, DELETE orders, DELETE people",
		"DELETE FROM o USING orders o, people WHERE o.who = OLD.id":                           "DELETE o, DELETE orders, DELETE people",
		"UPDATE a, b JOIN c ON b.x = c.x SET b.x = (SELECT x FROM d), a.y = 1":                "UPDATE a, UPDATE b, UPDATE c",
		"UPDATE a SET x = 1, y = 2 WHERE z IN (1, 2)":                                         "UPDATE a",
		"BEGIN DELETE FROM a; SELECT 1 INTO @x FROM b; END":                                   "DELETE a",
		"BEGIN CREATE TEMPORARY TABLE q (id INT); DELETE FROM orders; SELECT 1 FROM q; END":   "DELETE orders",
		"INSERT INTO a WITH q AS (SELECT 1 FROM b) SELECT * FROM q":                           "INSERT a",
		"SET NEW.a = F(NEW.a), NEW.b = CONCAT(NEW.a, 'g()')":                                  "CALL F",
		"SET NEW.a = other.g(NEW.a)":                                                          "CALL other.g",
		"DELETE FROM CRM.people WHERE id = OLD.id":                                            "DELETE people",
	} {
		require.Equal(t, want, writes(text), text)
	}
	require.Equal(t, "o? q? orders p DELETE r", written(references("BEGIN DELETE o, q FROM orders o JOIN p; "+
		"DELETE FROM r ORDER BY x, y; END", false)), "an alias, or a field, is not missed as a table")
}

func FuzzReferences(f *testing.F) {
	f.Add("INSERT INTO logs(x) VALUES ('a')", true)
	f.Add("BEGIN DECLARE x INT; SELECT f(1) FROM `t`; END /*", false)
	f.Fuzz(func(t *testing.T, text string, ansi bool) {
		for _, r := range references(text, ansi) {
			require.NotEqual(t, triggerRef{}, r)
		}
	})
}

func TestGrantsAsTheServerWritesThem(t *testing.T) {
	g := grants{"*.*": {"USAGE"}, "`shop\\_1`.*": {"SELECT", "TRIGGER"}, "`crm`.`people`": {"SELECT", "UPDATE (`a`", "`b`)"},
		"`all%`.*": {"ALL PRIVILEGES"}}
	for _, c := range []struct {
		right, database, table string
		want                   bool
	}{
		{"SELECT", "shop_1", "", true}, {"SELECT", "shopx1", "", false}, {"TRIGGER", "shop_1", "people", true},
		{"SELECT", "crm", "people", true}, {"SELECT", "crm", "", false}, {"SELECT", "crm", "orders", false},
		{"UPDATE", "crm", "people", true}, {"DELETE", "crm", "people", false}, {"DELETE", "all of it", "x", true},
		{"DELETE", "al", "x", false},
	} {
		require.Equal(t, c.want, g.has(c.right, c.database, c.table), fmt.Sprint(c))
	}
	require.True(t, grants{"*.*": {"ALL PRIVILEGES"}}.has("TRIGGER", "x", "y"))
	require.False(t, grants(nil).has("TRIGGER", "x", "y"))
}
