package identifier

import "testing"

// The row side: millions of values a night, nearly all of them plain.
func BenchmarkNormalise(b *testing.B) {
	for _, of := range []struct{ name, kind, value string }{
		{"address", Email, "Ada.Lovelace@Example.org"},
		{"telephone", Phone, "+393331234567"},
		{"telephone with spaces", Phone, "+39 333 1234567"},
		{"customer number", Customer, "00042-A"},
		{"user name", Username, "AdaLovelace"},
		{"national number", "national-id:IT", "RSSMRA85T10A562S"},
		{"no address", Email, "not known, asked on the telephone"},
		{"address with a letter of its own", Email, "josé.lovelace@example.org"},
		{"domain with a letter of its own", Email, "ada@bücher.example"},
	} {
		b.Run(of.name, func(b *testing.B) {
			value, dst := []byte(of.value), make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				Normalise(of.kind, value, "IT", dst)
			}
		})
	}
}
