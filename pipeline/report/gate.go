package report

import (
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

// gate runs the product's own detectors over its own output: no string column may look like personal data,
// names of sources, files, tables and fields being shown otherwise before.
type gate struct{ catalogue *classifiers.Catalogue }

// Gate is what judges what is published.
func Gate(p *setup.Setup) audit.Gate { return gate{p.Catalogue} }

// Check judges the distinct strings of one column of the report. Its error names the column, never the value.
func (g gate) Check(table, column string, values []string) error {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return fmt.Errorf("table %s column %s holds text that is not UTF-8", table, column)
		}
		if column == "key_id" && isDigest(v) {
			continue
		}
		for _, span := range shown.Gated(g.catalogue, v) {
			return fmt.Errorf("table %s column %s looks like %s", table, column, span.Category)
		}
	}
	return nil
}

// isDigest reports whether a key's id is what Lethe makes of the key. Of such hexadecimal digits some are all decimal,
// and one in ten of those passes for the number of a card: by chance, and then in every night.
func isDigest(id string) bool {
	_, err := hex.DecodeString(id)
	return err == nil && (len(id) == 8 || len(id) == 16)
}
