package report

import (
	"fmt"
	"unicode/utf8"

	"lethe/classifiers"
)

// gate runs the product's own detectors over its own output: no string column may look like personal data,
// unless its words come from the configuration or a catalog.
type gate struct{ catalogue *classifiers.Catalogue }

// gated are the kinds of value that can never belong into a report. Words of the catalog and of the
// configuration may look like names, cities or numbers.
var gated = map[classifiers.Category]bool{
	classifiers.Email:      true,
	classifiers.IBAN:       true,
	classifiers.CreditCard: true,
	classifiers.Secret:     true,
}

// Check judges the distinct strings of one column of the report. Its error names the column, never the value.
func (g gate) Check(table, column string, values []string) error {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return fmt.Errorf("table %s column %s holds text that is not UTF-8", table, column)
		}
		for _, span := range g.catalogue.Spans(nil, []byte(v)) {
			if gated[span.Category] {
				return fmt.Errorf("table %s column %s looks like %s", table, column, span.Category)
			}
		}
	}
	return nil
}
