package residue

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrim(t *testing.T) {
	for value, want := range map[string]string{"&nbsp;a&#XA0; %20": "a", `\uFEFFa b\u200b`: "a b", "_x000D_": "", "": "", "a&nbsp;b": "a&nbsp;b",
		"100": "100", "ad": "ad", "50%2": "50%2", "%C2%a00042": "0042", "Âa": "Âa", " Â\u00a0 a": "a"} {
		require.Equal(t, want, string(Trim([]byte(value))), value)
	}
}
