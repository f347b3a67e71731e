// Package reason is why a decision is as it is: each Code has an article of the GDPR and a sentence.
package reason

import (
	"slices"
	"strings"
)

// Code says why a decision is as it is. K_ keeps, D_ is a reason for which the last ground died, X_ means
// that the registry has no answer, E_ is an exception somebody must look at, I_ a remark.
type Code string

// The codes of the decision table, and the exceptions and remarks that go beside them.
const (
	KAnonymized         Code = "K_ANONYMIZED"
	KLegalHold          Code = "K_LEGAL_HOLD"
	KRestricted         Code = "K_RESTRICTED_ART18"
	KPendingAccess      Code = "K_PENDING_ACCESS"
	KLegalObligation    Code = "K_LEGAL_OBLIGATION"
	KContract           Code = "K_CONTRACT"
	KPublicTask         Code = "K_PUBLIC_TASK"
	KVitalInterest      Code = "K_VITAL_INTEREST"
	KLegitimateInterest Code = "K_LEGITIMATE_INTEREST"
	KConsent            Code = "K_CONSENT"
	KObjectionPending   Code = "K_OBJECTION_PENDING"

	DErasureRequest     Code = "D_ERASURE_REQUEST"
	DObjectionMarketing Code = "D_OBJECTION_MARKETING"
	DObjectionUpheld    Code = "D_OBJECTION_UPHELD"
	DConsentWithdrawn   Code = "D_CONSENT_WITHDRAWN"
	DConsentInvalid     Code = "D_CONSENT_INVALID"
	DChildNoParental    Code = "D_CHILD_NO_PARENTAL_AUTH"
	DConsentUnproven    Code = "D_CONSENT_UNPROVEN"
	DConsentRefused     Code = "D_CONSENT_REFUSED"
	DConsentExpired     Code = "D_CONSENT_EXPIRED"
	DRetentionElapsed   Code = "D_RETENTION_ELAPSED"
	DNoConsent          Code = "D_NO_CONSENT"
	DRemnant            Code = "D_REMNANT"

	XNoMatchGrace    Code = "X_NO_MATCH_GRACE"
	XNoMatch         Code = "X_NO_MATCH"
	XNotYetEffective Code = "X_NOT_YET_EFFECTIVE"

	ENoPolicy               Code = "E_NO_POLICY"
	ERegistryTampered       Code = "E_REGISTRY_TAMPERED"
	ERegistryStale          Code = "E_REGISTRY_STALE"
	EIDUnparseable          Code = "E_ID_UNPARSEABLE"
	EIDConflict             Code = "E_ID_CONFLICT"
	EIDShared               Code = "E_ID_SHARED"
	EErasureWhileRestricted Code = "E_ERASURE_WHILE_RESTRICTED"
	EErasureWhileHeld       Code = "E_ERASURE_WHILE_HELD"
	EStartUnknown           Code = "E_START_UNKNOWN"
	EEventClock             Code = "E_EVENT_CLOCK"
	EDependentKept          Code = "E_DEPENDENT_KEPT"
	EDataBeforeConsent      Code = "E_DATA_BEFORE_CONSENT"
	EAnonWeak               Code = "E_ANON_WEAK"

	IPartialID  Code = "I_PARTIAL_ID"
	IDuplicate  Code = "I_DUPLICATE"
	IAgeReached Code = "I_AGE_REACHED"
)

// codes gives each code its article of the GDPR (or the instrument named) and its words.
var codes = []struct {
	code    Code
	article string
	words   string
}{
	{KAnonymized, "Recital 26", "The record was anonymized before and still is, so nothing is left to do."},
	{KLegalHold, "Art. 17(3)(e)", "A legal hold keeps the record as evidence; it may be used for that case only."},
	{KRestricted, "Art. 18(1)", "The person had processing restricted, so the record is neither used nor erased."},
	{KPendingAccess, "Art. 12(3), 15, 20", "A request for access or portability is open, so the record stays until " +
		"it is answered."},
	{KLegalObligation, "Art. 6(1)(c), 17(3)(b)", "A law obliges the company to keep these data until the date shown."},
	{KContract, "Art. 6(1)(b)", "A contract, or claims from it, still needs these data."},
	{KPublicTask, "Art. 6(1)(e)", "A task in the public interest still needs these data."},
	{KVitalInterest, "Art. 6(1)(d)", "Somebody's vital interest needs these data until the date shown."},
	{KLegitimateInterest, "Art. 6(1)(f)",
		"A legitimate interest covers these data, and no objection stands against it."},
	{KConsent, "Art. 6(1)(a)", "The person's consent is valid and on file."},
	{KObjectionPending, "Art. 18(1)(d), 21(1)", "An objection or erasure request has to be weighed by a person " +
		"first; until then the record is blocked."},

	{DErasureRequest, "Art. 17(1)", "The person asked for erasure and no ground is left to keep the record."},
	{DObjectionMarketing, "Art. 17(1)(c), 21(2), 21(3)",
		"The person objected to direct marketing, which ends it at once."},
	{DObjectionUpheld, "Art. 17(1)(c), 21(1)", "The person's objection was weighed and upheld."},
	{DConsentWithdrawn, "Art. 7(3), 17(1)(b)", "The person withdrew consent."},
	{DConsentInvalid, "Art. 4(11), 7, 17(1)(d)", "The consent on file was found to be invalid."},
	{DChildNoParental, "Art. 8(1), 17(1)(d)", "A child gave consent and nobody with parental responsibility " +
		"authorised it."},
	{DConsentUnproven, "Art. 7(1), 17(1)(d)", "Consent is claimed, but the company holds no proof of it."},
	{DConsentRefused, "Art. 6(1), 17(1)(d)", "The person was asked for consent and refused."},
	{DConsentExpired, "Art. 5(1)(e), 17(1)(a)", "Consent has run out and was not renewed."},
	{DRetentionElapsed, "Art. 5(1)(e), 17(1)(a)", "The retention period is over."},
	{DNoConsent, "Art. 6(1), 17(1)(d)", "The registry knows the person, but holds no consent for this purpose."},

	{DRemnant, "Art. 17(1)", "A person who is gone from the silo, and whom no other may hold, still stood in a field " +
		"that no silo governs."},

	{XNoMatchGrace, "Art. 5(2)", "The registry does not know this person yet; the record is recent, so the registry " +
		"may still catch up."},
	{XNoMatch, "Art. 5(2)", "The registry does not know this person, so nothing shows why the record is held."},
	{XNotYetEffective, "Art. 6(1)(a)", "The only consent on file is not in force yet, or its date cannot be right."},

	{ENoPolicy, "Art. 5(2), 30", "No rule in force covers this record; write one before anything can be decided."},
	{ERegistryTampered, "Art. 5(1)(f), 32", "The consent registry was altered or cut, so nothing is decided on it."},
	{ERegistryStale, "Art. 5(1)(d)",
		"The consent registry is empty or older than allowed, so nothing is decided on it."},
	{EIDUnparseable, "Art. 5(1)(d)", "The record has no readable identifier, so the person's choices cannot be " +
		"looked up."},
	{EIDConflict, "Art. 5(1)(d)", "The record's identifiers lead to different collections of data."},
	{EIDShared, "Art. 5(1)(d)", "Other records have the identifiers by which the registry knows the person, so it is " +
		"not known whose choices these are."},
	{EErasureWhileRestricted, "Art. 17(1), 18(3)", "Erasure was asked while processing is restricted: somebody has " +
		"to lift the restriction and tell the person first."},
	{EErasureWhileHeld, "Art. 17(3)(e)", "Erasure was asked while a legal hold is in force: the request is refused " +
		"in part and the person is told."},
	{EStartUnknown, "Art. 5(1)(e)", "The date from which the retention period runs is missing or unreadable."},
	{EEventClock, "Art. 5(1)(d)", "The registry holds an event whose date cannot be right; it is not relied on."},
	{EDependentKept, "Art. 5(1)(e), 17(1)",
		"The record is due for erasure, but another record that stays refers to it."},
	{EDataBeforeConsent, "Art. 6(1)(a), 13", "The record is older than the consent it relies on."},
	{EAnonWeak, "Recital 26", "What is left after anonymizing would still single out a person."},

	{IPartialID, "Art. 5(1)(d)", "Only some of the record's identifiers are known to the registry."},
	{IDuplicate, "Art. 5(1)(d)", "The same person's data of the same collection stand in several rows."},
	{IAgeReached, "Art. 8", "The person has reached the age of consent: the consent given by the parents holds, and " +
		"the person has to be told."},
}

// Codes returns every code, sorted.
func Codes() []Code {
	out := make([]Code, len(codes))
	for i := range codes {
		out[i] = codes[i].code
	}
	slices.Sort(out)
	return out
}

// Words says in one plain English sentence what the code means; "" for an unknown code.
func (c Code) Words() string {
	for i := range codes {
		if codes[i].code == c {
			return codes[i].words
		}
	}
	return ""
}

// Article returns the article of the GDPR (Regulation (EU) 2016/679) that the code rests on; "" for an
// unknown code.
func (c Code) Article() string {
	for i := range codes {
		if codes[i].code == c {
			return codes[i].article
		}
	}
	return ""
}

// Join lists codes, joined by ';'.
func Join(list []Code) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = string(c)
	}
	return strings.Join(texts, ";")
}
