package report

import (
	"fmt"
	"unicode/utf8"

	"lethe/classifiers"
	"lethe/pipeline/shown"
)

// gate runs the product's own detectors over its own output: no string column may look like personal data,
// names of sources, files, tables and fields being shown otherwise before.
type gate struct{ catalogue *classifiers.Catalogue }

// Check judges the distinct strings of one column of the report. Its error names the column, never the value.
func (g gate) Check(table, column string, values []string) error {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return fmt.Errorf("table %s column %s holds text that is not UTF-8", table, column)
		}
		for _, span := range shown.Gated(g.catalogue, v) {
			return fmt.Errorf("table %s column %s looks like %s", table, column, span.Category)
		}
	}
	return nil
}
