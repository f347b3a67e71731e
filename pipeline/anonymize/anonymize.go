// Package anonymize replaces the values of a column by ones that say less. Its functions are pure: no I/O,
// no clock, no state beyond a key.
//
// Parse reads a technique from the configuration and checks it against the field it is for; Apply computes
// a column's new values; Holds tells whether a value already is what the technique yields, so that a second
// night changes nothing. Result says honestly what is left: only removed and constant values are
// anonymised, what is derived from the old value is still personal data (WP216; EDPB Guidelines 01/2025).
package anonymize

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lethe/connectors"
)

// Field is what a technique has to know of the column it is for.
type Field struct {
	Name      string
	Kind      connectors.Kind
	Type      string   // as the source declares it
	Length    int      // most characters (text) or bytes (binary); 0: no limit, or unknown
	Nullable  bool     // NULL is allowed
	Unique    bool     // part of a unique constraint
	Key       bool     // part of the primary key
	Generated bool     // computed by the engine
	Enum      []string // the values allowed; nil: read from Type where it lists them, else any
}

// Result says what a technique leaves.
type Result string

// The results.
const (
	Anonymised    Result = "anonymised"    // nothing of the value is left
	Generalised   Result = "generalised"   // a coarser value is left; anonymous only in a crowd
	Pseudonymised Result = "pseudonymised" // derived from the value: still personal data
)

// Technique computes new values for one field. It is immutable and may be used by several goroutines. The
// zero value is none: use Parse.
type Technique struct {
	form     form
	field    Field
	constant []byte // constant, empty; and where year and month put what cannot be read
	// truncate: characters; mask: characters kept at the end; hash: length of the output, or its largest
	// integer
	n    int
	told func(value []byte) Told
	uuid bool   // hash: as a UUID
	key  []byte // hash: the key of the field's domain
}

type form uint8

const (
	null form = iota + 1
	constant
	hash
	year
	month
	truncate
	mask
	without
	emptied
)

// forms gives each form its method in the audit and its result.
var forms = [...]struct {
	method string
	result Result
	maps   bool // many old values share a new one, so a unique constraint would fail
}{
	null:     {method: "null_fields", result: Anonymised},
	constant: {method: "constant", result: Anonymised, maps: true},
	hash:     {method: "keyed_hash", result: Pseudonymised},
	year:     {method: "generalise", result: Generalised, maps: true},
	month:    {method: "generalise", result: Generalised, maps: true},
	truncate: {method: "truncate", result: Pseudonymised, maps: true},
	mask:     {method: "mask", result: Pseudonymised, maps: true},
	without:  {method: "replace_spans", result: Generalised, maps: true},
	emptied:  {method: "null_fields", result: Anonymised},
}

// Parse reads a technique and checks that its results fit the field. The errors name the field and the next
// step.
//
//	null (or nil)      NULL
//	constant           a neutral value of the field's kind: 'anonymized', 0, 1900-01-01
//	constant:VALUE     VALUE, in the canonical form of the field's kind
//	empty              the empty text
//	hash               a keyed hash (HMAC-SHA256), formatted to the field: needs WithKey
//	year, month        the first day of the year or month
//	truncate:N         the first N characters
//	mask               letters become x, digits 0, the rest stays
//	mask:keep_last:N   the same, but for the last N characters; never more than half of them
func Parse(spec *string, f Field) (Technique, error) {
	t, err := parse(spec, f)
	if err != nil {
		return Technique{}, fmt.Errorf("anonymize %s: %w", f.Name, err)
	}
	return t, nil
}

func parse(spec *string, f Field) (Technique, error) {
	word, argument, hasArgument := "null", "", false
	if spec != nil {
		word, argument, hasArgument = strings.Cut(*spec, ":")
	}
	if f.Enum == nil {
		f.Enum = enumOf(f.Type)
	}
	t := Technique{field: f}
	switch {
	case f.Generated:
		return t, errors.New("the field is computed by the engine: anonymize the fields it is computed from")
	case f.Key:
		return t, errors.New("the field is part of the key, by which the row is found: leave it out, or delete the " +
			"row instead")
	}
	var err error
	switch word {
	case "null":
		err = t.parseNull()
	case "constant":
		err = t.parseConstant(argument, hasArgument)
		hasArgument = false
	case "empty":
		err = t.parseConstant("", true)
	case "hash":
		err = t.parseHash()
	case "year", "month":
		err = t.parseDate(word)
	case "truncate":
		err = t.parseTruncate(argument)
		hasArgument = false
	case "mask":
		err = t.parseMask(argument, hasArgument)
		hasArgument = false
	default:
		return t, fmt.Errorf("%q is no technique: use null, constant, constant:VALUE, empty, hash, year, month, "+
			"truncate:N, mask or mask:keep_last:N", word)
	}
	switch {
	case err != nil:
		return t, err
	case hasArgument:
		return t, fmt.Errorf("%s takes no argument: write %s alone", word, word)
	case f.Unique && forms[t.form].maps:
		return t, fmt.Errorf("the field is unique and %s would give several rows the same value: use hash, or null "+
			"where the field allows it", word)
	}
	return t, nil
}

func (t *Technique) parseNull() error {
	t.form = null
	if !t.field.Nullable {
		return errors.New("the field is NOT NULL: use constant or empty, or hash where it is unique")
	}
	return nil
}

func (t *Technique) parseConstant(value string, given bool) error {
	t.form = constant
	f := t.field
	if !given {
		switch value, given = neutral(f); {
		case !given && len(f.Enum) > 0:
			return errors.New("the field allows only listed values: choose one with constant:VALUE")
		case !given:
			return fmt.Errorf("there is no neutral value for type %s: use null, or constant:VALUE", f.Type)
		}
	}
	if err := fits(f, value); err != nil {
		return err
	}
	t.constant = []byte(value)
	return nil
}

// minUniqueHash is the fewest characters of base32 (65 bits) at which ten million rows collide with a
// chance of less than one in a hundred thousand.
const minUniqueHash = 13

func (t *Technique) parseHash() error {
	t.form = hash
	f := &t.field
	switch {
	case len(f.Enum) > 0 || special(f.Type):
		return fmt.Errorf("a hash is no value of type %s: use null or constant", f.Type)
	case f.Kind == connectors.Text && isUUID(f.Type):
		t.uuid = true
	case f.Kind == connectors.Text:
		t.n = hashChars
		if f.Length > 0 {
			t.n = min(t.n, f.Length)
		}
		if f.Unique && t.n < minUniqueHash {
			return fmt.Errorf("the field is unique and %d characters are too few for hashes "+
				"that never collide: use null",
				t.n)
		}
	case f.Kind == connectors.Integer:
		t.n = maxInteger(f.Type)
		if f.Unique && t.n < 1<<62 {
			return fmt.Errorf("the field is unique and type %s is too small for hashes that never collide: use null",
				f.Type)
		}
	case f.Kind == connectors.Binary:
		t.n = hashBytes
		if f.Length > 0 {
			t.n = min(t.n, f.Length)
		}
		if fixedBinary(f.Type) && f.Length > hashBytes {
			return fmt.Errorf("a hash has %d bytes and type %s more: use null or constant", hashBytes, f.Type)
		}
		if f.Unique && t.n < 9 {
			return fmt.Errorf("the field is unique and %d bytes are too few for hashes that never collide: use null",
				t.n)
		}
	default:
		return fmt.Errorf("hash is for text, integer and binary, not for kind %s: "+
			"use null, constant or, for dates, year",
			f.Kind)
	}
	return nil
}

func (t *Technique) parseDate(word string) error {
	t.form = year
	if word == "month" {
		t.form = month
	}
	f := t.field
	switch {
	case f.Kind != connectors.Date && f.Kind != connectors.Timestamp && f.Kind != connectors.Text || len(f.Enum) > 0:
		return fmt.Errorf("%s is for dates, not for kind %s: use null or constant", word, f.Kind)
	case f.Kind == connectors.Text && f.Length > 0 && f.Length < len(oldDay):
		return fmt.Errorf("%d characters hold no date: use null or constant", f.Length)
	}
	if !f.Nullable {
		t.constant = []byte(oldDay)
		if f.Kind == connectors.Timestamp {
			t.constant = []byte(oldInstant(f.Type))
		}
	}
	return nil
}

func (t *Technique) parseTruncate(argument string) error {
	t.form = truncate
	n, err := strconv.Atoi(argument)
	if err != nil || n < 1 {
		return errors.New("truncate needs a number of characters from 1: write it as truncate:3")
	}
	t.n = n
	return t.textOnly("truncate")
}

func (t *Technique) parseMask(argument string, given bool) error {
	t.form = mask
	if given {
		digits, ok := strings.CutPrefix(argument, "keep_last:")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n < 1 {
			return errors.New("mask takes keep_last and a number of characters from 1: write it as mask:keep_last:4")
		}
		t.n = n
	}
	return t.textOnly("mask")
}

func (t *Technique) textOnly(word string) error {
	if t.field.Kind != connectors.Text || len(t.field.Enum) > 0 || special(t.field.Type) || isUUID(t.field.Type) {
		return fmt.Errorf("%s is for free text, not for kind %s, type %s: use null or constant", word, t.field.Kind,
			t.field.Type)
	}
	return nil
}

// Method is the technique's name in the audit: null_fields, constant, keyed_hash, generalise, truncate or mask.
func (t Technique) Method() string { return forms[t.form].method }

// Empties reports whether the technique leaves NULL.
func (t Technique) Empties() bool { return t.form == null || t.form == emptied }

// Result says what the technique leaves.
func (t Technique) Result() Result { return forms[t.form].result }

// NeedsKey reports whether Apply needs WithKey first.
func (t Technique) NeedsKey() bool { return t.form == hash }

const (
	oldDay    = "1900-01-01"
	neutrally = "anonymized"
)

// oldInstant is a day that every type holds: MySQL's TIMESTAMP begins in 1970.
func oldInstant(declared string) string {
	if strings.HasPrefix(strings.ToLower(declared), "timestamp") {
		return "1970-01-02 00:00:00"
	}
	return oldDay + " 00:00:00"
}

// neutral is the constant of a kind, false where there is none.
func neutral(f Field) (string, bool) {
	if len(f.Enum) > 0 {
		return "", false
	}
	switch f.Kind {
	case connectors.Text:
		switch {
		case special(f.Type):
			return "", false
		case isUUID(f.Type):
			return "00000000-0000-0000-0000-000000000000", true
		case f.Length > 0 && f.Length < len(neutrally):
			return "x", true
		}
		return neutrally, true
	case connectors.Integer, connectors.Float, connectors.Bool:
		return "0", true
	case connectors.Decimal:
		if s := scale(f.Type); s > 0 {
			return "0." + strings.Repeat("0", s), true
		}
		return "0", true
	case connectors.Date:
		return oldDay, true
	case connectors.Time:
		return "00:00:00", true
	case connectors.Timestamp:
		return oldInstant(f.Type), true
	case connectors.Binary:
		if fixedBinary(f.Type) {
			return strings.Repeat("\x00", f.Length), true
		}
		return "", true
	case connectors.Bit:
		return strings.Repeat("0", max(1, bits(f))), true
	case connectors.JSON:
		return "{}", true
	}
	return "", false
}

// fits reports why a constant is no value of the field, nil when it is one.
func fits(f Field, value string) error {
	if len(f.Enum) > 0 {
		if !slices.Contains(f.Enum, value) {
			return errors.New("the field allows only listed values and the constant is none of them: choose one " +
				"with constant:VALUE")
		}
		return nil
	}
	if err := fitsLength(f, value); err != nil {
		return err
	}
	if !isOfKind(f, value) {
		return fmt.Errorf("the constant is no value of kind %s, type %s: write it in the canonical form, or use null",
			f.Kind, f.Type)
	}
	return nil
}

// fitsLength checks the length of texts and bytes.
func fitsLength(f Field, value string) error {
	switch f.Kind {
	case connectors.Text:
		switch n := utf8.RuneCountInString(value); {
		case f.Length > 0 && n > f.Length:
			return fmt.Errorf("the constant has %d characters and the field holds %d: shorten it", n, f.Length)
		case strings.HasSuffix(value, " "):
			return errors.New("the constant ends in a space, which some engines cut off: remove it")
		}
	case connectors.Binary:
		if f.Length > 0 && len(value) > f.Length || fixedBinary(f.Type) && len(value) != f.Length {
			return fmt.Errorf("the constant has %d bytes and the field holds %d: change its length",
				len(value), f.Length)
		}
	}
	return nil
}

// isOfKind reports whether a text is the canonical form of a value of the field's kind.
func isOfKind(f Field, value string) bool {
	switch f.Kind {
	case connectors.Text:
		return utf8.ValidString(value)
	case connectors.Integer:
		return isInteger(f, value)
	case connectors.Decimal:
		return isDecimal(f, value)
	case connectors.Float:
		_, err := strconv.ParseFloat(value, 64)
		return err == nil
	case connectors.Bool:
		return value == "0" || value == "1"
	case connectors.Date:
		return isDay([]byte(value)) && !strings.Contains(value, " ")
	case connectors.Timestamp:
		day, clock, hasClock := strings.Cut(value, " ")
		return isDay([]byte(day)) && hasClock && isClock(clock)
	case connectors.Time:
		return isClock(value)
	case connectors.Bit:
		return value != "" && strings.Trim(value, "01") == "" && (bits(f) == 0 || len(value) == bits(f))
	case connectors.JSON:
		return validJSON(value)
	}
	return true
}

// isInteger reports whether a text is a number that the field can hold, as it writes it.
func isInteger(f Field, value string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	most := int64(maxInteger(f.Type))
	return err == nil && strconv.FormatInt(n, 10) == value && -most <= n && n <= most
}

// isDecimal reports whether a text is a number with as many places as the field has.
func isDecimal(f Field, value string) bool {
	_, err := strconv.ParseFloat(value, 64)
	whole, fraction, _ := strings.Cut(value, ".")
	return err == nil && strings.Trim(whole+fraction, "-0123456789") == "" && len(fraction) == scale(f.Type)
}
