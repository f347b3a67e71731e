package findings

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

func TestWhatCopiesHaveAlikeIsFoundOnce(t *testing.T) {
	file := func(name string) setup.Source { return setup.Source{Name: "dumps/" + name, Set: "dumps", Of: "crm"} }
	in := &Inspector{Setup: &setup.Setup{Sources: []setup.Source{{Name: "crm", Set: "crm"}, file("1"), file("2"), file("3"),
		{Name: "alone", Set: "alone", Of: "crm"}}}, Notes: &notes.Notes{}}
	found := func(source, kind, object, severity, seen string, count int64) audit.Finding {
		f := audit.Finding{Source: source, Kind: kind, Object: object, Severity: severity, FirstSeen: seen, Count: count,
			Words: "It is."}
		f.FindingID = notes.FindingID(f)
		return f
	}
	live, single := found("crm", "F_UNMAPPED", "old", "high", "2026-11-02", 7), found("dumps/2", "F_SILO_JOIN", "v", "low", "2026-11-02", 1)
	orphan := found("dumps/1", "F_BACKUP_ORPHAN", "", "low", "2026-11-02", 1)
	in.Notes.Facts.Findings = []audit.Finding{live, found("dumps/1", "F_UNMAPPED", "old", "medium", "2026-11-03", 5), single,
		found("dumps/2", "F_UNMAPPED", "old", "high", "2026-11-01", 3), found("dumps/3", "F_UNMAPPED", "old", "low", "2026-11-04", 9),
		found("alone", "F_UNMAPPED", "old", "low", "2026-11-04", 9), orphan}
	in.Together()
	got := in.Notes.Facts.Findings
	require.Len(t, got, 5)
	require.Equal(t, live, got[0])
	one := found("dumps", "F_UNMAPPED", "old", "high", "2026-11-01", 9)
	one.Words = "It is. So it is in 3 backup files of the source."
	require.Equal(t, one, got[1])
	require.Equal(t, single, got[2])
	require.Equal(t, "alone", got[3].Source)
	require.Equal(t, orphan, got[4])

	// the next night knows since when
	in.Notes.History = []audit.Facts{{Findings: []audit.Finding{one}}}
	in.Notes.Facts.Findings = []audit.Finding{found("dumps/1", "F_UNMAPPED", "old", "high", "2026-12-01", 5),
		found("dumps/3", "F_UNMAPPED", "old", "high", "2026-12-01", 5)}
	in.Together()
	require.Equal(t, "2026-11-01", in.Notes.Facts.Findings[0].FirstSeen)
}
