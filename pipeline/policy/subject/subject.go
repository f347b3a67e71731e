// Package subject is how a policy says whom a row is about: by identifiers that stand in the row itself, or in rows of
// other tables. A Via leads from the row to such identifiers over one or more Hops; Written is what the configuration
// says of both.
package subject

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Via leads from a row to identifiers of its person that stand in another table: `{via: civicrm_email.contact_id,
// email: email}`.
type Via struct {
	Path   []Hop
	Fields map[string]string // identifier kind: field of the last table of the path
}

// Hop leads from a row to the rows of Table whose Field equals the row's field From.
type Hop struct {
	From  string // "": the row's primary key, which then has one field
	Table string
	Field string
	Where map[string]string `json:",omitempty"` // only rows whose fields hold these values
}

// Last is the table that holds the identifiers.
func (v Via) Last() Hop { return v.Path[len(v.Path)-1] }

// Kind is a kind of the identifiers, the first by name.
func (v Via) Kind() string { return slices.Min(slices.Collect(maps.Keys(v.Fields))) }

// Crosses reports whether the path leads over a table.
func (v Via) Crosses(table string) bool {
	return slices.ContainsFunc(v.Path, func(h Hop) bool { return h.Table == table })
}

// String is the path as the configuration writes it.
func (v Via) String() string {
	hops := make([]string, len(v.Path))
	for i, h := range v.Path {
		hops[i] = h.String()
	}
	return strings.Join(hops, ", ")
}

// Filters reports whether only some of the rows of a table that refer by these fields count.
func (h Hop) Filters(table string, fk []string) bool {
	return len(h.Where) > 0 && h.Table == table && slices.Contains(fk, h.Field)
}

// Identifies reports whether rows of a table refer to the rows before the hop, and lead on to whose those are.
func (h Hop) Identifies(table string) bool { return h.From == "" && h.Table == table }

// String is the hop as the configuration writes it.
func (h Hop) String() string {
	if h.From == "" {
		return h.Table + "." + h.Field
	}
	return h.From + " = " + h.Table + "." + h.Field
}

// Written is `subject:` as the configuration has it: one mapping, or a list of them. What cannot be read is in
// Wrong, for the check that knows the place.
type Written struct {
	Fields map[string]string
	Via    []Via
	Wrong  []string
}

// UnmarshalYAML reads a mapping, or a list of mappings.
func (w *Written) UnmarshalYAML(unmarshal func(any) error) error {
	var list []map[string]any
	if unmarshal(&list) != nil {
		var one map[string]any
		if err := unmarshal(&one); err != nil {
			return err // with its place in the file
		}
		list = []map[string]any{one}
	}
	for _, m := range list {
		w.take(m)
	}
	return nil
}

// Amiss reports whether some of it could not be read; nil is nothing written.
func (w *Written) Amiss() bool { return w != nil && len(w.Wrong) > 0 }

func (w *Written) wrong(format string, args ...any) {
	w.Wrong = append(w.Wrong, fmt.Sprintf(format, args...))
}

// take reads one mapping.
func (w *Written) take(m map[string]any) {
	fields := map[string]string{}
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		if kind == "via" || kind == "where" {
			continue
		}
		field, ok := m[kind].(string)
		if !ok {
			w.wrong("%s wants the name of a field: write it as {email: email}", kind)
			continue
		}
		fields[kind] = field
	}
	via, leads := m["via"]
	if !leads {
		if _, filtered := m["where"]; filtered {
			w.wrong("where goes with via, and filters the other table: the rows of this one are told apart by the " +
				"where of the records")
		}
		w.own(fields)
		return
	}
	v := Via{Fields: fields}
	if len(fields) == 0 {
		w.wrong("via %v names no identifier: say which field of the other table identifies the person, for example "+
			"email: email", via)
	}
	switch hops := via.(type) {
	case string:
		w.hop(&v, hops)
	case []any:
		for _, h := range hops {
			text, _ := h.(string)
			w.hop(&v, text)
		}
	default:
		w.wrong("via wants a path: write it as TABLE.FIELD")
	}
	if len(v.Path) == 0 {
		return
	}
	w.filter(&v, m["where"])
	w.Via = append(w.Via, v)
}

// own takes up identifiers of the row itself.
func (w *Written) own(fields map[string]string) {
	if w.Fields == nil {
		w.Fields = map[string]string{}
	}
	for kind, field := range fields {
		if was, twice := w.Fields[kind]; twice && was != field {
			w.wrong("%s is named twice, as %s and as %s: a row has one of a kind, name the other by via", kind, was,
				field)
			continue
		}
		w.Fields[kind] = field
	}
}

// hop reads one step of a path: TABLE.FIELD, or FROM = TABLE.FIELD.
func (w *Written) hop(v *Via, text string) {
	from, to, equation := strings.Cut(text, "=")
	if !equation {
		from, to = "", text
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	dot := strings.LastIndexByte(to, '.')
	if dot <= 0 || dot == len(to)-1 || equation && from == "" {
		w.wrong("via %q is no path: write TABLE.FIELD, the field that refers to this row, or FIELD = TABLE.FIELD", text)
		return
	}
	table := to[:dot]
	if v.Crosses(table) {
		w.wrong("via leads over %s twice: a path comes to each table once", table)
		return
	}
	v.Path = append(v.Path, Hop{From: from, Table: table, Field: to[dot+1:]})
}

// filter reads which rows of the tables count: FIELD of the last table, or TABLE.FIELD.
func (w *Written) filter(v *Via, where any) {
	if where == nil {
		return
	}
	values, ok := where.(map[string]any)
	if !ok {
		w.wrong("where wants fields with values, as {is_primary: \"1\"}")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		at, field := len(v.Path)-1, name
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			field = name[dot+1:]
			at = slices.IndexFunc(v.Path, func(h Hop) bool { return h.Table == name[:dot] })
		}
		if at < 0 || field == "" {
			w.wrong("where names %s, whose table is not on the path %s: name a field of a table there", name, v)
			continue
		}
		if values[name] == nil {
			w.wrong("where %s has no value: write the text that the field holds", name)
			continue
		}
		h := &v.Path[at]
		if h.Where == nil {
			h.Where = map[string]string{}
		}
		h.Where[field] = fmt.Sprint(values[name])
	}
}

// Check reports what is wrong with the ways of a table's rows: what could not be read, and paths that come back to
// the table itself.
func Check(w *Written, via []Via, table string, report func(format string, args ...any)) {
	if w.Amiss() {
		for _, wrong := range w.Wrong {
			report("subject: %s", wrong)
		}
	}
	for _, v := range via {
		if v.Crosses(table) {
			report("subject: via %s leads back to %s: name the other table that holds the identifier", v, table)
		}
		for _, kind := range slices.Sorted(maps.Keys(v.Fields)) {
			if kind == "" || v.Fields[kind] == "" {
				report("subject: via %s has an entry without kind or field: write it as {via: %s, email: email}", v, v)
			}
		}
	}
}
