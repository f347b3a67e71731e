package anonymize

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"lethe/connectors"
)

// Named is a field of a table and the technique that is named for it.
type Named struct {
	Column int
	Technique
}

// ForTable are the techniques of the fields of a table, of those that are named by field, and what is wrong with those
// that the table cannot serve. A field that it lacks is not meant.
func ForTable(t connectors.Table, named map[string]*string) (list []Named, wrong []error) {
	for i, f := range t.Fields {
		spec, ok := named[f.Name]
		if !ok {
			continue
		}
		parsed, err := Parse(spec, FieldOf(t, f))
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		list = append(list, Named{i, parsed})
	}
	return list, wrong
}

// FieldOf is what a technique has to know of a field of a table.
func FieldOf(t connectors.Table, f connectors.Field) Field {
	return Field{Name: f.Name, Kind: f.Kind, Type: f.Type, Length: f.Length, Nullable: f.Nullable,
		Generated: f.Generated, Key: slices.Contains(t.Key, f.Name), Unique: t.TakesPart(f.Name)}
}

// Told is what somebody who knows people says of a value.
type Told struct {
	Without []byte // the value without those of them who should be gone, of the same length
	Gone    int    // how many places name one of them
	Hidden  int    // how many of those could not be taken out
}

// Tells makes a technique of somebody who knows people: what names one that should be gone becomes as many x, or the
// whole value NULL. A value in which nobody is named is what the technique yields. The error names the field and the
// next step.
func Tells(f Field, clears bool, told func(value []byte) Told) (Technique, error) {
	t := Technique{form: without, field: f, told: told}
	if clears {
		t.form = emptied
	}
	var err error
	switch {
	case f.Generated:
		err = errors.New("the field is computed by the engine: name the fields it is computed from")
	case f.Key:
		err = errors.New("the field is part of the key, by which the row is found: use delete")
	case clears && !f.Nullable:
		err = errors.New("the field is NOT NULL: use replace or delete")
	case !clears && f.Unique:
		err = errors.New("the field is unique, and two people may become the same: use clear or delete")
	case !clears && !(f.Kind == connectors.Text && len(enumOf(f.Type)) == 0 && !special(f.Type) ||
		f.Kind == connectors.JSON):
		err = errors.New("replace is for fields of text: use clear or delete")
	}
	if err != nil {
		return Technique{}, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return t, nil
}

// Ends reports whether a value names somebody who should be gone, and the technique can take all of them out of it;
// anyhow says that it need not.
func (t Technique) Ends(value []byte, anyhow bool) bool {
	if t.told == nil {
		return false
	}
	told := t.told(value)
	return told.Gone > 0 && (told.Hidden == 0 || anyhow || t.form == emptied)
}

// Digest tells values apart by who should be gone of those in them.
func (t Technique) Digest(value []byte) []byte {
	if t.told == nil {
		return nil
	}
	told := t.told(value)
	return binary.AppendUvarint(append([]byte{6}, told.Without...), uint64(told.Gone))
}
