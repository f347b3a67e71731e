package scan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
)

// lastWhole returns what the newest run that read every row of a table, under the present rules,
// said of it, and when that was.
func (sc *Scanner) lastWhole(source, table string) ([]audit.Inventory, calendar.Date) {
	for _, f := range sc.Notes.History {
		if f.Run.RulesDigest != sc.Notes.Facts.Run.RulesDigest {
			continue
		}
		if rows := notes.ObjectRows(f, notes.Object{Source: source, Table: table}); len(rows) > 0 &&
			rows[0].State == "scanned" && rows[0].MissedBelow == 0 {
			return rows, calendar.DateOf(f.Run.AsOf, sc.Setup.Zone)
		}
	}
	return nil, 0
}

// fingerprint names what the verdicts on a file rest on: its bytes, the rules, and the version
// that applied them. A live source has none: no engine says reliably that nothing changed, so
// its tables are read each night.
func (sc *Scanner) fingerprint(s *Source) (string, error) {
	if s.Path == "" || s.Version != "" || !s.Backup() {
		return "", nil
	}
	if info, err := os.Stat(s.Path); s.Shelf == nil && (err != nil || !info.Mode().IsRegular()) {
		return "", nil // a folder, or gone: reading it will tell
	}
	digest, err := s.FileDigest()
	if err != nil {
		return "", fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{digest, sc.Setup.Catalogue.Digest(), sc.Setup.Version}, "\x1f")))
	return hex.EncodeToString(sum[:]), nil
}

// unchanged returns what an earlier night said of a table of the very same file under the same
// rules; nil if it has to be read.
func (sc *Scanner) unchanged(s *Source, t connectors.Table) []audit.Inventory {
	if s.fingerprint == "" {
		return nil
	}
	for _, f := range sc.Notes.History {
		rows := notes.ObjectRows(f, notes.Object{Source: s.Name, Table: t.Name})
		if len(rows) == 0 {
			continue
		}
		if rows[0].State != "scanned" || rows[0].Fingerprint != s.fingerprint || len(rows) != len(t.Fields)+1 {
			return nil
		}
		for _, row := range rows[1:] {
			_, left := s.Skip[t.Name+"."+row.Column]
			if left != (row.State == "skipped") {
				return nil
			}
		}
		return rows
	}
	return nil
}

// before returns, for each table of which the last runs say anything, what the newest of them said;
// nothing if it was gone by then. A run that could not read a table says nothing of it.
func (sc *Scanner) before() map[notes.Object][]audit.Inventory {
	was := map[notes.Object][]audit.Inventory{}
	for _, f := range sc.Notes.History {
		now := map[notes.Object][]audit.Inventory{}
		for _, i := range f.Inventory {
			o := notes.Object{Source: i.Source, Table: i.Object}
			if _, settled := was[o]; settled || i.Object == "" {
				continue
			}
			now[o] = append(now[o], i)
		}
		for o, rows := range now {
			switch {
			case rows[0].State == "failed":
			case rows[0].Change == "gone" && rows[0].Column == "":
				was[o] = nil
			default:
				was[o] = slices.DeleteFunc(rows, func(i audit.Inventory) bool { return i.Change == "gone" })
			}
		}
	}
	return was
}
