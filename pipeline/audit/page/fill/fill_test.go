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

// TestCheckLooksAtBranchesThatNobodyTook says where a template asks for what there is not.
func TestCheckLooksAtBranchesThatNobodyTook(t *testing.T) {
	has := func(key string) bool { return key == "known" }
	for source, want := range map[string]string{
		"{{if .Mode}}\n  {{.None}}{{end}}":                                "2:4: a fill.shown has no field None",
		"{{range .Tiles}}{{.Value}}{{else}}{{.Value}}{{end}}":             "a fill.shown has no field Value",
		"{{range .Tiles}}{{.Day}}{{end}}":                                 "a fill.tile has no field Day",
		"{{with .Day}}{{.Mode}}{{end}}":                                   "a string has no field Mode",
		"{{range .Day}}{{end}}":                                           "a string is no list",
		"{{.Tiles}}":                                                      "a []fill.tile is no text",
		"{{.Day | .Mode}}":                                                "is not in its language",
		"{{template \"x\"}}":                                              "is not in its language",
		"{{say \"unknown\"}}":                                             "there is no message unknown",
		"{{if .Day}}{{.Drawing}}{{else}}{{say \"known\"}}{{end}}":         "",
		"{{range .Tiles}}{{.Value}}{{else}}{{.Day}}{{end}}{{/* none */}}": "",
	} {
		parsed, err := Parse(source)
		require.NoError(t, err, source)
		err = parsed.Check(&shown{}, has)
		if want == "" {
			require.NoError(t, err, source)
			continue
		}
		require.ErrorContains(t, err, want, source)
	}
}

func TestTextStandsAsItIs(t *testing.T) {
	parsed, err := Parse(`{{.Day}} & {{say "key"}}`)
	require.NoError(t, err)
	body, err := parsed.Text(&shown{Day: "<a> " + string(lang.BoldOn) + "b"}, func(key string, _ ...any) string { return "'" + key + "'" })
	require.NoError(t, err)
	require.Equal(t, "<a> b & 'key'", string(body))
}
