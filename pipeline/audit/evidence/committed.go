package evidence

import (
	"errors"
	"io/fs"

	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/receipts"
)

// receipts holds the list of what a night committed to for receipts against the root that was signed. That it is
// missing, or is not what was signed, is said of the file.
func (v *verifier) receipts(name string, n *Night) {
	body, err := expiry.ReadSmall(v.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var list receipts.List
	if err == nil {
		list, err = receipts.ParseList(body)
	}
	root := ""
	if err == nil {
		root, err = list.Root()
	}
	if err != nil || root != n.receipts {
		n.wrong("%s is not what its receipts were made for: ask for the one of the log", receipts.Name)
	}
}
