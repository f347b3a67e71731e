package gazetteer

import "testing"

// The benchmarks walk through different cells, so that the processor's caches are
// not warmer than in a scan.
func benchmark(b *testing.B, cells []string, f func([]byte)) {
	values := make([][]byte, len(cells))
	for i, c := range cells {
		values[i] = []byte(c)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f(values[i%len(values)])
	}
}

var words = []string{"Smith", "Müller", "García", "invoice", "Kowalska", "Ivanova", "Иванов", "qwertz", "Rossi",
	"street", "Nguyễn", "Thomas", "Lindqvist", "blue", "Papadopoulos", "x"}

func BenchmarkLookup(b *testing.B) {
	benchmark(b, words, func(v []byte) { Lookup(v) })
}

func BenchmarkNameScore(b *testing.B) {
	benchmark(b, words, func(v []byte) { NameScore(v) })
}

func BenchmarkPersonName(b *testing.B) {
	benchmark(b, []string{"Mary", "SMITH", "Smith, John", "Dr. Anna-Lena Müller", "María José García López",
		"Hypertension", "Rossi Mario Srl", "12 boxes", "Highway to Hell"}, func(v []byte) { PersonName(v) })
}

func BenchmarkStreet(b *testing.B) {
	benchmark(b, []string{"23 Workhaven Lane", "ul. Długa 5/7", "12, rue des Bouchers", "Obere Str. 57", "Hypertension",
		"in stock", "2024-01-31"}, func(v []byte) { Street(v) })
}

func BenchmarkCityScore(b *testing.B) {
	benchmark(b, []string{"Milano", "New York", "20121 Milano", "Hypertension", "Austin, TX", "Kowalska"},
		func(v []byte) { CityScore(v) })
}
