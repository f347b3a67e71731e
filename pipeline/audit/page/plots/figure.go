// Package plots draws the five charts of a night's page. Its noun: a Figure, a chart with its title, its caption and,
// for who does not see it, its data.
package plots

import (
	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/tonight"
)

// Figure is a chart with its data.
type Figure struct {
	ID, Title, Caption string
	Queries            []string
	Drawing            chart.Drawing
	Table              Data
}

// Data are the numbers of a chart.
type Data struct {
	Heads []string
	Rows  []Row
}

// Row is a line of them.
type Row struct {
	Name  string
	Cells []string
}

// night draws a night's charts.
type night struct{ *tonight.Night }

// Of draws the charts of a night: those that there is something to draw of.
func Of(n *tonight.Night) []Figure { return night{n}.charts() }
