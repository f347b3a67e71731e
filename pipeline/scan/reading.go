package scan

import (
	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
)

// Reading is what the night reads of one table, and what it found there.
type Reading struct {
	Table   connectors.Table
	State   string // scanned, skipped, failed
	reason  string // why skipped or failed
	Silos   []string
	sample  int               // rows asked for; 0 all
	Sampled bool              // rows were left out
	Rows    int64             // read
	left    map[string]string // fields that the configuration leaves out: the reason
	columns []int             // of the fields that are classified; nil: all
	scan    *classifiers.Scan
	life    *life
	verdict classifiers.TableVerdict
	kept    []audit.Inventory // of an unchanged file: what the last night said of the table
	next    connectors.Cursor // where the reading goes on after another table failed
}
