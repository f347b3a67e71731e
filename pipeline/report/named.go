package report

import (
	"iter"
	"reflect"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/shown"
)

// nameFields are the fields of rows that hold names, as the database, the file system or the configuration has
// them, or several joined by ';'.
var nameFields = []string{"Source", "System", "Target", "Application", "Processor", "Database", "Object", "Column",
	"Type", "BackupOf", "SourceSet", "SoftDelete", "Path", "Host", "PlaintextWaived", "RefusedBy"}

// wordFields are those that hold sentences, in which names may stand.
var wordFields = []string{"Words", "Reason", "Why", "Error", "Terms"}

// named is a copy of a run's facts with all names as they are shown.
func named(f audit.Facts, n *shown.Names) audit.Facts {
	if n == nil {
		return f
	}
	f.Inventory, f.Findings, f.Summary = slices.Clone(f.Inventory), slices.Clone(f.Findings), slices.Clone(f.Summary)
	f.Plans, f.Exceptions, f.Backups = slices.Clone(f.Plans), slices.Clone(f.Exceptions), slices.Clone(f.Backups)
	f.ConsentSync, f.Starts, f.Remnants = slices.Clone(f.ConsentSync), slices.Clone(f.Starts), slices.Clone(f.Remnants)
	f.Silos, f.Ages, f.Sources = slices.Clone(f.Silos), slices.Clone(f.Ages), slices.Clone(f.Sources)
	f.Restores, f.Hints = slices.Clone(f.Restores), slices.Clone(f.Hints)
	f.Ended, f.Kept = slices.Clone(f.Ended), slices.Clone(f.Kept)
	for i := range f.Kept {
		k := &f.Kept[i]
		k.Summary, k.Inventory = slices.Clone(k.Summary), slices.Clone(k.Inventory)
		k.Exceptions = slices.Clone(k.Exceptions)
		k.Findings, k.Backups = slices.Clone(k.Findings), slices.Clone(k.Backups)
	}
	for i, line := range f.ConsentSync {
		copied := *line
		f.ConsentSync[i] = &copied
	}
	was := slices.Clone(f.Findings)
	name := func(value string) string {
		parts := strings.Split(value, ";")
		for i, part := range parts {
			parts[i] = n.Of(part)
		}
		return strings.Join(parts, ";")
	}
	v := reflect.ValueOf(&f).Elem()
	change(v, nameFields, name) // all of them, before they are looked for in sentences
	for i := range f.Inventory {
		f.Inventory[i].RefersTo = n.Of(n.Text(f.Inventory[i].RefersTo)) // two names, of which one may not be known
	}
	change(v, wordFields, n.Text)
	for i := range f.Findings {
		if x, y := &f.Findings[i], was[i]; x.Source != y.Source || x.Object != y.Object || x.Column != y.Column {
			x.FindingID = notes.FindingID(*x) // that of the name itself could be tried out
		}
	}
	return f
}

// change changes the texts of some fields, wherever they stand in facts.
func change(v reflect.Value, fields []string, to func(string) string) {
	switch v.Kind() {
	case reflect.Pointer:
		change(v.Elem(), fields, to)
	case reflect.Slice:
		for i := range v.Len() {
			change(v.Index(i), fields, to)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Field(i); {
			case f.Kind() == reflect.Slice, f.Kind() == reflect.Struct:
				change(f, fields, to)
			case f.Kind() == reflect.String && slices.Contains(fields, v.Type().Field(i).Name):
				f.SetString(to(f.String()))
			}
		}
	}
}

// eachNamed shows the names of rows as they come.
func eachNamed[T any](rows iter.Seq2[[]T, error], n *shown.Names) iter.Seq2[[]T, error] {
	if n == nil || rows == nil {
		return rows
	}
	var fields [][]int
	for i := range reflect.TypeFor[T]().NumField() {
		if f := reflect.TypeFor[T]().Field(i); slices.Contains(nameFields, f.Name) {
			fields = append(fields, f.Index)
		}
	}
	last, shown := make([]string, len(fields)), make([]string, len(fields)) // rows come table by table
	return func(yield func([]T, error) bool) {
		for batch, err := range rows {
			for i := range batch {
				v := reflect.ValueOf(&batch[i]).Elem()
				for k, at := range fields {
					f := v.FieldByIndex(at)
					if name := f.String(); name != last[k] {
						last[k], shown[k] = name, n.Of(name)
					}
					if shown[k] != last[k] {
						f.SetString(shown[k])
					}
				}
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}
