package classifiers_test

import (
	"bytes"
	"testing"
)

// BenchmarkProse reads pages of ordinary text, in which little is personal.
func BenchmarkProse(b *testing.B) {
	text := bytes.Repeat([]byte("Dear colleagues, the committee met on Monday and agreed that the new timetable "+
		"starts in September. Several members asked for more time; "+
		"the budget of 12,500 covers printing, postage and two visits a year. Der Ausschuss hat am Montag "+
		"beschlossen, dass der neue Fahrplan im September beginnt. "+
		"Il comitato si riunisce ogni mese e discute le proposte dei gruppi. Please write to Maria Rossi "+
		"(m.rossi@posteo.it) or call +39 02 3661 8300 before Friday.\n"), 200)
	c := catalogue(b)
	b.ReportAllocs()
	dst := c.Spans(nil, text)
	b.ResetTimer()
	defer perCPU(b, cpu(), int64(len(text)))
	for range b.N {
		dst = c.Spans(dst[:0], text)
	}
}
