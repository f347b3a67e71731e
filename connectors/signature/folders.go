package signature

import (
	"os"
	"path/filepath"
	"strings"
)

// folder is what a folder is that holds all of some names; a name may be a pattern of path/filepath.
type folder struct {
	holds []string
	kind  Kind
}

// folders are looked for in this order.
var folders = []folder{
	{[]string{"toc.dat"}, Kind{Name: "pg_dump-directory", Words: "folder of pg_dump (-Fd)", Class: Dump}},
	{[]string{"metadata", "*-schema*.sql*"}, Kind{Name: "mydumper", Words: "folder of mydumper", Class: Dump}},
	{[]string{"@.done.json"}, Kind{Name: "mysql-shell", Words: "folder of MySQL Shell's dump utilities", Class: Dump}},
	{[]string{"xtrabackup_checkpoints"}, maria},
	{[]string{"xtrabackup_info*"}, maria},
	{[]string{"mariadb_backup_checkpoints"}, maria},
	{[]string{"mariadb_backup_info*"}, maria},
	{[]string{"ibdata1"}, Kind{Name: "mysql-datadir", Words: "data folder of a MySQL or MariaDB server", Class: Physical}},
	{[]string{"backup_label", "PG_VERSION"}, base},
	{[]string{"backup_manifest"}, base},
	{[]string{"base.tar*"}, base},
	{[]string{"PG_VERSION", "global"}, Kind{Name: "postgres-datadir", Words: "data folder of a PostgreSQL server",
		Class: Physical}},
	{[]string{"archive", "backup", "backup/*/backup.info"}, Kind{Name: "pgbackrest", Words: "repository of pgBackRest",
		Class: Repository}},
	{[]string{"basebackups_005"}, Kind{Name: "wal-g", Words: "repository of WAL-G", Class: Repository}},
	{[]string{"base/*/backup.info", "wals"}, Kind{Name: "barman", Words: "repository of Barman", Class: Repository}},
	{[]string{"config", "keys", "snapshots", "index", "data"}, Kind{Name: "restic", Words: "repository of restic",
		Class: Repository}},
	{[]string{"config", "data", "README", "hints.*"}, Kind{Name: "borg", Words: "repository of Borg", Class: Repository}},
	{[]string{"config", "data", "README", "index.*"}, Kind{Name: "borg", Words: "repository of Borg", Class: Repository}},
	{[]string{"*.binlog.[0-9]*"}, logs}, {[]string{"*-bin.[0-9]*"}, logs}, {[]string{"binlog.[0-9]*"}, logs},
	{[]string{"0000000?????????????????"}, Kind{Name: "wal", Words: "write-ahead log of PostgreSQL", Class: Log}},
}

var (
	maria = Kind{Name: "mariabackup", Words: "physical copy of a MySQL or MariaDB server, made by mariabackup or xtrabackup",
		Class: Physical}
	base = Kind{Name: "pg_basebackup", Words: "physical copy of a PostgreSQL server, made by pg_basebackup", Class: Physical}
	logs = Kind{Name: "binlog", Words: "binary log of MySQL or MariaDB", Class: Log}
)

// ofFolder says what a folder is by what it holds.
func ofFolder(path string) (Kind, error) {
	if _, err := os.ReadDir(path); err != nil {
		return Kind{}, err
	}
	for _, f := range folders {
		if holdsAll(path, f.holds) {
			return f.kind, nil
		}
	}
	return Kind{Words: "a folder of nothing that is known", Class: Unknown}, nil
}

func holdsAll(path string, names []string) bool {
	for _, name := range names {
		if found, _ := filepath.Glob(filepath.Join(quoted(path), name)); len(found) == 0 {
			return false
		}
	}
	return true
}

// quoted is a path in which no character is a pattern's.
func quoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
