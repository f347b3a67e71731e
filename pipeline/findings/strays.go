package findings

import (
	"fmt"
	"maps"
	"slices"

	"lethe/connectors/signature"
	"lethe/pipeline/audit"
)

// inspectStrays finds what lies beside backups, looks like one, and is no source's: no rule reaches what it holds, and
// nothing says until when it stays.
func (in *Inspector) inspectStrays() {
	found := map[string]*audit.Finding{}
	for _, s := range in.Setup.Strays {
		kind, err := signature.On(s.Shelf, s.Path)
		if err != nil || kind.Class == signature.Unknown && len(kind.Packed) == 0 {
			continue // a note, a list: nothing that anybody restores
		}
		object := kind.String() + " beside " + s.Source
		f := found[object]
		if f == nil {
			f = &audit.Finding{Kind: "F_BACKUP_ORPHAN", Severity: "medium", Object: object, Article: "Art. 5(1)(e)"}
			found[object] = f
		}
		f.Count++
		f.Words = fmt.Sprintf("In the folder of the files of %s lies %s that no source's path matches: no rule "+
			"reaches what it holds, and nothing says until when it stays. Say whose it is, by a source of its own, or "+
			"delete it.", s.Source, kind)
		if kind.Whole() {
			f.Words += " Single records cannot be taken out of it: with connector: physical it is listed until its " +
				"keep is over."
		}
	}
	for _, object := range slices.Sorted(maps.Keys(found)) {
		in.Notes.Find(*found[object])
	}
}
