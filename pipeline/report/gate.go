package report

import (
	"lethe/classifiers"
)

// Gate runs the product's own detectors over its own output: no string column may look like personal data, unless its words come from
// the configuration or a catalog.
type Gate struct{ catalogue *classifiers.Catalogue }

// gated are the kinds of value that can never belong into a report. Words of the catalog and of the configuration may look like names, cities or numbers.
var gated = map[classifiers.Category]bool{classifiers.Email: true, classifiers.IBAN: true, classifiers.CreditCard: true, classifiers.Secret: true}
