// Package page makes the pages of a night, each one file of HTML without scripts and without anything from elsewhere.
// Its noun: a Page, a file with its name.
package page

import (
	"fmt"

	"lethe/pipeline/audit/page/details"
	"lethe/pipeline/audit/page/night"
)

// Names of the pages.
const (
	Report  = "report.html"  // the night, on two sheets
	Details = "details.html" // beside it, with what there is no room for
)

// Names are the names of all pages of a night.
func Names() []string { return []string{Report, Details} }

// Page is a file.
type Page struct {
	Name string
	Body []byte
}

// Render makes the pages of a night.
func Render(in night.Input) ([]Page, error) {
	report, err := night.Render(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Report, err)
	}
	beside, err := details.Render(in.Facts, in.Totals, in.Date, in.Language)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Details, err)
	}
	return []Page{{Report, report}, {Details, beside}}, nil
}
