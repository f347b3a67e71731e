package sanitize_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/mysqldump"
	"lethe/pipeline/sanitize"
	"lethe/pipeline/sanitize/maker"
)

// catalogue is read once.
var catalogue = sync.OnceValue(func() *classifiers.Catalogue {
	c, err := classifiers.New()
	if err != nil {
		panic(err)
	}
	return c
})

// job makes the job of copying a dump with these statements.
func job(t *testing.T, statements string) sanitize.Job {
	dir := t.TempDir()
	from := filepath.Join(dir, "shop.sql")
	require.NoError(t, os.WriteFile(from, []byte("-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n"+statements+
		"\n-- Dump completed on 2026-11-29 10:00:00\n"), 0o600))
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	return sanitize.Job{From: from, To: filepath.Join(dir, "copy.sql"), Catalogue: catalogue(), Key: key, Base: "shop.sql", Work: t.TempDir(),
		Open: func(ctx context.Context, path string) (connectors.Source, error) {
			return mysqldump.Connector.Open(ctx, connectors.Options{Name: "shop", DSN: path, Rewrite: true})
		},
		Progress: func(string) (func(int64, int64), func()) { return func(int64, int64) {}, func() {} }}
}

// rows are the values of a table of a dump, by field.
func rows(t *testing.T, j sanitize.Job, path, table string) map[string][]string {
	src, err := j.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	out := map[string][]string{}
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: table}) {
		require.NoError(t, err)
		for i, f := range b.Rows.Schema().Fields() {
			col := b.Rows.Column(i).(*array.Binary)
			for row := range col.Len() {
				v := "NULL"
				if !col.IsNull(row) {
					v = string(col.Value(row))
				}
				out[f.Name] = append(out[f.Name], v)
			}
		}
	}
	return out
}

// clean says that nothing is left beside the target, nor where it was made.
func clean(t *testing.T, j sanitize.Job) {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(j.To), "*"))
	require.NoError(t, err)
	require.Equal(t, []string{j.From}, left)
	hidden, err := filepath.Glob(filepath.Join(filepath.Dir(j.To), ".*"))
	require.NoError(t, err)
	require.Empty(t, hidden)
}

// company is a dump of so many members, each with a card of four digits that nobody else has, and of what they ordered.
func company(n int) string {
	var members, orders []string
	for i := range n {
		mail := fmt.Sprintf("'%s.%s.%d@example.org'", []string{"ada", "bruno", "carla"}[i%3], []string{"rossi", "ricci"}[i%2], i)
		members = append(members, fmt.Sprintf("(%d,%s,'Ada Rossi %d','%04d','1980-01-%02d')", i, mail, i, (i*7919)%10000, 1+i%28))
		orders = append(orders, fmt.Sprintf("(%d,%s,'%04d',%d.50)", i, mail, (i*7919)%10000, i))
	}
	return "CREATE TABLE `orders` (`id` int(11) NOT NULL, `member_email` varchar(60) NOT NULL, `code` char(4), `amount` decimal(8,2), PRIMARY KEY (`id`), " +
		"CONSTRAINT `m` FOREIGN KEY (`member_email`) REFERENCES `members` (`email`), CONSTRAINT `c` FOREIGN KEY (`code`) REFERENCES `members` (`pin`));\nINSERT INTO `orders` VALUES " +
		strings.Join(orders, ",") + ";\nCREATE TABLE `members` (`id` int(11) NOT NULL, `email` varchar(60) NOT NULL, `full_name` varchar(60), " +
		"`pin` char(4) NOT NULL, `birth_date` date, PRIMARY KEY (`id`), UNIQUE KEY `e` (`email`), UNIQUE KEY `p` (`pin`));\n" +
		"INSERT INTO `members` VALUES " + strings.Join(members, ",") + ";"
}

// Joins hold, what is unique stays so though most values of its form are taken, and no value is there again.
func TestACopyWorksLikeTheOriginal(t *testing.T) {
	const n = 6000
	j := job(t, company(n))
	j.Rules.Fields = map[string]sanitize.Rule{"members.pin": {Do: maker.Shape}, "orders.amount": {Do: maker.Keep}}
	r, err := sanitize.Run(t.Context(), j)
	require.NoError(t, err)
	require.Empty(t, r.Leaks)
	was, is := rows(t, j, j.From, "members"), rows(t, j, j.To, "members")
	require.Len(t, is["email"], n)
	distinct := func(values []string) int {
		seen := map[string]bool{}
		for _, v := range values {
			seen[v] = true
		}
		return len(seen)
	}
	require.Equal(t, n, distinct(is["email"]))
	require.Equal(t, n, distinct(is["pin"]))
	require.Equal(t, was["id"], is["id"])
	require.NotEqual(t, was["pin"], is["pin"])
	require.NotEqual(t, was["birth_date"], is["birth_date"])
	require.Equal(t, is["email"], rows(t, j, j.To, "orders")["member_email"], "orders are of the same members")
	require.Equal(t, is["pin"], rows(t, j, j.To, "orders")["code"], "also by what nobody says of what refers")
	require.Equal(t, rows(t, j, j.From, "orders")["amount"], rows(t, j, j.To, "orders")["amount"])
	text, err := os.ReadFile(j.To)
	require.NoError(t, err)
	for i := range n {
		require.NotContains(t, string(text), was["email"][i])
	}
	for _, f := range r.Fields {
		if f.Field == "email" {
			require.EqualValues(t, n, f.Changed)
		}
	}
	require.NoError(t, os.Remove(j.To))
	clean(t, j)
}

// Rows that a primary key tells apart stay so, however few values of its form there are, and whatever case a collation
// does not see; and a numbered row is nobody's because its number is.
func TestKeysStayApart(t *testing.T) {
	var codes []string
	for c := 'a'; c <= 'p'; c++ {
		codes = append(codes, fmt.Sprintf("('%c','%c')", c, c))
	}
	for n := range 30 {
		codes = append(codes, fmt.Sprintf("('x%02d','y')", n))
	}
	j := job(t, "CREATE TABLE `codes` (`code` varchar(8) NOT NULL, `name` varchar(8), PRIMARY KEY (`code`));\nINSERT INTO `codes` VALUES "+
		strings.Join(codes, ",")+";\nCREATE TABLE `users` (`id` int NOT NULL, `login` varchar(20), PRIMARY KEY (`id`));\n"+
		"INSERT INTO `users` VALUES (11425,'ada.rossi'),(2,'11425'),(3,'carla.marino');\n")
	j.Rules = sanitize.Rules{Fields: map[string]sanitize.Rule{"codes.code": {Do: maker.Shape}, "users.login": {Do: maker.Words}}}
	_, err := sanitize.Run(t.Context(), j)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, v := range rows(t, j, j.To, "codes")["code"] {
		require.False(t, seen[strings.ToLower(v)], v)
		seen[strings.ToLower(v)] = true
	}
	require.Len(t, seen, 46)
}

func TestAnotherCopyHasOtherValues(t *testing.T) {
	j := job(t, company(20))
	_, err := sanitize.Run(t.Context(), j)
	require.NoError(t, err)
	first := rows(t, j, j.To, "members")
	j.To, j.Key, j.Work = j.To+"2", []byte("another"), t.TempDir()
	_, err = sanitize.Run(t.Context(), j)
	require.NoError(t, err)
	require.NotEqual(t, first["email"], rows(t, j, j.To, "members")["email"])
}

// What is not known to be safe stops it, and then there is no copy and nothing left over.
func TestWhatStopsACopy(t *testing.T) {
	const members = "CREATE TABLE `members` (`id` int(11) NOT NULL, `email` varchar(60), `full_name` varchar(60), PRIMARY KEY (`id`));\n" +
		"INSERT INTO `members` VALUES (1,'ada.rossi@example.org','Ada Rossi'),(2,'bruno.conti@example.org','Bruno Conti')," +
		"(3,'carla.marino@example.org','Carla Marino');\n"
	for name, c := range map[string]struct {
		statements string
		change     func(*sanitize.Job)
		is         error
		says       string
	}{
		"a value in another field": {members + "CREATE TABLE `products` (`id` int(11), `label` varchar(80));\n" +
			"INSERT INTO `products` VALUES (1,'Tea Carla Marino, green'),(2,'Coffee');", nil, sanitize.ErrLeaks, ""},
		"a place on a map": {members + "CREATE TABLE `shops` (`id` int(11), `place` point);\nINSERT INTO `shops` VALUES (1,0x00);",
			nil, sanitize.ErrQuestions, ""},
		"a rule of a field that is gone": {members, func(j *sanitize.Job) {
			j.Rules.Fields = map[string]sanitize.Rule{"members.phone": {Do: maker.Phone}}
		}, sanitize.ErrRules, "no field members.phone"},
		"no room for what is unique": {"CREATE TABLE `members` (`email` varchar(60), `pin` char(1) NOT NULL, PRIMARY KEY (`pin`));\n" +
			"INSERT INTO `members` VALUES ('a','0'),('b','1'),('c','2'),('d','3'),('e','4'),('f','5'),('g','6'),('h','7'),('i','8'),('j','9');",
			func(j *sanitize.Job) { j.Rules.Fields = map[string]sanitize.Rule{"members.pin": {Do: maker.Near}} }, nil, ""},
		"a target that is there": {members, func(j *sanitize.Job) { j.To = j.From }, sanitize.ErrThere, "name another"},
		"a file that is cut":     {members + "INSERT INTO `members` VALUES (4,'d','", nil, connectors.ErrDamaged, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := job(t, c.statements)
			if c.change != nil {
				c.change(&j)
			}
			_, err := sanitize.Run(t.Context(), j)
			if c.is == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.is)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "rossi")
			clean(t, j)
		})
	}
}

// Cut off at any time, there is no target.
func TestACopyThatIsCutOff(t *testing.T) {
	for _, phase := range []string{"look", "read", "write"} {
		j := job(t, company(3000))
		ctx, cancel := context.WithCancel(t.Context())
		j.Progress = func(now string) (func(int64, int64), func()) {
			return func(int64, int64) {
				if now == phase {
					cancel()
				}
			}, func() {}
		}
		_, err := sanitize.Run(ctx, j)
		require.ErrorIs(t, err, context.Canceled, phase)
		clean(t, j)
	}
}

// A source that only reads is refused before anything is read.
func TestWhatOnlyReadsIsRefused(t *testing.T) {
	j := job(t, company(1))
	j.Open = func(ctx context.Context, path string) (connectors.Source, error) {
		return mysqldump.Connector.Open(ctx, connectors.Options{Name: "shop", DSN: path})
	}
	_, err := sanitize.Run(t.Context(), j)
	require.ErrorIs(t, err, sanitize.ErrReadOnly)
	require.False(t, errors.Is(err, connectors.ErrDamaged))
}
