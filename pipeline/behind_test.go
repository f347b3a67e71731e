package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/connectors/mysqldump"
	"lethe/connectors/sqlite"
	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

const peopleInLive = `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT CHECK (name <> 'x'), status TEXT,
	created TEXT, unit TEXT); INSERT INTO people VALUES (1, 'ada@lago.it', 'Ada', 'active', '2026-01-01', NULL),
	(2, 'bob@lago.it', 'Bob', 'active', '2026-01-01', NULL), (3, 'eve@lago.it', 'Eve', 'active', '2023-01-01', NULL);`

const peopleInDump = "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n/*!40101 SET NAMES utf8mb4 */;\n" +
	"CREATE TABLE `people` (`id` int NOT NULL, `email` text, `name` text, `status` text, `created` text, `unit` text, " +
	"PRIMARY KEY (`id`));\nINSERT INTO `people` VALUES (1,'ada@lago.it','Ada','active','2026-01-01',NULL)," +
	"(2,'bob@lago.it','Bob','active','2026-01-01',NULL),(3,'eve@lago.it','Eve','active','2023-01-01',NULL);\n" +
	"-- Dump completed on 2026-11-19  1:00:00\n"

// behind is a company with a database and a dump of it.
func behind(t *testing.T, schema string, silo func(*policy.Silo)) (w *world, live, dump string) {
	w = newWorld(t, news(silo))
	live, dump = filepath.Join(w.Dir, "crm.db"), filepath.Join(w.Dir, "crm.sql")
	change(t, live, peopleInLive+schema)
	require.NoError(t, os.WriteFile(dump, []byte(peopleInDump), 0o600))
	w.Setup.Sources[0].Open = func(ctx context.Context) (connectors.Source, error) {
		return sqlite.Open(ctx, connectors.Options{Name: "crm", DSN: live, ApplyDSN: live})
	}
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "dump", Application: "crm", Environment: "backup",
		Of: "crm", Path: dump, Connector: "mysqldump", Rewrite: &setup.RewriteTerms{}, TakenAt: w.Now.AddDate(0, 0, -1),
		Open: func(ctx context.Context) (connectors.Source, error) {
			return mysqldump.Open(ctx, connectors.Options{Name: "dump", DSN: dump, Rewrite: true})
		}})
	w.UsualEvents()
	return w, live, dump
}

func change(t *testing.T, file, statements string) {
	t.Helper()
	db, err := sqlite3.Open(file)
	require.NoError(t, err)
	require.NoError(t, db.Exec(statements))
	require.NoError(t, db.Close())
}

// What the live store refuses, or keeps for what refers to it, stays in its backups: restored, they hold what it does.
// What it has no more goes from them.
func TestABackupKeepsWhatItsLiveStoreDoes(t *testing.T) {
	const claims = "CREATE TABLE claims (id INTEGER PRIMARY KEY, who INTEGER REFERENCES people (id));"
	x := "constant:x"
	empties := func(s *policy.Silo) {
		s.Rules[0].End, s.Anonymize = policy.Anonymize, map[string]*string{"name": &x}
	}
	for _, c := range []struct {
		name, schema, since string
		silo                func(*policy.Silo)
		kept                bool // bob's row
		nextNight           string
	}{
		{"nothing holds it", "", "", nil, false, ""},
		{"a trigger refuses it", `CREATE TRIGGER keep BEFORE DELETE ON people WHEN OLD.id = 2
			BEGIN SELECT RAISE(ABORT, 'no'); END`, "", nil, true, ""},
		{"a trigger refused it, and somebody deleted it since", `CREATE TRIGGER keep BEFORE DELETE ON people
			WHEN OLD.id = 2 BEGIN SELECT RAISE(ABORT, 'no'); END`, "", nil, false,
			"DROP TRIGGER keep; DELETE FROM people WHERE id = 2"},
		{"a check refuses what is written", "", "", empties, true, ""},
		{"a row that the dump does not have refers to it", claims + "INSERT INTO claims VALUES (1, 2)", "", nil, true, ""},
		{"one does since the plan was made", claims, "INSERT INTO claims VALUES (1, 2)", nil, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, live, dump := behind(t, c.schema, c.silo)
			_, err := w.night()
			if err != nil {
				require.ErrorIs(t, err, setup.ErrUnapproved, "nobody was told of the trigger")
			}
			w.approve()
			change(t, live, c.since)
			_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
			if err != nil {
				require.ErrorIs(t, err, setup.ErrSource)
				require.ErrorContains(t, err, "source dump: ", "it is said of the backup too")
			}
			change(t, live, c.nextNight)
			for range 2 {
				w.Now = w.Now.AddDate(0, 0, 1)
				if r, _ := w.night(); len(r.Waiting) > 0 {
					require.NotEmpty(t, c.nextNight, "nobody is asked about what the live store keeps")
					w.approve()
				}
			}
			text, err := os.ReadFile(dump)
			require.NoError(t, err)
			if c.kept {
				require.Contains(t, string(text), "'Bob'")
			} else {
				require.NotContains(t, string(text), "'Bob'")
			}
			require.Contains(t, string(text), "'Ada'")
		})
	}
}

// Rows went with others since the plan said so, after the policy had come to say that they do not.
func TestAPlanEndsThatThePolicyOfTodayWouldNotMake(t *testing.T) {
	notes := func() mem.Table {
		return table("notes", []connectors.Field{id, field("person", connectors.Integer, true)},
			[]connectors.ForeignKey{fk("people", "person")}, []any{"1", "2"}, []any{"2", "1"})
	}
	does := func(do string) []policy.Dependent {
		return []policy.Dependent{{Table: "notes", FK: []string{"person"}, Do: do}}
	}
	also := policy.Dependent{Table: "people", FK: []string{"status"}, Do: "delete"}
	for name, c := range map[string]struct {
		then, now []policy.Dependent
		ends      bool
	}{
		"the same":              {does("delete"), does("delete"), false},
		"they forget":           {does("delete"), does("set_null"), true},
		"they are not named":    {does("delete"), nil, true},
		"they no longer forget": {does("set_null"), nil, true},
		"they go":               {does("set_null"), does("delete"), true},
		"others go as well":     {does("delete"), append(does("delete"), also), true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(depends(c.then...)), people(), notes())
			w.UsualEvents()
			w.planned()
			compiled, err := policy.Compile(news(depends(c.now...)), w.Setup.Zone, "IT")
			require.NoError(t, err)
			w.Setup.Silos[0] = compiled
			_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
			if !c.ends {
				require.NoError(t, err)
				require.Len(t, w.Rows("people"), 1)
				return
			}
			require.ErrorIs(t, err, setup.ErrExpired)
			require.ErrorContains(t, err, "by the policy of today")
			require.Len(t, w.Rows("people"), 3)
			require.Len(t, w.Rows("notes"), 2)
		})
	}
}

// A field that two references use is emptied for none of them while the other one stays.
func TestForgettingOneEmptiesNoOtherThatStays(t *testing.T) {
	whole := func(name string) connectors.Field { return field(name, connectors.Integer, true) }
	composite := func(fields ...string) connectors.ForeignKey {
		return connectors.ForeignKey{Name: "fk_" + fields[1], Fields: fields, RefTable: "people",
			RefFields: []string{"tenant", "id"}, OnDelete: "RESTRICT"}
	}
	buyers := people(field("tenant", connectors.Integer, false))
	for _, row := range buyers.Rows {
		row[len(row)-1] = "7"
	}
	buyers.Def.Unique = [][]string{{"tenant", "id"}}
	visits := table("visits", []connectors.Field{id, whole("tenant"), whole("buyer"), whole("seller")},
		[]connectors.ForeignKey{composite("tenant", "buyer"), composite("tenant", "seller")},
		[]any{"1", "7", "2", "1"}, []any{"2", "7", "1", "2"}, []any{"3", "7", "2", "3"}, []any{"4", "7", "1", "1"})
	w := newWorld(t, news(depends(policy.Dependent{Table: "visits", FK: []string{"tenant", "buyer"}, Do: "set_null"},
		policy.Dependent{Table: "visits", FK: []string{"tenant", "seller"}, Do: "set_null"})), buyers, visits)
	w.UsualEvents()
	w.planned()
	w.applied()
	require.Equal(t, []string{"1 7 - 1", "2 7 1 -", "3 - - -", "4 7 1 1"}, w.Rows("visits"))
}
