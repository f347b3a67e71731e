package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// places is a digest of the servers and databases that URLs lead to, without users and passwords, and of the paths of
// files.
func places(urls ...string) string {
	var list []string
	for _, u := range urls {
		list = append(list, place(u))
	}
	sum := sha256.Sum256([]byte(strings.Join(list, "\n")))
	return hex.EncodeToString(sum[:8])
}

// standing is where a file stands beside the configuration, so that a folder can be moved with all that is in it; what
// is no path of a file stays.
func (c *Config) standing(dsn string) string {
	if !filepath.IsAbs(dsn) {
		return dsn
	}
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		return dsn
	}
	if path, err := filepath.Rel(dir, dsn); err == nil {
		return path
	}
	return dsn
}

// place is which server and database a URL leads to, in whatever form a connector takes it.
func place(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && strings.Contains(dsn, "://") {
		at := strings.ToLower(u.Host) + u.Path
		for _, key := range []string{"host", "port", "dbname", "database", "instance"} {
			at += "|" + u.Query().Get(key)
		}
		return at
	}
	if at := strings.LastIndex(dsn, "@"); at >= 0 { // user:password@tcp(host:port)/database?...
		at, _, _ := strings.Cut(dsn[at+1:], "?")
		return at
	}
	if !strings.Contains(dsn, "host=") { // the path of a file
		return filepath.Clean(dsn)
	}
	words := strings.Fields(dsn) // host=... dbname=... of libpq
	words = slices.DeleteFunc(words, func(word string) bool {
		key, _, _ := strings.Cut(word, "=")
		return !slices.Contains([]string{"host", "hostaddr", "port", "dbname", "service"}, key)
	})
	slices.Sort(words)
	return strings.Join(words, " ")
}
