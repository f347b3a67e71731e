package receipts

import (
	"fmt"
	"path/filepath"
	"slices"

	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// Night is a night that committed to something.
type Night struct {
	Entry tilelog.Entry
	Place int64 // in the log
	List  List
}

// file is where a night's list stands in the reports.
func file(reports string, e tilelog.Entry) string {
	return filepath.Join(reports, "manifests", "date="+e.Date, "run="+e.Run, Name)
}

// Nights reads what the nights of a folder of reports committed to, the oldest first, each as the log has its root. The
// log is believed by its newest checkpoint. Of a list that cannot be read, or is another, broken names the file: it
// stands in for nothing.
func Nights(reports string, key keystore.PublicKey) (log *tilelog.Log, list []Night, broken []string, err error) {
	_, newest, err := tilelog.Newest(reports, key)
	if err == nil && newest.Size == 0 {
		log, err = tilelog.New(nil)
		return log, nil, nil, err
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read receipts: %w", err)
	}
	entries, err := tilelog.Entries(reports, newest.Size)
	if err == nil {
		log, err = tilelog.New(entries)
	}
	if err == nil {
		err = log.Agrees(newest)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read receipts: %w", err)
	}
	for i, e := range entries {
		if e.Kind != tilelog.Night || e.Receipts == "" {
			continue
		}
		name := file(reports, e)
		if of, ok := read(name, e.Receipts); ok {
			list = append(list, Night{Entry: e, Place: int64(i), List: of})
		} else {
			broken = append(broken, name)
		}
	}
	return log, list, broken, nil
}

// Find is the first night that committed to something; false where none did.
func Find(nights []Night, c Commitment) (Night, bool) {
	i := slices.IndexFunc(nights, func(n Night) bool { return slices.Contains(n.List, c) })
	if i < 0 {
		return Night{}, false
	}
	return nights[i], true
}
