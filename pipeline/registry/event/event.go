// Package event is what happened between a person and a silo: an Event of a Type about a Subject, with the
// Reason for which one is refused. It knows what an event must say to be recorded, and nothing of where it
// is.
package event

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
)

// Subject is one identifier of a person, as a source wrote it.
type Subject struct {
	Kind  string // see identifier.Normalise
	Value string
}

// Normal appends the canonical form to dst. A *RefusedError says that there is none.
func (s Subject) Normal(country string, dst []byte) ([]byte, error) {
	normal, err := identifier.Normalise(s.Kind, []byte(s.Value), country, dst)
	return normal, refusal(s.Kind, err)
}

// refusal is a value's lack of a canonical form, as the refusal of a column.
func refusal(column string, err error) error {
	if err == nil {
		return nil
	}
	if why, ok := errors.AsType[identifier.Ambiguity](err); ok {
		return &RefusedError{Reason: AmbiguousIdentifier, Column: column, Why: string(why)}
	}
	if errors.Is(err, identifier.ErrAmbiguous) {
		return Refuse(AmbiguousIdentifier, column)
	}
	return Refuse(BadIdentifier, column)
}

// Own is the source of the events that Lethe writes by itself, and how the name begins of those that it has from who
// sits before it: nobody else delivers under such a name.
const Own = "lethe"

// Reserved reports whether a source's name is one of Lethe's own.
func Reserved(source string) bool { return source == Own || strings.HasPrefix(source, Own+" ") }

// Event is one fact to be recorded. It names its person by identifiers, by the source's collection id, or
// by both; the values are used to compute references and are not stored.
type Event struct {
	Type       Type
	Subjects   []Subject
	Collection string // the source's id of the act of collecting; "" when it has none
	// the row of a source that came of it, as delivered: see delivery.Import.Admit, which turns it into Link
	Record         string
	Link           Link // the same; its Record is zero for none. What is on record already may be linked later
	Purpose        string
	PurposeVersion string
	Basis          string    // a legal basis of Art. 6(1), where the source says it
	OccurredAt     time.Time // when the person acted
	Zone           string    // the zone the source gave, for the record
	EffectiveFrom  time.Time // zero: OccurredAt
	EffectiveUntil time.Time // exclusive; zero: open
	Notice         string    // id and version of the notice that was shown
	Method         string    // how: see the methods of a consent in AffirmativeActs
	Evidence       string    // the proof or a reference to it; only its salted commitment is stored
	Source         string    // who delivered it
	// the source's id of this event: delivered twice, it is recorded once. "": the content is the id
	ID        string
	Minor     bool   // below the age of consent at that time
	Marketing bool   // an objection to direct marketing (Art. 21(2))
	Signed    bool   // it came in a delivery that somebody signed; no part of what makes two deliveries the same
	Country   string // ISO 3166-1 alpha-2: the country of phone numbers without a prefix
	// the source does not say when: OccurredAt is when it was read, and is no part of what recognises the
	// event
	Undated bool
	// of a day alone that came at its last moment: the first, at which versions before recorded it, or zero
	DayBegan time.Time
	Barred   Reason // the event is refused for this reason, unless it was recorded before; "": it is not

	Details Details
}

// Link names a row of a source that a collection is to be tied to.
type Link struct {
	Record         keystore.Ref // SiloKey.Record of the row
	System, Object string
}

// Details are the parts of an event that only a few types have. They stand in the severable payload.
type Details struct {
	Hold    string `json:"hold,omitempty"`
	By      string `json:"by,omitempty"` // of a hold: who placed, approved or released it, joined by ';'
	Request string `json:"request,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Due     int64  `json:"due,omitempty"`     // of a request: by when it is to be answered; 0 while its term rests
	Because string `json:"because,omitempty"` // why the term of a request was extended
	Seqs    string `json:"seqs,omitempty"`
	Since   int64  `json:"since,omitempty"` // expired: the beginning of the consent that ended
	// rekeyed: the version of the silo's key that all references were carried over to
	Key int `json:"key,omitempty"`
	// rechained: positions and the hashes that the chain had there until then, as position:hash, joined by ','
	Was string `json:"was,omitempty"`
}

var wordRE = regexp.MustCompile(`^[a-z0-9_]{0,40}$`)

// maxText bounds the texts that an event header carries.
const maxText = 200

// Check validates what does not need the database. It fills in the defaults.
func (e *Event) Check(purposes map[string]bool) error {
	k, ok := kinds[e.Type]
	if !ok {
		return Refuse(BadType, "type")
	}
	if err := e.checkTexts(); err != nil {
		return err
	}
	switch {
	case k.Purpose == needsPurpose && e.Purpose == "":
		return Refuse(NoPurpose, "purpose")
	case e.Purpose != "" && len(purposes) > 0 && !purposes[e.Purpose]:
		return Refuse(UnknownPurpose, "purpose")
	case k.Grants && e.Notice == "":
		return Refuse(NoNotice, "notice")
	}
	if e.Method = strings.Map(methodRune, strings.TrimSpace(e.Method)); !wordRE.MatchString(e.Method) {
		return Refuse(UnknownMethod, "method")
	}
	if k.Grants && e.Method != "" {
		if err := Affirmative(e.Method); err != nil {
			return err
		}
	}
	return e.checkTimes(k.Grants)
}

// checkTexts refuses what cannot stand in a header.
func (e *Event) checkTexts() error {
	for _, t := range []struct{ column, text string }{{"purpose", e.Purpose}, {"purpose_version", e.PurposeVersion},
		{"basis", e.Basis}, {"zone", e.Zone}, {"notice", e.Notice}, {"source", e.Source}, {"id", e.ID},
		{"collection", e.Collection}, {"record", e.Record}} {
		if len(t.text) > maxText || !printable(t.text) {
			return Refuse(BadText, t.column)
		}
	}
	if !utf8.ValidString(e.Evidence) {
		return Refuse(BadText, "evidence")
	}
	if strings.HasPrefix(e.Purpose, "|") {
		return Refuse(BadText, "purpose")
	}
	return nil
}

// checkTimes refuses instants that cannot be; grants says that the event gives a ground.
func (e *Event) checkTimes(grants bool) error {
	if !Plausible(e.OccurredAt) {
		return Refuse(BadTime, "occurred_at")
	}
	if e.EffectiveFrom.IsZero() {
		e.EffectiveFrom = e.OccurredAt
	}
	if !Plausible(e.EffectiveFrom) {
		return Refuse(BadTime, "effective_from")
	}
	// Nobody consents to what was; a day alone is its first moment.
	if grants && e.OccurredAt.Sub(e.EffectiveFrom) >= 24*time.Hour {
		return Refuse(BadTime, "effective_from")
	}
	if !e.EffectiveUntil.IsZero() && (!Plausible(e.EffectiveUntil) || e.EffectiveUntil.Before(e.EffectiveFrom)) {
		return Refuse(BadTime, "effective_until")
	}
	return nil
}

// Plausible holds for instants that can be stored: the years 1800 to 9999, without the one that stands for
// none.
func Plausible(t time.Time) bool {
	return !t.IsZero() && t.Year() >= 1800 && t.Year() <= 9999 && t.UnixMicro() != 0
}

// printable refuses what could run fields of the hashed header into each other, or garble a terminal.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// The flags of an event.
const (
	FlagMinor = 1 << iota
	FlagMarketing
	FlagSigned
)

// Flags are the flags of an event as they are stored.
func (e *Event) Flags() int64 {
	var flags int64
	if e.Minor {
		flags |= FlagMinor
	}
	if e.Marketing {
		flags |= FlagMarketing
	}
	if e.Signed {
		flags |= FlagSigned
	}
	return flags
}

// Encode is the stored form: JSON, or "" when there is nothing to say.
func (d Details) Encode() string {
	if d == (Details{}) {
		return ""
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return string(text)
}

// AsDayBegan is the event as versions before recorded it: at the first moment of the day.
func (e Event) AsDayBegan() Event {
	end := e.OccurredAt
	for _, at := range []*time.Time{&e.OccurredAt, &e.EffectiveFrom, &e.EffectiveUntil} {
		if at.Equal(end) {
			*at = e.DayBegan
		}
	}
	return e
}

// Content is what makes two deliveries the same, but for whose it is: everything but when it was recorded, and whether
// somebody signed it.
func (e *Event) Content(buf []byte) []byte {
	buf = buf[:0]
	for _, s := range []string{string(e.Type), e.Purpose, e.PurposeVersion, e.Basis, e.Notice, e.Method, e.Collection,
		e.Evidence} {
		buf = append(binary.AppendUvarint(buf, uint64(len(s))), s...)
	}
	occurred, from := Micros(e.OccurredAt), Micros(e.EffectiveFrom)
	if e.Undated {
		occurred, from = 0, 0
	}
	for _, n := range []int64{occurred, from, Micros(e.EffectiveUntil), e.Flags() &^ FlagSigned} {
		buf = binary.AppendVarint(buf, n)
	}
	return append(buf, e.Details.Encode()...)
}

// DecodeDetails reads the details of the few types that have them.
func DecodeDetails(text []byte) (Details, error) {
	if len(text) == 0 { // as for most: nothing is put aside for it
		return Details{}, nil
	}
	var d Details
	err := json.Unmarshal(text, &d)
	return d, err
}

// Instant turns stored microseconds into a time; 0 is the zero time.
func Instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Micros is the inverse of instant.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
