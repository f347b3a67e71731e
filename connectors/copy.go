package connectors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Check says what no engine could make of a copy; the error wraps ErrConfig, or errors.ErrUnsupported where
// the table has no key. A CopyKeeper calls it first. Engines hold names to be equal that differ by case, so
// it does too.
func (c Copy) Check() error {
	if len(c.Of.Key) == 0 {
		return fmt.Errorf("table %s has no primary key, so that a copy could not name its rows: %w", c.Of.Name,
			errors.ErrUnsupported)
	}
	names := map[string]bool{}
	for _, name := range c.Of.Key {
		names[strings.ToLower(name)] = true
	}
	for _, f := range c.Fields {
		switch {
		case names[strings.ToLower(f.Name)]:
			return fmt.Errorf("field %s of the copy is there twice, or among the key of table %s: %w", f.Name,
				c.Of.Name, ErrConfig)
		case f.Kind != Date && f.Kind != Timestamp && (f.Kind != Text || f.Length <= 0):
			return fmt.Errorf("field %s of the copy is neither a date, nor an instant, nor a text of a length: %w",
				f.Name, ErrConfig)
		case f.Nullable && slices.Contains(c.Key, f.Name):
			return fmt.Errorf("field %s of the copy's key may be NULL: %w", f.Name, ErrConfig)
		}
		names[strings.ToLower(f.Name)] = true
	}
	for _, name := range c.Key {
		if _, ok := c.field(name); !ok {
			return fmt.Errorf("field %s of the copy's key is not among its fields: %w", name, ErrConfig)
		}
	}
	views := map[string]bool{}
	for _, v := range c.Views {
		if views[strings.ToLower(v.Name)] {
			return fmt.Errorf("view %s is there twice: %w", v.Name, ErrConfig)
		}
		views[strings.ToLower(v.Name)] = true
		if err := c.checkView(v); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
	}
	return c.checkText()
}

func (c Copy) checkView(v CopyView) error {
	if len(v.Name) <= len(c.Name)+1 || !strings.HasPrefix(v.Name, c.Name+"_") {
		return fmt.Errorf("its name does not begin with that of the copy and an underscore: %w", ErrConfig)
	}
	if len(v.Fields) == 0 {
		return fmt.Errorf("it shows no field: %w", ErrConfig)
	}
	for i, name := range v.Fields {
		if _, ok := c.Of.Field(name); !ok {
			return fmt.Errorf("table %s has no field %s: %w", c.Of.Name, name, ErrSchemaChanged)
		}
		if slices.Contains(v.Fields[:i], name) {
			return fmt.Errorf("it shows field %s twice: %w", name, ErrConfig)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Where)) {
		if f, ok := c.field(name); !ok || f.Kind != Text {
			return fmt.Errorf("%s is no text field of the copy: %w", name, ErrConfig)
		}
	}
	if f, ok := c.field(v.Until); v.Until != "" && (!ok || f.Kind != Timestamp) {
		return fmt.Errorf("%s is no field of instants of the copy: %w", v.Until, ErrConfig)
	}
	return nil
}

// checkText refuses names and values that cannot be written as SQL.
func (c Copy) checkText() error {
	texts := []string{c.Name}
	for _, f := range c.Fields {
		texts = append(texts, f.Name)
	}
	for _, v := range c.Views {
		texts = append(texts, v.Name)
		texts = slices.AppendSeq(texts, maps.Values(v.Where))
	}
	for i, s := range texts {
		if i <= len(c.Fields) && s == "" || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("a name or value of the copy is empty, no UTF-8 or holds NUL: %w", ErrConfig)
		}
	}
	return nil
}

// field returns the field of the copy itself of that name.
func (c Copy) field(name string) (Field, bool) { return Table{Fields: c.Fields}.Field(name) }

// Columns returns the columns of rows for a copy, which are its fields in catalog order; none if rows is nil.
func (t Table) Columns(rows arrow.Record) ([]*array.Binary, error) {
	if rows == nil {
		return nil, nil
	}
	if int(rows.NumCols()) != len(t.Fields) {
		return nil, fmt.Errorf("rows of %d columns for a copy of %d fields: %w", rows.NumCols(), len(t.Fields),
			ErrSchemaChanged)
	}
	columns := make([]*array.Binary, len(t.Fields))
	for i, f := range t.Fields {
		column, ok := rows.Column(i).(*array.Binary)
		if !ok || rows.ColumnName(i) != f.Name {
			return nil, fmt.Errorf("column %d of the rows is not field %s of the copy: %w", i+1, f.Name,
				ErrSchemaChanged)
		}
		columns[i] = column
	}
	return columns, nil
}

// ErrOutdated: what has a copy's name is a copy of the same table, with the key or the fields that it had
// before. It comes with ErrRefused. DropCopy and EnsureCopy make it anew.
var ErrOutdated = errors.New("outdated copy")

// OutdatedCopy is the error for a copy with another key or other fields. It wraps ErrOutdated and ErrRefused.
func OutdatedCopy(what string) error {
	return &Error{Err: fmt.Errorf("%s: %w: %w", what, ErrRefused, ErrOutdated), Hint: "the next delivery makes it anew"}
}

// NotThisCopy is the error for a name that is taken: what there is, and what a person can do. It wraps
// ErrRefused.
func NotThisCopy(what string) error {
	return &Error{Err: fmt.Errorf("%s: %w", what, ErrRefused),
		Hint: "rename or drop what has the name; a copy that was dropped is made and filled anew"}
}
