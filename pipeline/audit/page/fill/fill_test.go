package fill

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/lang"
)

type shown struct {
	Day, Mode string
	Tiles     []tile
	Drawing   chart.Drawing
}

type tile struct{ Value string }

func TestTheTemplateSaysWhatItCannotDo(t *testing.T) {
	for source, want := range map[string]string{
		"{{len .Day}}":                     `function "len" not defined`,
		"{{if}}{{end}}":                    "missing value for if",
		"{{.Day | .Mode}}":                 ".Day | .Mode is not in its language",
		"{{range .Tiles}}{{.None}}{{end}}": "a fill.tile has no field None",
		"{{.Tiles}}":                       "a []fill.tile is no text",
		"{{template \"x\"}}":               `{{template "x"}} is not in its language`,
		"{{say .Day}}":                     "say .Day is not in its language",
		"{{say \"key\"}}":                  `say "key" is not in its language`,
	} {
		parsed, err := Parse(source)
		if err == nil {
			_, err = parsed.Execute(&shown{Tiles: make([]tile, 1)}, nil)
		}
		require.ErrorContains(t, err, want)
	}
}

func TestMarksMeanSomethingWhereThereAreMessages(t *testing.T) {
	data := &shown{Day: string(lang.BoldOn) + "<a>" + string(lang.BoldOff), Drawing: "<svg></svg>"}
	parsed, err := Parse(`{{.Day}}{{.Drawing}}{{if .Mode}}no{{end}}`)
	require.NoError(t, err)
	body, err := parsed.Execute(data, func(string, ...any) string { return "" })
	require.NoError(t, err)
	require.Equal(t, "<b>&lt;a&gt;</b><svg></svg>", string(body))
	body, err = parsed.Execute(data, nil)
	require.NoError(t, err)
	require.Equal(t, data.Day[:3]+"&lt;a&gt;"+data.Day[6:]+"<svg></svg>", string(body))
	parsed, err = Parse(`{{say "key"}}`)
	require.NoError(t, err)
	body, err = parsed.Execute(data, func(key string, _ ...any) string { return key + "&" })
	require.NoError(t, err)
	require.Equal(t, "key&amp;", string(body))
}
