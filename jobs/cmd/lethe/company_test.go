package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

// night is when the tests run: the first night of the company.
var night = time.Date(2026, 11, 20, 0, 15, 0, 0, time.UTC)

// customer is one of the company's people. Of ten, six agreed and still do, one withdrew, one agreed too long
// ago, one moved in with his predecessor, and one is unknown to the registry.
type customer struct {
	id, address int
	name, email string
	events      []string // lines of the consents' CSV
}

func customers(n int) []customer {
	first := []string{"Ada", "Bruno", "Carla", "Dario", "Elena", "Fabio", "Giulia"}
	last := []string{"Rossi", "Bianchi", "Ferrari", "Esposito", "Romano", "Colombo", "Ricci", "Marino", "Greco"}
	out := make([]customer, n)
	for i := range out {
		c := customer{id: i + 1, address: i + 1, name: first[i%len(first)] + " " + last[i%len(last)]}
		c.email = fmt.Sprintf("%s.%d@example.org", strings.ToLower(strings.ReplaceAll(c.name, " ", ".")), c.id)
		if c.id%10 == 8 {
			c.address-- // of the one before, who dies too
		}
		event := func(typ, at string) {
			c.events = append(c.events, fmt.Sprintf("%s,club,%s,%s,v3,form,form-%d,%s-%d", c.email, typ, at, c.id,
				typ, c.id))
		}
		switch {
		case c.id%10 == 9:
		case c.id%10 == 8:
			event("given", "2023-06-01T10:00:00Z")
		default:
			event("given", "2026-01-10T10:00:00Z")
		}
		if c.id%10 == 7 {
			event("withdrawn", "2026-09-01T10:00:00Z")
		}
		out[i] = c
	}
	return out
}

// tables are the company's database in the dialect of MySQL and, with few words exchanged, of SQLite.
const tables = "CREATE TABLE `addresses` (\n  `id` int NOT NULL,\n  `street` varchar(80) NOT NULL,\n" +
	"  `city` varchar(40) NOT NULL,\n  PRIMARY KEY (`id`)\n)ENGINE;\n" +
	"CREATE TABLE `customers` (\n  `id` int NOT NULL,\n  `name` varchar(80) NOT NULL,\n" +
	"  `email` varchar(120) DEFAULT NULL,\n  `created_at` datetime NOT NULL,\n  `address_id` int NOT NULL,\n" +
	"  `restricted` int NOT NULL DEFAULT 0,\n  PRIMARY KEY (`id`),\n" +
	"  CONSTRAINT `lives` FOREIGN KEY (`address_id`) REFERENCES `addresses` (`id`)\n)ENGINE;\n" +
	"CREATE TABLE `orders` (\n  `id` int NOT NULL,\n  `customer_id` int NOT NULL,\n  " +
	"`total` decimal(10,2) NOT NULL,\n" +
	"  PRIMARY KEY (`id`),\n" +
	"  CONSTRAINT `ordered` FOREIGN KEY (`customer_id`) REFERENCES `customers` (`id`)\n)ENGINE;\n" +
	"CREATE TABLE `staff` (\n  `id` int NOT NULL,\n  `name` varchar(80) NOT NULL,\n" +
	"  `email` varchar(120) DEFAULT NULL,\n  `iban` varchar(34) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n)ENGINE;\n"

// rows returns the INSERT statements of the company, several rows a statement.
func rows(people []customer) string {
	var addresses, persons, orders []string
	for _, c := range people {
		addresses = append(addresses, fmt.Sprintf("(%d,'Via Garibaldi %d','Como')", c.id, c.id))
		persons = append(persons, fmt.Sprintf("(%d,'%s','%s','2023-05-01 09:00:00',%d,0)", c.id, c.name, c.email,
			c.address))
		orders = append(orders, fmt.Sprintf("(%d,%d,12.50),(%d,%d,7.00)", 2*c.id, c.id, 2*c.id+1, c.id))
	}
	insert := func(table string, values []string) string {
		var b strings.Builder
		for len(values) > 0 {
			n := min(100, len(values))
			fmt.Fprintf(&b, "INSERT INTO `%s` VALUES %s;\n", table, strings.Join(values[:n], ","))
			values = values[n:]
		}
		return b.String()
	}
	return insert("addresses", addresses) + insert("customers", persons) + insert("orders", orders) +
		"INSERT INTO `staff` VALUES (1,'Ivo Neri','ivo@example.com','IT60X0542811101000000123456'),(2,'Lia " +
		"Costa','lia@example.com',NULL),(3,'Ugo Gallo','ugo@example.com',NULL);\n"
}

// sqliteSQL is the company as SQL for SQLite, mysqlSQL for a MySQL server, and dump as mysqldump would write it.
func sqliteSQL(people []customer) string {
	return strings.ReplaceAll(tables, ")ENGINE", ")") + rows(people)
}

func mysqlSQL(people []customer) string {
	return strings.ReplaceAll(tables, ")ENGINE", ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4") + rows(people)
}

func dump(people []customer) string {
	return "-- MySQL dump 10.13  Distrib 8.0.40, for Linux (x86_64)\n--\n-- Host: localhost    Database: crm\n" +
		"-- ------------------------------------------------------\n" +
		"/*!40101 SET NAMES utf8mb4 */;\n" + mysqlSQL(people) + "-- Dump completed on 2026-11-19  3:00:00\n"
}

// execute runs SQL on a SQLite file, which it makes if need be.
func execute(file, sql string) (err error) {
	c, err := sqlite3.Open(file)
	if err != nil {
		return err
	}
	defer func() {
		if e := c.Close(); err == nil {
			err = e
		}
	}()
	return c.Exec(sql)
}

func compress(text string) []byte {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		panic(err) // a Builder takes everything
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return []byte(b.String())
}

// company makes a folder with n customers in crm.db and backups/crm.sql.gz, their consents imported, and the
// keys of three people.
func company(t testing.TB, dir string, n int) {
	t.Helper()
	people := customers(n)
	write := func(name string, data []byte) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	config, err := os.ReadFile("testdata/company.yaml")
	require.NoError(t, err)
	var keys []string
	for _, name := range []string{"anna", "bo", "dora"} {
		public, err := keystore.NewPerson(filepath.Join(dir, name+".key"))
		require.NoError(t, err)
		keys = append(keys, `"`+strings.ToUpper(name)+`"`, `"`+public+`"`)
	}
	// In one pass, quotes included: BASE64 may spell a name.
	text := strings.NewReplacer(keys...).Replace(string(config))
	write("lethe.yaml", []byte(text))
	write("backups/crm.sql.gz", compress(dump(people)))
	require.NoError(t, execute(filepath.Join(dir, "crm.db"), sqliteSQL(people)))
	header := "email,purpose,type,occurred_at,notice,method,evidence,id\n"
	var consents strings.Builder
	for _, c := range people {
		for _, e := range c.events {
			consents.WriteString(e + "\n")
		}
	}
	write("consents.csv", []byte(header+consents.String()))
	write("staff.csv", []byte(header+"ivo@example.com,employment,basis_ended,2010-01-01T00:00:00Z,,,,s1\n"+
		"lia@example.com,employment,basis_started,2020-01-01T00:00:00Z,,,,s2\n"+
		"ugo@example.com,employment,basis_started,2021-01-01T00:00:00Z,,,,s3\n"))
	for _, args := range [][]string{
		{"keys", "create"}, {"registry", "init"},
		{"consent", "import", "--silo", "customers", "--source", "crm", "consents.csv"},
		{"consent", "import", "--silo", "staff", "--source", "hr", "staff.csv"},
	} {
		out, err := lethe(dir, nil, args...)
		require.NoError(t, err, out)
	}
}

// expand decompresses a gzip file.
func expand(t testing.TB, data []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(text)
}
