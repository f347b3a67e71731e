package jobs

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/stretchr/testify/require"
)

// A spreadsheet takes what begins with one of a few signs for a formula, and a key is for whoever enters it to choose.
func TestNoKeyIsAFormula(t *testing.T) {
	for key, want := range map[string]string{"7": "7", "-7": "-7", "": "", "a=b": "a=b", "=1+1": "'=1+1", "+x": "'+x",
		"-x": "'-x", "@x": "'@x", "\tx": "'\tx"} {
		var b bytes.Buffer
		rows := rowCSV{csv.NewWriter(&b), false}
		require.NoError(t, rows.row(shownRow{Source: "crm", Table: "people", Key: []string{key}}))
		require.NoError(t, rows.end())
		cells, err := csv.NewReader(&b).Read()
		require.NoError(t, err)
		require.Equal(t, want, cells[2])
	}
}
