package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/page/index"
)

// index writes the list of all nights anew, from the manifests that stand. A page of it that says the same stays.
func (w *publisher) index(folders []string) error {
	in := index.Input{Company: w.Facts.Run.Controller, Language: w.Language, Report: page.Report}
	for _, folder := range folders {
		body, err := os.ReadFile(filepath.Join(folder, manifest.Name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // who verifies says that it is missing; tonight is published all the same
		}
		if err != nil {
			return err
		}
		var m manifest.Manifest
		if err := json.Unmarshal(body, &m); err != nil {
			m = manifest.Manifest{} // so is one that somebody altered: it is listed, without what it said
		}
		n := index.Night{Run: strings.TrimPrefix(filepath.Base(folder), "run="),
			Date: strings.TrimPrefix(filepath.Base(filepath.Dir(folder)), "date="), Phases: m.Phases()}
		if m.Page != nil {
			n.Verdict, n.Needs = m.Page.Verdict, m.Page.Needs
		}
		in.Nights = append(in.Nights, n)
	}
	pages, err := index.Pages(in)
	if err != nil {
		return err
	}
	for _, p := range pages {
		to := filepath.Join(w.Root, filepath.FromSlash(p.Name))
		body := manifest.SignIndex(w.Signer, p.Body)
		if stands, err := os.ReadFile(to); err == nil && bytes.Equal(stands, body) {
			continue
		}
		fresh := filepath.Join(w.folder, "index", filepath.Base(p.Name))
		err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o750), os.RemoveAll(fresh))
		if err == nil {
			err = expiry.WriteDurably(fresh, body)
		}
		if err == nil {
			err = errors.Join(os.Rename(fresh, to), expiry.SyncDir(filepath.Dir(to)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
