// Package ident knows the number schemes that identify people and their accounts: which country issues them,
// what they look like, and how their check digits are computed. It is pure data and pure functions; it never
// sees a column, a header or a source.
package ident

// Scheme is one official or conventional number scheme.
type Scheme struct {
	ID      string   // stable, lower case, country first: "it.codice_fiscale"; country-neutral ones start with "x."
	Name    string   // authoritative name in its own language
	Country string   // ISO 3166-1 alpha-2; "" where no country issues it
	Labels  []string // field categories, the primary one first: "national_id", "tax_id", "passport", "iban", ...
	Company bool     // issued to legal persons only: data of a company, not personal data

	// Layouts are the shapes of the compact form (see Number.Compact), one per variant: '9' a digit, 'A' a
	// letter, '?' a letter or digit, anything else stands for itself. They are the cheap gate in front of
	// Check.
	Layouts []string
	// Check reports whether n is well formed under the scheme: check digits, embedded dates, issued ranges.
	// It never allocates and is only called with a compact form that one of Layouts admits; a scheme without
	// Layouts is asked about every value and reads Raw.
	Check func(n Number) bool
	// Chance is the probability that a random string of one of the layouts passes Check.
	// Where the layouts differ in it, the highest of their probabilities.
	Chance float64
	// HeaderOnly marks a check too weak to mean anything without a header that names the scheme (no check
	// digit, or none at all).
	HeaderOnly bool

	// Unverified says what of the rule no source that states it was found for: it is taken from a test suite or
	// a library alone, or was worked out from published numbers. Empty where Source states all of it.
	Unverified string

	Source  string   // where the authority, or a well-known reference, publishes the rule and the examples
	Valid   []string // examples as printed by that source
	Invalid []string // examples that the source calls invalid, or a valid one with a digit altered
}

// Number is a candidate value in the two forms that checks need. Both alias buffers of the caller and are
// valid during the call only.
type Number struct {
	Raw     []byte // trimmed, as written: some schemes put meaning into a separator (FI henkilötunnus)
	Compact []byte // upper case, separators (space, dot, dash, slash, no-break space) removed; letters and digits only
}
