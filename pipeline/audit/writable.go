package audit

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const replacement = "\uFFFD" // U+FFFD, for bytes that are no UTF-8

// Writable makes what value points to fit for JSON, in which the journal keeps a run's facts, and returns the places
// where it had to: a number that is not finite becomes 0, an instant beyond the year 9999 the zero time, and bytes of a
// text that are not UTF-8 become U+FFFD. One such value must not keep a night from saying what it did. A place is words
// of the catalog and of the configuration: "Inventory.Confidence of crm people age".
func Writable(value any) []string {
	m := mender{}
	m.mend(reflect.ValueOf(value).Elem(), "", nil)
	return m.places
}

type mender struct{ places []string }

// mend walks the values of facts. The name of v is its struct's and its field's; row are the words that say where the
// struct belongs.
func (m *mender) mend(v reflect.Value, name string, row []string) {
	fit := true
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			m.mend(v.Elem(), name, row)
		}
	case reflect.Slice:
		for i := range v.Len() {
			m.mend(v.Index(i), name, row)
		}
	case reflect.Struct:
		at, isTime := v.Interface().(time.Time)
		if !isTime {
			m.fields(v, row)
		} else if fit = at.Year() >= 0 && at.Year() <= 9999; !fit { // what RFC 3339 can say
			v.SetZero()
		}
	case reflect.Float64:
		if fit = !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0); !fit {
			v.SetFloat(0)
		}
	case reflect.String:
		if fit = utf8.ValidString(v.String()); !fit {
			v.SetString(strings.ToValidUTF8(v.String(), replacement))
		}
	}
	if !fit {
		m.places = append(m.places, strings.ToValidUTF8(name+" of "+strings.Join(row, " "), replacement))
	}
}

// placeFields are the fields of a row that say where it belongs.
var placeFields = []string{"RunID", "Silo", "Target", "Source", "Object", "Table", "Column", "Field", "PlanID"}

func (m *mender) fields(v reflect.Value, row []string) {
	row = slices.Clip(row)
	for i := range v.NumField() {
		f := v.Field(i)
		if slices.Contains(placeFields, v.Type().Field(i).Name) && f.Kind() == reflect.String && f.Len() > 0 {
			row = append(row, f.String())
		}
	}
	for i := range v.NumField() {
		m.mend(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, row)
	}
}
