package classifiers

import "math"

// Chances that a value which holds nothing seems to: of an address next to none, of the numbers that are proved by a
// check some, for a long value has many places where one can begin.
const (
	mailInside   = 1e-4
	numberInside = 0.05
)

// commonRows is the number of rows with something inside from which on more say nothing more: then the search may end.
const commonRows = settleAfter / 4

// insideEvidence adds what stands inside the values, among other text. Few are enough, where they are addresses or the
// field is free text; and the more values hold something the more it weighs: neither a mass of rows nor other rows
// that hold something else make it less, nor does what the header and the table say where one is an address of a person.
// Where most are nothing but the one thing, they speak for the kind of it.
func (c *Catalogue) insideEvidence(f *fieldState, list []evidence) []evidence {
	x := &f.column.needles
	lo := f.weightInside()
	if lo <= 0 {
		return list
	}
	floor := when(x.email > 0, lo)
	if f.listsOfMail() {
		e := fromValues(Email, lo, x.String()).detectedBy("email")
		e.also, e.floor = x.categories(), floor
		return append(list, e)
	}
	if x.whole*2 >= x.found() {
		for i := range list {
			e := &list[i]
			if x.of(e.category)*2 >= x.found() && (e.lo > 4 || f.header.names(e.category)) {
				e.lo, e.floor = max(e.lo, min(lo, 12)), floor
				return list
			}
		}
	}
	return append(list, evidence{category: FreeText, name: inside, detail: x.String(), lo: lo, floor: floor,
		also: x.categories()})
}

// inside names the evidence of what stands among other text.
const inside = "needles"

// weightInside is what the values that hold something weigh.
func (f *fieldState) weightInside() float64 {
	x := &f.column.needles
	lo := 0.0
	if x.rows > 0 && (x.email > 0 || len(f.header.concepts) == 0 || f.profile.rate(bProse) > 0.1) {
		lo = 5.5 + math.Log1p(float64(min(x.rows, commonRows)))
	}
	n := f.column.nonEmpty
	if f.column.common {
		n = f.column.searched
	}
	lo = max(lo, likelihood(int(x.of(Email)), int(n), mailInside, 0.2))
	return max(lo, likelihood(int(x.found()), int(n), numberInside, 0.2))
}

// listsOfMail reports whether a field that its header calls one of addresses mostly holds several of them, or others'
// text around them.
func (f *fieldState) listsOfMail() bool {
	x := &f.column.needles
	return f.header.names(Email) && x.of(Email) > 0 && x.whole*2 < x.found()
}
