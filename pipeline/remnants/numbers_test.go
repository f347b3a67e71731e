package remnants_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/remnants"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// TestNumbers finds numbers where the name of a field says what they are, and nowhere else: numbers are many people's.
func TestNumbers(t *testing.T) {
	const national, foreign = "RSSMRA85T10A562S", "44051401359"
	w := pipelinetest.New(t, pipelinetest.News(func(s *policy.Silo) {
		s.Records[0].Subject = map[string]string{"email": "email", "customer-number": "knr", "phone": "status",
			"national-id:IT": "name", "national-id:PL": "id"}
	}), pipelinetest.People())
	withdraw(t, w, map[string]string{"customer-number": "48213", "phone": "+393331234567", "national-id:IT": national,
		"national-id:PL": foreign})
	set := silos.New(w.Setup, setup.Tonight{AsOf: w.Now}, nil)
	require.NoError(t, set.Open(t.Context(), nil))

	for _, tt := range []struct {
		field string
		kind  connectors.Kind
		value string
		want  int
	}{
		{"customer_no", connectors.Integer, "48213", 1},
		{"kundennummer", connectors.Text, " 48213 ", 1},
		{"KNR", connectors.Text, "48213", 1},
		{"amount", connectors.Integer, "48213", 0},
		{"id2", connectors.Text, "48213", 0},
		{"body", connectors.Text, "customer 48213", 0},
		{"customer_id", connectors.Integer, "48214", 0},
		{"mobile", connectors.Text, "333 1234567", 1},
		{"telefono", connectors.Text, "0039 333 123 4567", 1},
		{"order_code", connectors.Text, "3331234567", 0},
		{"body", connectors.Text, "call 333 1234567", 0},
		{"body", connectors.Text, "call +39 333 1234567.", 1},
		{"codice_fiscale", connectors.Text, "rss mra 85t10 a562s", 1},
		{"body", connectors.Text, "cf: " + national, 1},
		{"pesel", connectors.Text, foreign, 1},
		{"body", connectors.Text, "order " + foreign, 0},
		{"amount", connectors.Integer, foreign, 0},
		{"body", connectors.Text, `{"pesel":"` + foreign + `","x":1}`, 1},
		{"body", connectors.Text, `{"x": [{"pesel" : ` + foreign + `}]}`, 1},
		{"body", connectors.Text, `{"row":"{\"pesel\":\"` + foreign + `\"}"}`, 1},
		{"body", connectors.Text, `{"telefono": "333 1234567"}`, 1},
		{"body", connectors.Text, `{"order":"` + foreign + `"}`, 0},
		{"body", connectors.Text, `{"pesel_count":"` + foreign + `"}`, 0},
		{"body", connectors.Text, `"pesel":"` + foreign + `0"`, 0},
		{"body", connectors.Text, `pesel":"` + foreign + `"`, 0},
		{"body", connectors.Text, `{"customer_no":"48213"}`, 0},
	} {
		t.Run(tt.field+" "+tt.value, func(t *testing.T) {
			table := pipelinetest.Table("log", []connectors.Field{pipelinetest.ID,
				pipelinetest.Field(tt.field, tt.kind, true)}, nil, []any{"7", tt.value}, []any{"8", nil})
			watch := &remnants.Watch{Setup: w.Setup, Silos: set}
			require.NoError(t, watch.Open())
			read(t, watch, table, tt.field)
			left := watch.Left()
			require.Len(t, left, tt.want)
			if tt.want > 0 {
				require.Equal(t, int64(1), left[0].People)
				require.Equal(t, int64(7), left[0].Example)
			}
		})
	}
}

// read lets a watch search one field of a table.
func read(t testing.TB, watch *remnants.Watch, table mem.Table, field string) {
	t.Helper()
	search := watch.Table(remnants.Place{Source: "crm", Table: table.Def, Fields: []string{field}})
	if search == nil {
		return
	}
	for batch, err := range mem.New("crm", table).Scan(t.Context(), connectors.Query{Table: "log"}) {
		require.NoError(t, err)
		search.Read(batch, nil)
	}
}

// withdraw records people who consented and withdrew, by kind of identifier.
func withdraw(t testing.TB, w *pipelinetest.World, people map[string]string) {
	t.Helper()
	config := w.Setup.Registry
	config.AllowEmpty = true
	r, err := registry.Open(t.Context(), config)
	require.NoError(t, err)
	key, err := w.Setup.Keys.SiloKey("news")
	require.NoError(t, err)
	n := 0
	for kind, value := range people {
		for i, typ := range []event.Type{event.Given, event.Withdrawn} {
			n++
			e := event.Event{Type: typ, Subjects: []event.Subject{{Kind: kind, Value: value}}, Purpose: "news",
				OccurredAt: time.Date(2026, time.Month(1+i), 1, 9, 0, 0, 0, time.UTC), Source: "test", ID: fmt.Sprint(n),
				Country: "IT"}
			if typ == event.Given {
				e.Notice, e.Method, e.Evidence = "v1", "form", "x"
			}
			_, err = r.Append(t.Context(), key, e)
			require.NoError(t, err)
		}
	}
	require.NoError(t, r.Close())
}
