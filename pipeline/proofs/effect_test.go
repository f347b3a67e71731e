package proofs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
)

// TestHowManyRowsAChangeDecides: a number that somebody was told, 0 too, and nothing where nobody was.
func TestHowManyRowsAChangeDecides(t *testing.T) {
	all := int64(9)
	whole := &answers.Effect{Rows: &all, Silos: map[string]int64{"news": 7, "shop": 0}}
	part := &answers.Effect{Silos: map[string]int64{"news": 7}}
	for name, c := range map[string]struct {
		effect *answers.Effect
		change adoption.Change
		want   string
	}{
		"nobody counted":                {nil, adoption.Change{Path: "Silos.news.NoMatch", Silo: "news"}, ""},
		"of its silo":                   {whole, adoption.Change{Path: "Silos.news.NoMatch", Silo: "news"}, "7"},
		"none is not nothing":           {whole, adoption.Change{Path: "Silos.shop.NoMatch", Silo: "shop"}, "0"},
		"a silo that was not counted":   {part, adoption.Change{Path: "Silos.shop.NoMatch", Silo: "shop"}, ""},
		"the zone, of all":              {whole, adoption.Change{Path: "Controller.Timezone"}, "9"},
		"a source, of all":              {whole, adoption.Change{Path: "Sources.crm.Zone"}, "9"},
		"all, where some are not known": {part, adoption.Change{Path: "Sources.crm.Zone"}, ""},
		"people decide no row":          {whole, adoption.Change{Path: "People.eve.Key"}, ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, decided(c.effect, c.change)) })
	}
}
