// Package require says what must hold, to a test that ends where it does not.
//
// It has of testify's functions of the same names those that the suite uses, and nothing of the package testing: the
// suite is part of the program, and is run on servers of the operator's. T is who is told. What is said is one line, and
// cut where it is long.
package require

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// T is a test: what failed is said to it, and it ends.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// longest is how much of a value is shown.
const longest = 300

func shown(v any) string { return cut(plain.Replace(fmt.Sprintf("%#v", v)), 0) }

// plain leaves out what Go says of the types of rows.
var plain = strings.NewReplacer("interface {}", "any", "[]any{", "{", "[]any", "", "any(nil)", "nil")

// cut is so much of a text as is shown, from a place on.
func cut(s string, from int) string {
	if from > 0 {
		s = "... " + strings.ToValidUTF8(s[from:], "")
	}
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + " ..."
	}
	return s
}

// differ shows two values from a little before the place where they differ.
func differ(want, got any) (string, string) {
	a, b := plain.Replace(fmt.Sprintf("%#v", want)), plain.Replace(fmt.Sprintf("%#v", got))
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	from := max(at-longest/3, 0)
	if max(len(a), len(b)) <= longest {
		from = 0
	}
	return cut(a, from), cut(b, from)
}

// words are those of whoever asks: a format with its arguments, or nothing.
func words(msg []any) string {
	if len(msg) == 0 {
		return ""
	}
	format, ok := msg[0].(string)
	if !ok {
		return fmt.Sprint(msg...) + ": "
	}
	return fmt.Sprintf(format, msg[1:]...) + ": "
}

func that(t T, holds bool, msg []any, format string, args ...any) {
	t.Helper()
	if !holds {
		t.Errorf("%s%s", words(msg), fmt.Sprintf(format, args...))
		t.FailNow()
	}
}

func equal(want, got any) bool {
	a, ok := want.([]byte)
	b, also := got.([]byte)
	if ok && also && a != nil && b != nil {
		return bytes.Equal(a, b)
	}
	return reflect.DeepEqual(want, got)
}

// Equal says that two values are the same, in every part.
func Equal(t T, want, got any, msg ...any) {
	t.Helper()
	if !equal(want, got) {
		a, b := differ(want, got)
		that(t, false, msg, "%s is wanted, and is %s", a, b)
	}
}

// NotEqual says that two values differ.
func NotEqual(t T, one, other any, msg ...any) {
	t.Helper()
	that(t, !equal(one, other), msg, "both are %s", shown(one))
}

// EqualValues says that two values are the same number, of whatever type.
func EqualValues(t T, want, got any, msg ...any) {
	t.Helper()
	a, b := reflect.ValueOf(want), reflect.ValueOf(got)
	same := equal(want, got) || a.IsValid() && b.IsValid() && a.CanConvert(b.Type()) && equal(a.Convert(b.Type()).Interface(), got)
	that(t, same, msg, "%s is wanted, and is %s", shown(want), shown(got))
}

// Same says that two pointers lead to one place.
func Same(t T, want, got any, msg ...any) {
	t.Helper()
	that(t, want == got, msg, "another value than was wanted")
}

// True says that something holds.
func True(t T, holds bool, msg ...any) {
	t.Helper()
	that(t, holds, msg, "it does not hold")
}

// False says that something does not hold.
func False(t T, holds bool, msg ...any) {
	t.Helper()
	that(t, !holds, msg, "it holds")
}

// NoError says that nothing went wrong.
func NoError(t T, err error, msg ...any) {
	t.Helper()
	that(t, err == nil, msg, "%v", err)
}

// Error says that something went wrong.
func Error(t T, err error, msg ...any) {
	t.Helper()
	that(t, err != nil, msg, "an error is wanted, and there is none")
}

// ErrorIs says that something went wrong, and of which kind it is.
func ErrorIs(t T, err, kind error, msg ...any) {
	t.Helper()
	that(t, errors.Is(err, kind), msg, "the error %q is wanted, and is: %v", fmt.Sprint(kind), err)
}

// NotErrorIs says that what went wrong, if anything, is not of a kind.
func NotErrorIs(t T, err, kind error, msg ...any) {
	t.Helper()
	that(t, !errors.Is(err, kind), msg, "it is the error %q: %v", fmt.Sprint(kind), err)
}

// ErrorAs says that something went wrong, and finds the error of a type in it.
func ErrorAs(t T, err error, to any, msg ...any) {
	t.Helper()
	that(t, errors.As(err, to), msg, "an error of type %T is wanted, and is: %v", to, err)
}

// EqualError says in which words something went wrong.
func EqualError(t T, err error, text string, msg ...any) {
	t.Helper()
	that(t, err != nil && err.Error() == text, msg, "the error %q is wanted, and is: %v", text, err)
}

// ErrorContains says which words are in an error.
func ErrorContains(t T, err error, text string, msg ...any) {
	t.Helper()
	that(t, err != nil && strings.Contains(err.Error(), text), msg, "an error with %q is wanted, and is: %v", text, err)
}

func empty(v any) bool {
	r := reflect.ValueOf(v)
	if !r.IsValid() {
		return true
	}
	switch r.Kind() {
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array, reflect.Chan:
		return r.Len() == 0
	}
	return r.IsZero()
}

// Empty says that there is nothing in a value.
func Empty(t T, v any, msg ...any) {
	t.Helper()
	that(t, empty(v), msg, "nothing is wanted, and there is %s", shown(v))
}

// NotEmpty says that there is something in a value.
func NotEmpty(t T, v any, msg ...any) {
	t.Helper()
	that(t, !empty(v), msg, "something is wanted, and there is nothing")
}

// Zero says that a value is that of its type which nobody set.
func Zero(t T, v any, msg ...any) {
	t.Helper()
	r := reflect.ValueOf(v)
	that(t, !r.IsValid() || r.IsZero(), msg, "nothing is wanted, and there is %s", shown(v))
}

// NotNil says that there is a value.
func NotNil(t T, v any, msg ...any) {
	t.Helper()
	r, none := reflect.ValueOf(v), v == nil
	switch r.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
		none = r.IsNil()
	}
	that(t, !none, msg, "there is no value")
}

// Len says how many there are.
func Len(t T, v any, n int, msg ...any) {
	t.Helper()
	that(t, reflect.ValueOf(v).Len() == n, msg, "%d are wanted, and there are %d: %s", n, reflect.ValueOf(v).Len(), shown(v))
}

// Contains says that a text, or one of a list, is in another.
func Contains(t T, in, what any, msg ...any) {
	t.Helper()
	that(t, contains(in, what), msg, "%s is wanted in %s", shown(what), shown(in))
}

// NotContains says that a text, or one of a list, is not in another.
func NotContains(t T, in, what any, msg ...any) {
	t.Helper()
	that(t, !contains(in, what), msg, "%s is in %s", shown(what), shown(in))
}

func contains(in, what any) bool {
	if s, ok := in.(string); ok {
		part, ok := what.(string)
		return ok && strings.Contains(s, part)
	}
	r := reflect.ValueOf(in)
	if r.Kind() == reflect.Map {
		return r.MapIndex(reflect.ValueOf(what)).IsValid()
	}
	for i := range r.Len() {
		if equal(r.Index(i).Interface(), what) {
			return true
		}
	}
	return false
}

// ElementsMatch says that two lists hold the same, in any order.
func ElementsMatch(t T, want, got any, msg ...any) {
	t.Helper()
	that(t, sameElements(want, got), msg, "in any order %s is wanted, and is %s", shown(want), shown(got))
}

func sameElements(want, got any) bool {
	if empty(want) && empty(got) {
		return true
	}
	a, b := reflect.ValueOf(want), reflect.ValueOf(got)
	if empty(want) || empty(got) || a.Len() != b.Len() {
		return false
	}
	met := make([]bool, b.Len())
	for i := range a.Len() {
		at := -1
		for j := range b.Len() {
			if !met[j] && equal(a.Index(i).Interface(), b.Index(j).Interface()) {
				at = j
				break
			}
		}
		if at < 0 {
			return false
		}
		met[at] = true
	}
	return true
}

// Implements says that a value has the methods of an interface, given as a pointer to one.
func Implements(t T, of, v any, msg ...any) {
	t.Helper()
	that(t, reflect.TypeOf(v).Implements(reflect.TypeOf(of).Elem()), msg, "%T lacks methods of %T", v, of)
}

// Less says that a number is below another.
func Less[N cmp.Ordered](t T, a, b N, msg ...any) {
	t.Helper()
	that(t, a < b, msg, "%v is not below %v", a, b)
}

// LessOrEqual says that a number is not above another.
func LessOrEqual[N cmp.Ordered](t T, a, b N, msg ...any) {
	t.Helper()
	that(t, a <= b, msg, "%v is above %v", a, b)
}

// Greater says that a number is above another.
func Greater[N cmp.Ordered](t T, a, b N, msg ...any) {
	t.Helper()
	that(t, a > b, msg, "%v is not above %v", a, b)
}

// GreaterOrEqual says that a number is not below another.
func GreaterOrEqual[N cmp.Ordered](t T, a, b N, msg ...any) {
	t.Helper()
	that(t, a >= b, msg, "%v is below %v", a, b)
}

// Positive says that a number is above nothing.
func Positive(t T, n int, msg ...any) {
	t.Helper()
	that(t, n > 0, msg, "%d is not above 0", n)
}

// IsIncreasing says that each text comes before the next.
func IsIncreasing(t T, list []string, msg ...any) {
	t.Helper()
	rises := slices.IsSorted(list) && len(slices.Compact(slices.Clone(list))) == len(list)
	that(t, rises, msg, "the order is %s", shown(list))
}

// IsNonDecreasing says that no text comes after the next.
func IsNonDecreasing(t T, list []string, msg ...any) {
	t.Helper()
	that(t, slices.IsSorted(list), msg, "the order is %s", shown(list))
}
