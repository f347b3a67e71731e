package sanitize

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers/ident"
	"lethe/connectors"
	"lethe/pipeline/sanitize/maker"
)

// A number with check digits is made up without them, so that it is nobody's.
func TestANationalNumberIsNobodys(t *testing.T) {
	f := &Field{How: maker.Shape, field: connectors.Field{Kind: connectors.Text, Length: 255, Nullable: true}}
	for _, s := range ident.All() {
		if s.ID == "it.codice_fiscale" || s.ID == "pl.pesel" {
			f.schemes = append(f.schemes, s)
		}
	}
	require.Len(t, f.schemes, 2)
	require.True(t, f.isOfSomebody([]byte("RSSMRA85T10A562S")))
	c := &copying{maker: &maker.Maker{Key: []byte("k")}}
	for try := range 300 {
		made, _ := c.make(f, []byte("44051401359"), try)
		require.Regexp(t, "^[0-9]{11}$", string(made))
		require.False(t, f.isOfSomebody(made))
	}
}
