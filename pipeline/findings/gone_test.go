package findings

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// dump is a backup's file as a report has it, that ends after so many days; 0 it has no keep.
func dump(name string, ends int) audit.Backup {
	b := audit.Backup{Source: "dumps/" + name, Path: "backups/" + name}
	if ends != 0 {
		b.ExpiresAt = tonight.AddDate(0, 0, ends)
	}
	return b
}

var tonight = time.Date(2026, 5, 10, 1, 0, 0, 0, time.UTC)

// night is what a night some days ago read.
func night(ago int, backups ...audit.Backup) audit.Facts {
	return audit.Facts{Run: audit.Run{AsOf: tonight.AddDate(0, 0, -ago)}, Backups: backups}
}

func TestBackupsThatAreGone(t *testing.T) {
	for name, tc := range map[string]struct {
		there  []string
		nights []audit.Facts // newest first
		want   []string
	}{
		"all are there":              {[]string{"a", "b"}, []audit.Facts{night(1, dump("a", 90), dump("b", 90))}, nil},
		"one went before its time":   {[]string{"b"}, []audit.Facts{night(1, dump("a", 90), dump("b", 90))}, []string{"dumps a 1"}},
		"a new one does not excuse":  {[]string{"b", "c"}, []audit.Facts{night(1, dump("a", 90), dump("b", 90))}, []string{"dumps a 1"}},
		"all of them":                {nil, []audit.Facts{night(1, dump("a", 90), dump("b", 90))}, []string{"dumps a 2"}},
		"its time is over":           {[]string{"b"}, []audit.Facts{night(1, dump("a", 0-1), dump("b", 90))}, nil},
		"its time is over tomorrow":  {[]string{"b"}, []audit.Facts{night(1, dump("a", 1), dump("b", 90))}, nil},
		"a night did not look":       {[]string{"b"}, []audit.Facts{night(1), night(2, dump("a", 90), dump("b", 90))}, []string{"dumps a 1"}},
		"long ago":                   {[]string{"b"}, []audit.Facts{night(1, dump("b", 90)), night(9, dump("a", 90))}, nil},
		"no keep, and another came":  {[]string{"c"}, []audit.Facts{night(1, dump("a", 0))}, nil},
		"no keep, and none came":     {[]string{"b"}, []audit.Facts{night(1, dump("a", 0), dump("b", 0))}, []string{"dumps a 1"}},
		"no keep, one came for two":  {[]string{"c"}, []audit.Facts{night(1, dump("a", 0), dump("b", 0))}, []string{"dumps a 2"}},
		"no night before":            {[]string{"a"}, nil, nil},
		"another source's came":      {[]string{}, []audit.Facts{night(1, dump("a", 90))}, []string{"dumps a 1"}},
		"read at two nights, gone":   {[]string{"b"}, []audit.Facts{night(1, dump("a", 90)), night(2, dump("a", 90))}, []string{"dumps a 1"}},
		"there, and was there again": {[]string{"a"}, []audit.Facts{night(1), night(2, dump("a", 90))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := &Inspector{Setup: &setup.Setup{Zone: time.UTC}, Tonight: setup.Tonight{AsOf: tonight}, Notes: &notes.Notes{}}
			for _, f := range tc.there {
				in.Setup.Sources = append(in.Setup.Sources, setup.Source{Name: "dumps/" + f, Of: "crm"})
			}
			for _, f := range tc.nights {
				in.Notes.Recall(f)
			}
			in.InspectGone()
			var got []string
			for _, f := range in.Notes.Facts.Findings {
				require.Equal(t, "F_BACKUP_GONE", f.Kind)
				got = append(got, fmt.Sprintf("%s %s %d", f.Source, f.Object, f.Count))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestBackupsThatShrank(t *testing.T) {
	rows := func(n int64) audit.Inventory {
		return audit.Inventory{Source: "dumps/a", Environment: "backup", Object: "people", State: "scanned", Rows: n}
	}
	read := func(ago int, n int64, backups ...audit.Backup) audit.Facts {
		f := night(ago, backups...)
		f.Inventory = []audit.Inventory{rows(n)}
		return f
	}
	rewritten := dump("a", 90)
	rewritten.After = "abc"
	for name, tc := range map[string]struct {
		now    audit.Inventory
		nights []audit.Facts
		gone   int64
	}{
		"as it was":             {rows(10), []audit.Facts{read(1, 10)}, 0},
		"half of it":            {rows(5), []audit.Facts{read(1, 10)}, 0},
		"less than half":        {rows(4), []audit.Facts{read(1, 10)}, 6},
		"nothing":               {rows(0), []audit.Facts{read(1, 10)}, 10},
		"more":                  {rows(20), []audit.Facts{read(1, 10)}, 0},
		"Lethe rewrote it":      {rows(2), []audit.Facts{read(1, 10, rewritten)}, 0},
		"before it was read":    {rows(2), []audit.Facts{read(1, 2), read(2, 10, rewritten)}, 0},
		"a night did not look":  {rows(2), []audit.Facts{night(1), read(2, 10)}, 8},
		"long ago":              {rows(2), []audit.Facts{read(9, 10)}, 0},
		"it is a live source":   {audit.Inventory{Source: "dumps/a", Object: "people", State: "scanned"}, []audit.Facts{read(1, 10)}, 0},
		"it could not be read":  {audit.Inventory{Source: "dumps/a", Environment: "backup", Object: "people", State: "failed"}, []audit.Facts{read(1, 10)}, 0},
		"nobody read it before": {rows(2), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := &Inspector{Setup: &setup.Setup{Zone: time.UTC}, Tonight: setup.Tonight{AsOf: tonight}, Notes: &notes.Notes{}}
			in.Notes.Facts.Inventory = []audit.Inventory{tc.now}
			for _, f := range tc.nights {
				in.Notes.Recall(f)
			}
			in.InspectShrunk()
			gone := int64(0)
			for _, f := range in.Notes.Facts.Findings {
				require.Equal(t, "F_BACKUP_SHRUNK dumps/a people", f.Kind+" "+f.Source+" "+f.Object)
				gone += f.Count
			}
			require.Equal(t, tc.gone, gone)
		})
	}
}
