package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// places is a digest of the servers and databases that URLs lead to, without users and passwords: "" where the first is
// that of a file.
func places(urls ...string) string {
	if !strings.Contains(urls[0], "@") && !strings.Contains(urls[0], "://") && !strings.Contains(urls[0], "host=") {
		return ""
	}
	var list []string
	for _, u := range urls {
		list = append(list, place(u))
	}
	sum := sha256.Sum256([]byte(strings.Join(list, "\n")))
	return hex.EncodeToString(sum[:8])
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
	words := strings.Fields(dsn) // host=... dbname=... of libpq
	words = slices.DeleteFunc(words, func(word string) bool {
		key, _, _ := strings.Cut(word, "=")
		return !slices.Contains([]string{"host", "hostaddr", "port", "dbname", "service"}, key)
	})
	slices.Sort(words)
	return strings.Join(words, " ")
}
