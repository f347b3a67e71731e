package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// EventType says what happened.
type EventType string

// The event types of the design, and those of requests, which must move the silo's head like all that decides.
const (
	Given               EventType = "given"
	Refused             EventType = "refused"
	Renewed             EventType = "renewed"
	Withdrawn           EventType = "withdrawn"
	Expired             EventType = "expired"
	Invalidated         EventType = "invalidated"
	Rectified           EventType = "rectified"
	Restricted          EventType = "restricted"
	RestrictionLifted   EventType = "restriction_lifted"
	Objected            EventType = "objected"
	ObjectionUpheld     EventType = "objection_upheld"
	ObjectionOverridden EventType = "objection_overridden"
	BasisStarted        EventType = "basis_started"
	BasisEnded          EventType = "basis_ended"
	ErasureRequested    EventType = "erasure_requested"
	ErasureRefused      EventType = "erasure_refused"
	ParentalAuthorised  EventType = "parental_authorised"
	AgeReached          EventType = "age_reached"
	HoldPlaced          EventType = "hold_placed"
	HoldApproved        EventType = "hold_approved"
	HoldReleased        EventType = "hold_released"
	Rekeyed             EventType = "rekeyed"
	PayloadPurged       EventType = "payload_purged"
	RequestOpened       EventType = "request_opened"
	RequestPaused       EventType = "request_paused"
	RequestResumed      EventType = "request_resumed"
	RequestExtended     EventType = "request_extended"
	RequestClosed       EventType = "request_closed"
)

// kind is what the registry must know of an event type.
type kind struct {
	purpose  purposeNeed
	consent  bool // changes the state of consent
	grants   bool // gives a ground: needs a notice, an affirmative act and one certain collection
	no       bool // the person says no: it counts from then on, never from before
	imported bool // may come from an application; the others are written by Lethe's own commands
	// rank orders events of one instant: the later in this order, the more it counts. Among the states of consent that is the
	// protectiveness of the design; elsewhere the answer comes after the question, and doubt restricts.
	rank int
}

type purposeNeed uint8

const (
	noPurpose       purposeNeed = iota // the event is about the whole collection
	optionalPurpose                    // without one it is about every purpose
	needsPurpose
)

var kinds = map[EventType]kind{
	Given:               {purpose: needsPurpose, consent: true, grants: true, imported: true, rank: 1},
	Renewed:             {purpose: needsPurpose, consent: true, grants: true, imported: true, rank: 2},
	Expired:             {purpose: needsPurpose, consent: true, imported: true, rank: 3},
	Refused:             {purpose: optionalPurpose, consent: true, no: true, imported: true, rank: 4},
	Withdrawn:           {purpose: optionalPurpose, consent: true, no: true, imported: true, rank: 5},
	Invalidated:         {purpose: optionalPurpose, consent: true, imported: true, rank: 6},
	Objected:            {purpose: optionalPurpose, no: true, imported: true, rank: 1},
	ObjectionOverridden: {purpose: optionalPurpose, imported: true, rank: 2},
	ObjectionUpheld:     {purpose: optionalPurpose, imported: true, rank: 3},
	BasisStarted:        {purpose: needsPurpose, imported: true, rank: 1},
	BasisEnded:          {purpose: needsPurpose, imported: true, rank: 2},
	ErasureRequested:    {no: true, imported: true, rank: 1},
	ErasureRefused:      {imported: true, rank: 2},
	RestrictionLifted:   {imported: true, rank: 1},
	Restricted:          {imported: true, rank: 2},
	ParentalAuthorised:  {purpose: optionalPurpose, imported: true, rank: 1},
	AgeReached:          {purpose: optionalPurpose, imported: true, rank: 1},
	Rectified:           {purpose: optionalPurpose, imported: true, rank: 1},
	HoldReleased:        {imported: true, rank: 1},
	HoldPlaced:          {imported: true, rank: 2},
	HoldApproved:        {rank: 3},
	RequestOpened:       {rank: 1},
	RequestPaused:       {rank: 2},
	RequestResumed:      {rank: 2},
	RequestExtended:     {rank: 2},
	RequestClosed:       {rank: 3},
	Rekeyed:             {rank: 1},
	PayloadPurged:       {rank: 1},
}

// ParseEventType returns the type of that name, or an error that lists the names.
func ParseEventType(name string) (EventType, bool) {
	_, ok := kinds[EventType(name)]
	return EventType(name), ok
}

// ImportedTypes lists the types of events that a source may deliver, sorted.
func ImportedTypes() []string {
	var list []string
	for typ, k := range kinds {
		if k.imported {
			list = append(list, string(typ))
		}
	}
	slices.Sort(list)
	return list
}

// Subject is one identifier of a person, as a source wrote it.
type Subject struct {
	Kind  string // see Normalise
	Value string
}

// Event is one fact to be recorded. It names its person by identifiers, by the source's collection id, or by both; the values are used to
// compute references and are not stored.
type Event struct {
	Type           EventType
	Subjects       []Subject
	Collection     string // the source's id of the act of collecting; "" when it has none
	Record         string // the row of a source that came of it, as delivered: see Import.Admit, which turns it into Link
	Link           Link   // the same; its Record is zero for none. What is on record already may be linked later
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
	ID             string    // the source's id of this event: delivered twice, it is recorded once. "": the content is the id
	Minor          bool      // below the age of consent at that time
	Marketing      bool      // an objection to direct marketing (Art. 21(2))
	Country        string    // ISO 3166-1 alpha-2: the country of phone numbers without a prefix
	Undated        bool      // the source does not say when: OccurredAt is when it was read, and is no part of what recognises the event
	Barred         Reason    // the event is refused for this reason, unless it was recorded before; "": it is not

	details details
}

// details are the parts of an event that only a few types have. They stand in the severable payload.
type details struct {
	Hold    string `json:"hold,omitempty"`
	By      string `json:"by,omitempty"` // of a hold: who placed, approved or released it, joined by ';'
	Request string `json:"request,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Due     int64  `json:"due,omitempty"`     // of a request: by when it is to be answered; 0 while its term rests
	Because string `json:"because,omitempty"` // why the term of a request was extended
	Seqs    string `json:"seqs,omitempty"`
	Since   int64  `json:"since,omitempty"` // expired: the beginning of the consent that ended
	Key     int    `json:"key,omitempty"`   // rekeyed: the version of the silo's key that all references were carried over to
}

// Reason says why an event was refused.
type Reason string

// The reasons.
const (
	BadLine          Reason = "E_LINE"              // the line cannot be read
	UnknownColumn    Reason = "E_COLUMN"            // a name that is no column of an import
	OpenQuote        Reason = "E_QUOTE"             // a quote is opened and not closed in its line
	BadType          Reason = "E_TYPE"              // no such event type, or not one that a source may deliver
	BadTime          Reason = "E_TIME"              // missing or unreadable instant, an end before the beginning, or a consent before it was given
	BadTermination   Reason = "E_TERMINATION"       // the end of a consent in words that nobody can compute with
	BadText          Reason = "E_TEXT"              // control characters, or too long
	BadFlag          Reason = "E_FLAG"              // not yes or no
	NoIdentifier     Reason = "E_NO_IDENTIFIER"     // the event names nobody
	BadIdentifier    Reason = "E_ID_UNPARSEABLE"    // an identifier is not one of its kind
	IdentityConflict Reason = "E_ID_CONFLICT"       // the identifiers lead to different collections, or a grant to several
	NoPurpose        Reason = "E_NO_PURPOSE"        // the type needs a purpose
	UnknownPurpose   Reason = "E_PURPOSE"           // not a purpose of the silo
	NoNotice         Reason = "E_NO_NOTICE"         // given and renewed need a notice
	ImpliedConsent   Reason = "E_IMPLIED_CONSENT"   // no affirmative act: Art. 4(11), recital 32
	UnknownMethod    Reason = "E_METHOD"            // not a known affirmative act
	DuplicateDiffers Reason = "E_DUPLICATE_DIFFERS" // the id was recorded with other content
	BadRecord        Reason = "E_RECORD"            // not a row of a table that the silo governs
	Suppressed       Reason = "E_SUPPRESSED"        // a consent to marketing of somebody who said no, and who did not provably say yes since
)

// RefusedError says why an event was refused and which column is the cause, never a value.
type RefusedError struct {
	Reason Reason
	Column string // "" when the cause is no single column
}

func (e *RefusedError) Error() string {
	if e.Column == "" {
		return string(e.Reason) + ": " + reasonWords[e.Reason]
	}
	return string(e.Reason) + ": column " + strconv.Quote(e.Column) + ": " + reasonWords[e.Reason]
}

// Is makes errors.Is(err, ErrRefused) true.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

var reasonWords = map[Reason]string{
	BadLine:          "the line cannot be read: more or fewer columns than named, a stray quote, or not JSON",
	BadRecord:        "not a row of a table that the silo governs: write it as source.table:key",
	UnknownColumn:    "not a column of an import: say what it is, or that it is to be ignored, with --column",
	OpenQuote:        "a quote opens here and is not closed: this line and those that follow it, up to the next quote or the end of the file, were not read",
	BadType:          "not an event type that a source may deliver",
	BadTime:          "missing or unreadable instant, an end before the beginning, or a consent before it was given",
	BadTermination:   "no date or period; a person must say when this consent ends",
	BadText:          "control characters, invalid UTF-8 or too long",
	BadFlag:          "neither yes nor no",
	NoIdentifier:     "the event names nobody",
	BadIdentifier:    "not an identifier of its kind",
	IdentityConflict: "the identifiers lead to different collections; name one in the column collection",
	NoPurpose:        "the type needs a purpose",
	UnknownPurpose:   "not a purpose of the silo",
	NoNotice:         "given and renewed need the notice that was shown",
	ImpliedConsent:   "there was no affirmative act, so there is no consent",
	UnknownMethod:    "not a known affirmative act",
	DuplicateDiffers: "this id was recorded with other content",
	Suppressed:       "the person is on the suppression list, and no consent of a later day with evidence is shown",
}

// Words says in a few words what the reason means.
func (r Reason) Words() string { return reasonWords[r] }

// Reasons lists the reasons for which an event is refused, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasonWords)) }

func refuse(reason Reason, column string) error { return &RefusedError{reason, column} }

// AffirmativeActs are the methods by which a consent can be given or renewed (Art. 4(11): a statement or a clear affirmative action). There
// is none for implied consent; a source that does not say how leaves the method empty.
var AffirmativeActs = []string{"api", "app", "checkbox", "contract", "double_opt_in", "email", "form", "in_person", "paper", "phone",
	"preference_centre", "sms", "verbal", "web"}

// impliedActs are what sources call consent without an act.
var impliedActs = []string{"assumed", "browsing", "continued_browsing", "default", "implicit", "implied", "inactivity", "opt_out", "pre_checked",
	"pre_ticked", "prechecked", "presumed", "preticked", "scroll", "scrolling", "silence", "soft_opt_in", "system_default"}

// Affirmative refuses a method by which nobody consents: an implied one, or one that is not among AffirmativeActs.
func Affirmative(method string) error {
	method = strings.Map(methodRune, method)
	switch {
	case slices.Contains(impliedActs, method):
		return refuse(ImpliedConsent, "method")
	case !slices.Contains(AffirmativeActs, method):
		return refuse(UnknownMethod, "method")
	}
	return nil
}

var wordRE = regexp.MustCompile(`^[a-z0-9_]{0,40}$`)

// methodRune makes the spellings of a method one.
func methodRune(r rune) rune {
	switch r {
	case ' ', '-':
		return '_'
	}
	return unicode.ToLower(r)
}

// maxText bounds the texts that an event header carries.
const maxText = 200

// check validates what does not need the database. It fills in the defaults.
func (e *Event) check(purposes map[string]bool) error {
	k, ok := kinds[e.Type]
	if !ok {
		return refuse(BadType, "type")
	}
	for _, t := range []struct{ column, text string }{{"purpose", e.Purpose}, {"purpose_version", e.PurposeVersion}, {"basis", e.Basis},
		{"zone", e.Zone}, {"notice", e.Notice}, {"source", e.Source}, {"id", e.ID}, {"collection", e.Collection}, {"record", e.Record}} {
		if len(t.text) > maxText || !printable(t.text) {
			return refuse(BadText, t.column)
		}
	}
	if !utf8.ValidString(e.Evidence) {
		return refuse(BadText, "evidence")
	}
	if strings.HasPrefix(e.Purpose, "|") {
		return refuse(BadText, "purpose")
	}
	switch {
	case k.purpose == needsPurpose && e.Purpose == "":
		return refuse(NoPurpose, "purpose")
	case e.Purpose != "" && len(purposes) > 0 && !purposes[e.Purpose]:
		return refuse(UnknownPurpose, "purpose")
	case k.grants && e.Notice == "":
		return refuse(NoNotice, "notice")
	}
	if e.Method = strings.Map(methodRune, strings.TrimSpace(e.Method)); !wordRE.MatchString(e.Method) {
		return refuse(UnknownMethod, "method")
	}
	if k.grants && e.Method != "" {
		if err := Affirmative(e.Method); err != nil {
			return err
		}
	}
	if !plausible(e.OccurredAt) {
		return refuse(BadTime, "occurred_at")
	}
	if e.EffectiveFrom.IsZero() {
		e.EffectiveFrom = e.OccurredAt
	}
	if !plausible(e.EffectiveFrom) {
		return refuse(BadTime, "effective_from")
	}
	if k.grants && e.OccurredAt.Sub(e.EffectiveFrom) >= 24*time.Hour { // nobody consents to what was; a day alone is its first moment
		return refuse(BadTime, "effective_from")
	}
	if !e.EffectiveUntil.IsZero() && (!plausible(e.EffectiveUntil) || e.EffectiveUntil.Before(e.EffectiveFrom)) {
		return refuse(BadTime, "effective_until")
	}
	return nil
}

// plausible holds for instants that can be stored: the years 1800 to 9999, without the one that stands for none.
func plausible(t time.Time) bool {
	return !t.IsZero() && t.Year() >= 1800 && t.Year() <= 9999 && t.UnixMicro() != 0
}

// printable refuses what could run fields of the hashed header into each other, or garble a terminal.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// header is what the chain hashes of an event: no personal data, only the commitment to the payload.
type header struct {
	seq                                                        int64
	typ, purpose, version, basis, zone, method, source, notice string
	occurred, from, until, recorded                            int64
	idem                                                       [16]byte
	commitment                                                 [sha256.Size]byte
}

// hash is SHA-256(prev ‖ commitment ‖ fields joined by 0x1f).
func (h *header) hash(silo string, prev [sha256.Size]byte, buf []byte) ([sha256.Size]byte, []byte) {
	buf = append(append(buf[:0], prev[:]...), h.commitment[:]...)
	num := func(n int64) { buf = append(strconv.AppendInt(buf, n, 10), 0x1f) }
	text := func(s string) { buf = append(append(buf, s...), 0x1f) }
	text(silo)
	num(h.seq)
	text(h.typ)
	text(h.purpose)
	text(h.version)
	text(h.basis)
	num(h.occurred)
	text(h.zone)
	num(h.from)
	num(h.until)
	num(h.recorded)
	text(h.method)
	text(h.source)
	text(h.notice)
	buf = hex.AppendEncode(buf, h.idem[:])
	return sha256.Sum256(buf), buf
}

// genesis is the hash before the first event.
func genesis(silo string) [sha256.Size]byte { return sha256.Sum256([]byte("genesis:" + silo)) }

// payload is the severable part of an event.
type payload struct {
	collection int64 // 0: the whole silo
	flags      int64
	evidence   [sha256.Size]byte // the salted commitment to it; zero: none
	details    string
	refs       []byte // references that became aliases of the collection by the event, 32 bytes each
	content    [16]byte
	salt       [16]byte
}

const (
	flagMinor = 1 << iota
	flagMarketing
)

// commit is the salted commitment that the header carries.
func (p *payload) commit(buf []byte) ([sha256.Size]byte, []byte) {
	buf = append(buf[:0], p.salt[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.collection))
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.flags))
	buf = append(buf, p.evidence[:]...)
	buf = append(buf, p.content[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(p.refs)))
	buf = append(buf, p.refs...)
	buf = append(buf, p.details...)
	return sha256.Sum256(buf), buf
}

func (e *Event) flags() int64 {
	var flags int64
	if e.Minor {
		flags |= flagMinor
	}
	if e.Marketing {
		flags |= flagMarketing
	}
	return flags
}

// encode is the stored form: JSON, or "" when there is nothing to say.
func (d details) encode() string {
	if d == (details{}) {
		return ""
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return string(text)
}

// content is what makes two deliveries the same: everything but when it was recorded.
func (e *Event) content(buf []byte, identifiers []identifier) []byte {
	buf = buf[:0]
	for _, s := range []string{string(e.Type), e.Purpose, e.PurposeVersion, e.Basis, e.Notice, e.Method, e.Collection, e.Evidence} {
		buf = append(binary.AppendUvarint(buf, uint64(len(s))), s...)
	}
	occurred, from := micros(e.OccurredAt), micros(e.EffectiveFrom)
	if e.Undated {
		occurred, from = 0, 0
	}
	for _, n := range []int64{occurred, from, micros(e.EffectiveUntil), e.flags()} {
		buf = binary.AppendVarint(buf, n)
	}
	buf = append(buf, e.details.encode()...)
	for _, id := range identifiers {
		buf = append(append(append(buf, id.kind...), '='), id.first[:]...)
	}
	return buf
}
