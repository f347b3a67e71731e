package classifiers_test

import (
	"fmt"
	"math/rand"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/classifiers"
)

// crm makes records like those of a customer table: people, references, states, amounts and a note in one row of three.
func crm(rows int) (arrow.Record, []classifiers.Field, int64) {
	r := rand.New(rand.NewSource(1))
	all := lands()
	var cols [][]string
	for part := range all {
		people, _ := people(all[part], r, rows/len(all))
		if cols == nil {
			cols = make([][]string, len(people)+5)
		}
		for i, col := range people {
			cols[i] = append(cols[i], col...)
		}
	}
	var bytes int64
	for i := range cols[0] {
		note := ""
		if i%3 == 0 {
			note = fmt.Sprintf("Called on %d.%d., wants the offer for %d units again before the end of the month; "+
				"order ORD-%06d is still open.", 1+i%28, 1+i%12, i%500, i)
		}
		for k, v := range []string{fmt.Sprint(i), fmt.Sprintf("CU-%07d", i), []string{"active", "closed", "new"}[i%3],
			fmt.Sprintf("%d.%02d", i%900, i%100), note} {
			cols[12+k] = append(cols[12+k], v)
		}
	}
	for _, col := range cols {
		for _, v := range col {
			bytes += int64(len(v))
		}
	}
	return record(cols...), textFields("c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "id",
		"ref", "state", "total", "note"), bytes
}

// cpu is the processor time that the process has used: on a shared machine the clock on the wall says little.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perCPU reports the bytes of all rounds per second of processor time.
func perCPU(b *testing.B, start time.Duration, size int64) {
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpu()-start).Seconds(), "MB/cpu-s")
}

// BenchmarkObserve reports MB per second of one core over realistic cells, the verdicts included.
func BenchmarkObserve(b *testing.B) {
	rec, fields, size := crm(60000)
	c := catalogue(b)
	b.ReportAllocs()
	b.ResetTimer()
	defer perCPU(b, cpu(), size*10)
	for range b.N {
		s := c.Scan(classifiers.Table{Database: "db", Name: "customers", Fields: fields})
		for range 10 {
			s.Observe(rec)
		}
		if c.Verdicts(s)[0].Rows == 0 {
			b.Fatal("no rows")
		}
	}
}

// BenchmarkScan is Observe alone, after the samples have settled.
func BenchmarkScan(b *testing.B) {
	rec, fields, size := crm(60000)
	s := catalogue(b).Scan(classifiers.Table{Database: "db", Name: "customers", Fields: fields})
	s.Observe(rec)
	b.ReportAllocs()
	b.ResetTimer()
	defer perCPU(b, cpu(), size)
	for range b.N {
		s.Observe(rec)
	}
}

// pairs makes records like those of a table of attributes: for each of the people a row for each of 32 facts, most of them no
// personal data, in keys as WordPress and shops have them.
func pairs(people int) (arrow.Record, []classifiers.Field, int64) {
	r := rand.New(rand.NewSource(2))
	rec, _, _ := crm(people)
	personal := [...]string{"first_name", "last_name", "billing_email", "billing_phone", "billing_address_1", "billing_city",
		"billing_postcode", "birthday", "gender", "national_id", "iban", "last_ip"}
	cols := make([][]string, 4)
	size := int64(0)
	for i := range int(rec.NumRows()) {
		for k := range 32 {
			key, value := fmt.Sprintf("_option_%d", k), fmt.Sprint(r.Intn(1000))
			switch {
			case k < len(personal):
				key, value = personal[k], string(rec.Column(k).(*array.Binary).Value(i))
			case k%5 == 0:
				value = [...]string{"yes", "no", "a:0:{}", "true"}[r.Intn(4)]
			case k == 31:
				key, value = "description", "Called, wants the offer again before the end of the month; the order is still open."
			}
			for c, v := range []string{fmt.Sprint(i*32 + k), fmt.Sprint(i), key, value} {
				cols[c] = append(cols[c], v)
				size += int64(len(v))
			}
		}
	}
	return record(cols...), []classifiers.Field{{Name: "meta_id", Kind: "integer", Key: true}, {Name: "user_id", Kind: "integer"},
		{Name: "meta_key", Kind: "text"}, {Name: "meta_value", Kind: "text"}}, size
}

// BenchmarkAttributes is Observe alone of a table of attributes, of which each value is counted for its key, too.
func BenchmarkAttributes(b *testing.B) {
	rec, fields, size := pairs(6000)
	s := catalogue(b).Scan(classifiers.Table{Database: "db", Name: "usermeta", Fields: fields})
	s.Observe(rec)
	b.ReportAllocs()
	b.ResetTimer()
	defer perCPU(b, cpu(), size)
	for range b.N {
		s.Observe(rec)
	}
}

// BenchmarkSpans reads a letter for what to redact.
func BenchmarkSpans(b *testing.B) {
	text := []byte("Dear Mr Thistlewood, thank you for your call of 3 May. We have changed the number to +44 20 7946 " +
		"0018 and the address to j.t@post.example; the refund of 120.50 goes to GB29 NWBK 6016 1331 9268 19. Regards")
	c := catalogue(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []classifiers.Span
	for range b.N {
		dst = c.Spans(dst[:0], text)
	}
}

// BenchmarkVerdicts judges the seventeen fields of a scanned table.
func BenchmarkVerdicts(b *testing.B) {
	rec, fields, _ := crm(60000)
	c := catalogue(b)
	s := c.Scan(classifiers.Table{Database: "db", Name: "customers", Fields: fields})
	s.Observe(rec)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		c.Verdicts(s)
	}
}
