package jobs

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
)

func TestInventoryIsPrintedWithoutANumberThatJSONCannotSay(t *testing.T) {
	for name, missed := range map[string]map[string]float64{"read whole": nil, "sampled": {"people": 0.01}} {
		t.Run(name, func(t *testing.T) {
			fields := []classifiers.Verdict{{Field: "no", Confidence: math.NaN()}, {Field: "mail", Confidence: 0.9}}
			tables := []classifiers.TableVerdict{{Table: "people", Rows: 3, Fields: fields}}
			var out bytes.Buffer
			err := writeInventory(&out, &scan.Discovery{Tables: tables, Missed: missed}, "json", false)
			require.ErrorIs(t, err, setup.ErrSource)
			require.ErrorContains(t, err, "Verdict.Confidence of people no")
			var back []classifiers.TableVerdict
			require.NoError(t, json.Unmarshal(out.Bytes(), &back))
			require.Len(t, back, 1)
			require.Zero(t, back[0].Fields[0].Confidence)
			require.Equal(t, 0.9, back[0].Fields[1].Confidence)
		})
	}
}
