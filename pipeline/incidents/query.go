package incidents

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/setup"
)

// Question is what somebody asks of the evidence after something happened.
type Question struct {
	Reports  string // the folder, or a copy of it
	From, To string // civil dates, both of them in it
	Source   string
	Object   string // the table; "" all of the source
}

// Answer is what the reports say: as much of what a notification has to hold (Art. 33(3)) as they know.
type Answer struct {
	Nights []NightSaid `json:"nights"`
	Fields []FieldSaid `json:"fields"` // of the last night that has them: the categories of data
	Silos  []SiloSaid  `json:"silos"`  // that govern the tables: about how many people
	Hints  []string    `json:"hints"`
	Found  []string    `json:"findings"`
	Files  []string    `json:"backups"` // that are copies of the source
}

// NightSaid is what one run says of the tables.
type NightSaid struct {
	Date   string           `json:"date"`
	RunID  string           `json:"run_id"`
	Rows   int64            `json:"rows"`   // that the tables had when they were read
	Change map[string]int64 `json:"change"` // rows that the run changed, by change and outcome
}

// FieldSaid is a field that holds personal data.
type FieldSaid struct {
	Object   string `json:"object"`
	Field    string `json:"field"`
	Category string `json:"category"`
	Class    string `json:"class"`
	Rows     int64  `json:"rows"` // in which it holds something
}

// SiloSaid is a silo whose rows stand in the tables.
type SiloSaid struct {
	Silo   string `json:"silo"`
	People int64  `json:"people"`
	Rows   int64  `json:"rows"`
}

// Query answers from the reports alone.
func Query(ctx context.Context, q Question) (a Answer, err error) {
	r := reading{ctx: ctx, q: q}
	nights := map[string]*NightSaid{}
	silos := map[string]bool{}
	if err := r.each("inventory", []string{"source", "object", "field", "rows", "category", "class", "non_empty",
		"state"}, func(date, run string, v []string) {
		if !r.asked(v[0], v[1]) || v[7] != "scanned" {
			return
		}
		n := nights[run]
		if n == nil {
			n = &NightSaid{Date: date, RunID: run, Change: map[string]int64{}}
			nights[run] = n
			a.Fields = nil // those of the last night
		}
		switch {
		case v[2] == "":
			n.Rows += number(v[3])
		case audit.Inventory{Category: v[4]}.Personal():
			a.Fields = append(a.Fields, FieldSaid{v[1], v[2], v[4], v[5], number(v[6])})
		}
	}); err != nil {
		return a, err
	}
	settled := []string{"source", "object", "silo", "change", "status"}
	err = r.each("actions", settled, func(date, run string, v []string) {
		if !r.asked(v[0], v[1]) {
			return
		}
		if nights[run] == nil {
			nights[run] = &NightSaid{Date: date, RunID: run, Change: map[string]int64{}}
		}
		nights[run].Change[v[3]+" "+v[4]]++
		silos[v[2]] = true
	})
	if err == nil {
		err = r.counted(nights, silos)
	}
	if err == nil {
		err = r.purged(nights)
	}
	if err == nil {
		err = r.each("summary", []string{"source", "object", "silo"}, func(_, _ string, v []string) {
			silos[v[2]] = silos[v[2]] || r.asked(v[0], v[1])
		})
	}
	if err == nil {
		err = r.each("silos", []string{"silo", "people", "rows"}, func(_, _ string, v []string) {
			if !silos[v[0]] {
				return
			}
			a.Silos = slices.DeleteFunc(a.Silos, func(s SiloSaid) bool { return s.Silo == v[0] })
			a.Silos = append(a.Silos, SiloSaid{v[0], number(v[1]), number(v[2])})
		})
	}
	if err == nil {
		err = r.texts(&a)
	}
	for _, n := range nights {
		a.Nights = append(a.Nights, *n)
	}
	slices.SortFunc(a.Nights, func(x, y NightSaid) int { return strings.Compare(x.RunID, y.RunID) })
	if err == nil && len(a.Nights) == 0 {
		err = fmt.Errorf("%w: no report from %s to %s speaks of %s: look whether it is written as the configuration "+
			"has it, and whether %s is the folder of the reports", setup.ErrConfig, q.From, q.To,
			strings.TrimSuffix(q.Source+"."+q.Object, "."), q.Reports)
	}
	return a, err
}

// texts are what is said in words.
func (r reading) texts(a *Answer) error {
	add := func(list *[]string, line string) {
		if !slices.Contains(*list, line) {
			*list = append(*list, line)
		}
	}
	err := r.each("incident_hints", []string{"source", "object", "kind", "words", "assessed_by", "assessment"},
		func(date, _ string, v []string) {
			if v[0] == "" || r.asked(v[0], v[1]) || v[1] == "" && v[0] == r.q.Source {
				line := fmt.Sprintf("%s %s: %s", date, v[2], v[3])
				if v[4] != "" {
					line += " Assessed by " + v[4] + ": " + v[5]
				}
				add(&a.Hints, line)
			}
		})
	if err == nil {
		found := []string{"source", "object", "kind", "severity", "words"}
		err = r.each("findings", found, func(_, _ string, v []string) {
			if r.asked(v[0], v[1]) && v[3] != "low" {
				add(&a.Found, v[2]+": "+v[4])
			}
		})
	}
	if err == nil {
		err = r.each("sources", []string{"source", "backup_of"}, func(_, _ string, v []string) {
			if v[1] == r.q.Source {
				add(&a.Files, v[0])
			}
		})
	}
	return err
}

// reading reads tables of the nights that are asked about.
type reading struct {
	ctx context.Context
	q   Question
}

func (r reading) asked(source, object string) bool {
	return source == r.q.Source && (r.q.Object == "" || object == r.q.Object)
}

// purged counts what runs changed whose rows are over their term: there are counts in their place.
func (r reading) purged(nights map[string]*NightSaid) error {
	files, err := filepath.Glob(filepath.Join(r.q.Reports, expiry.Folder, "run=*", "table="+audit.RowRollupTable, "*",
		"*", "*.parquet"))
	if err != nil {
		return fmt.Errorf("look for counts: %w", err)
	}
	columns := []string{"of_run", "of_table", "source", "object", "change", "status", "rows"}
	for _, file := range files {
		if err := parquet.Texts(r.ctx, file, columns, func(v []string) {
			if n := nights[v[0]]; n != nil && v[1] == "actions" && r.asked(v[2], v[3]) {
				n.Change[v[4]+" "+v[5]] += number(v[6])
			}
		}); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
	}
	return nil
}

// counted counts what runs changed in rows that are encrypted for their readers: their night has counts beside them.
func (r reading) counted(nights map[string]*NightSaid, silos map[string]bool) error {
	columns := []string{"of_table", "source", "object", "silo", "change", "status", "rows"}
	return r.each(audit.RowRollupTable, columns, func(date, run string, v []string) {
		if v[0] != "actions" || !r.asked(v[1], v[2]) {
			return
		}
		if nights[run] == nil {
			nights[run] = &NightSaid{Date: date, RunID: run, Change: map[string]int64{}}
		}
		nights[run].Change[v[4]+" "+v[5]] += number(v[6])
		silos[v[3]] = true
	})
}

// each reads the rows of a table, night by night.
func (r reading) each(table string, columns []string, row func(date, run string, values []string)) error {
	files, err := filepath.Glob(filepath.Join(r.q.Reports, "table="+table, "date=*", "run=*", "*.parquet"))
	if err != nil {
		return fmt.Errorf("look for table %s: %w", table, err)
	}
	run := func(file string) string { return strings.TrimPrefix(filepath.Base(filepath.Dir(file)), "run=") }
	slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(run(a), run(b)) })
	for _, file := range files {
		date := strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(file))), "date=")
		if date < r.q.From || date > r.q.To {
			continue
		}
		err := parquet.Texts(r.ctx, file, columns, func(v []string) { row(date, run(file), v) })
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
	}
	return nil
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // "" is none
	return n
}
