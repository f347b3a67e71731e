package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/shelf"
	"lethe/pipeline/setup"
)

// strays are what lies in the folders of the backups and is no source's: nothing says whose it is, nor until when it
// stays. What Lethe keeps itself, and what only says something of a file beside it (a checksum, a signature), is none.
func (c *Config) strays(backups []setup.Source) (list []setup.Stray) {
	known := c.ownPaths()
	folders := map[string]string{} // the first source that has files there
	for _, b := range backups {
		path := filepath.Clean(b.Path)
		if b.Shelf != nil {
			known[b.Path] = true
			continue
		}
		known[path] = true
		if folder := filepath.Dir(path); folders[folder] == "" {
			folders[folder] = b.Set
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // the sources in it say so
		}
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			if known[path] || connectors.IsTemporary(path) || strings.HasPrefix(e.Name(), ".") || beside(path, known) {
				continue
			}
			list = append(list, setup.Stray{Source: folders[folder], Path: path, TakenAt: setup.TakenAt(path)})
		}
	}
	for _, s := range c.beside {
		name := shelf.Base(s.Path)
		if !known[s.Path] && !connectors.IsTemporary(name) && !strings.HasPrefix(name, ".") && !beside(s.Path, known) {
			known[s.Path] = true // of two sources with one folder
			list = append(list, s)
		}
	}
	return list
}

// ownPaths are those of files and folders that the configuration names for something else than a backup.
func (c *Config) ownPaths() map[string]bool {
	own := map[string]bool{}
	add := func(paths ...string) {
		for _, path := range paths {
			if path != "" {
				own[filepath.Clean(c.abs(path))] = true
			}
		}
	}
	dsn := func(s Secret) string {
		text, err := c.resolve("", s)
		if err != nil || strings.ContainsAny(text, "@?") { // a server's
			return ""
		}
		return text
	}
	add(c.State, c.Reports, c.Keystore.Path, strings.TrimPrefix(c.Keystore.Identity, "file:"), dsn(c.Registry.DSN))
	for _, s := range c.Sources {
		if s.Environment != "backup" {
			add(s.Path, dsn(s.DSN))
		}
		add(s.Schema)
	}
	return own
}

// beside reports whether a file only says something of another one, which is known: crm.sql.gz.sha256.
func beside(path string, known map[string]bool) bool {
	of := strings.TrimSuffix(path, filepath.Ext(path))
	return known[of] && slices.Contains([]string{".sha256", ".sha512", ".sha1", ".md5", ".asc", ".sig", ".minisig"},
		filepath.Ext(path))
}
