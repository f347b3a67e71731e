package classifiers

import "slices"

// plausibility says whether values can be what the header names, for categories of which no detector knows more.
type plausibility struct {
	categories []Category
	sub        string // of the concept; empty: any
	when       func(*fieldState) bool
	lo         float64 // 0: neither for nor against
	detail     string
}

// documents are the categories of numbers that an office or a bank gives out.
var documents = []Category{NationalID, TaxID, Passport, BankAccount, IBAN, CreditCard, VehiclePlate, DeviceID}

// without returns the categories of a list but for some.
func without(list []Category, some ...Category) []Category {
	return slices.DeleteFunc(slices.Clone(list), func(c Category) bool { return slices.Contains(some, c) })
}

// plausibilities are asked in order: of the rules for a category, the first that fits decides.
var plausibilities = [...]plausibility{
	{[]Category{Username}, "", smallNumbers, -6, "small numbers"},
	{[]Category{Username}, "", notUserNames, -6, "not like user names"},
	{[]Category{Username}, "", always, 1, "could be user names"},

	{documents, "", isFlag, -8, "not like numbers of documents"},
	{without(documents, CreditCard), "", areDates, -8, "not like numbers of documents"},
	{without(documents, DeviceID), "", tooLong(120), -8, "not like numbers of documents"},
	{without(documents, DeviceID, BankAccount), "", both(fewDigits, tooLong(12)), -8, "words"},
	{without(documents, DeviceID, BankAccount), "", fewDigits, -4, "few digits"},
	{without(documents, VehiclePlate), "", shortNumbers, -6, "numbers of one or two digits"},
	{documents, "", shortSequence, -5, "a sequence"},
	{[]Category{CreditCard}, "", tooShortForCards, -8, "too short for cards"},
	{[]Category{DeviceID}, "", smallNumbers, -6, "small numbers"},
	{documents, "", always, 0.5, "could be"},

	{[]Category{City, Country, Region}, "", mostlyNumbers, -6, "numbers of a list"},

	{[]Category{Postcode}, "", likePostcodes, 1, "could be postal codes"},
	{[]Category{Postcode}, "", always, -5, "not like postal codes"},

	{[]Category{PostalAddress}, "", sequenceOfNoHouses, -5, "a sequence"},
	{[]Category{PostalAddress}, "", notAddresses, -9, "not like addresses"},

	{[]Category{Coordinates}, "", arePoints, 1, "points"},
	{[]Category{Coordinates}, "", areGeohashes, 1, "geohashes"},
	{[]Category{Coordinates}, "", areDegrees, 1.5, "degrees with decimals"},
	{[]Category{Coordinates}, "", areScaledDegrees, 0, "scaled degrees"},
	{[]Category{Coordinates}, "", always, -6, "no degrees"},

	{[]Category{Photo}, "", arePictures, 1.5, "pictures or their paths"},
	{[]Category{Photo}, "", mayBePaths, 0, ""},
	{[]Category{Photo}, "", always, -3, "neither pictures nor paths"},

	{[]Category{PersonalURL}, "", notAddressesOfPages, -3, "no addresses"},
	{[]Category{PersonalURL}, "", always, 0.5, ""},

	{[]Category{Financial}, "", both(mostlyNumbers, isFlag), -6, "a flag"},
	{[]Category{Financial}, "", mostlyNumbers, 0.5, "amounts"},
	{[]Category{Financial}, "", fewDigits, -2.5, "no amounts"},

	{[]Category{OtherPersonal}, "age", beyondAges, -7, "no ages"},
	{[]Category{OtherPersonal}, "age", manyWords, -5, "no ages"},
	{[]Category{OtherPersonal}, "number", either(isFlag, areDates, fewDigits), -6, "not like numbers"},
	{[]Category{OtherPersonal}, "number", always, 0.5, ""},
	{[]Category{OtherPersonal}, "handle", isFlag, -6, "a flag"},
	{[]Category{OtherPersonal}, "language", either(tooLong(60), areDates), -6, "too long"},
	{[]Category{OtherPersonal}, "nationality", either(tooLong(60), areDates), -6, "too long"},
	{[]Category{OtherPersonal}, "marital", either(tooLong(60), areDates), -6, "too long"},
	{[]Category{OtherPersonal}, "title", either(tooLong(60), areDates), -6, "too long"},

	{[]Category{Religion, Political, Ethnicity, Union, Sexual}, "", areDates, -4, "dates"},

	{[]Category{Signature}, "", either(isFlag, onlyNumbers), -6, "a flag"},
}

// plausible answers for categories without a detector: do the values contradict the header?
func (c *Catalogue) plausible(f *fieldState, add func(evidence)) {
	for i := range f.header.concepts {
		k := &f.header.concepts[i]
		if f.field.Kind == "binary" && !slices.Contains(seenInBytes, k.category) {
			continue
		}
		if r := f.plausibility(k.category, k.sub); r != nil && r.lo != 0 {
			lo := r.lo
			if lo > -8 {
				lo = f.soften(lo)
			}
			add(fromValues(k.category, lo, r.detail))
		}
	}
}

// seenInBytes are the categories of which bytes that are no text show something.
var seenInBytes = []Category{Photo, Signature, Coordinates, PersonalURL, FreeText}

// plausibility returns the rule that decides about a category, nil where none does.
func (f *fieldState) plausibility(c Category, sub string) *plausibility {
	for i := range plausibilities {
		r := &plausibilities[i]
		if slices.Contains(r.categories, c) && (r.sub == "" || r.sub == sub) && r.when(f) {
			return r
		}
	}
	return nil
}

func always(*fieldState) bool { return true }

// tooShortForCards reports whether all values are digits, fewer than any card has (ISO/IEC 7812 allows 12 and more), and more
// than the last four, a code or a month of expiry.
func tooShortForCards(f *fieldState) bool {
	p := f.profile
	return p.n > 0 && p.digitsOnly == p.n && p.shortest >= 5 && p.longest >= 7 && p.longest < 12
}

func both(a, b func(*fieldState) bool) func(*fieldState) bool {
	return func(f *fieldState) bool { return a(f) && b(f) }
}

func either(list ...func(*fieldState) bool) func(*fieldState) bool {
	return func(f *fieldState) bool {
		return slices.ContainsFunc(list, func(holds func(*fieldState) bool) bool { return holds(f) })
	}
}

func tooLong(most int) func(*fieldState) bool {
	return func(f *fieldState) bool { return f.profile.longest > most }
}

func areDates(f *fieldState) bool    { return f.profile.dated() }
func onlyNumbers(f *fieldState) bool { return f.profile.numbers() }
func fewDigits(f *fieldState) bool   { return f.profile.digits*2 < f.profile.n }

func mostlyNumbers(f *fieldState) bool   { return f.profile.numeric*10 >= f.profile.n*8 }
func integerSequence(f *fieldState) bool { return f.field.Kind == "integer" && f.profile.dense }

// sequenceOfNoHouses is an integerSequence that is no number behind a street: of many houses all numbers occur.
func sequenceOfNoHouses(f *fieldState) bool {
	return integerSequence(f) && (f.isKey() || !f.table.names(f.at-1, PostalAddress))
}

func shortSequence(f *fieldState) bool { return integerSequence(f) && f.profile.high < 1e6 }
func shortNumbers(f *fieldState) bool  { return f.profile.numbers() && f.profile.longest <= 2 }
func smallNumbers(f *fieldState) bool  { return f.profile.numbers() && f.profile.length < 5 }

// isFlag reports whether the field only says yes or no: one or two short values in more rows than that.
func isFlag(f *fieldState) bool {
	p := f.profile
	return p.distinct <= 2 && p.longest <= 5 && f.column.nonEmpty > 4 && (p.numbers() || isFlagLike(f))
}

func notUserNames(f *fieldState) bool {
	p := f.profile
	return p.share(p.usernames) < 0.5 && p.rate(bEmail) < 0.5 || isFlag(f) || p.dated() || p.dense || p.hashed()
}

// hashed reports whether the values are of one length, of sixteen signs or more, and mixed of letters and digits: keys.
func (p *profile) hashed() bool {
	return p.n > 2 && p.shortest == p.longest && p.longest >= 16 && p.share(p.digits) > 0.9 && p.share(p.letters) > 0.9 &&
		p.spaced == 0
}

func likePostcodes(f *fieldState) bool {
	p := f.profile
	return p.share(p.digits) > 0.6 && p.length <= 10 && p.longest <= 20 // CEDEX 16 may stand behind a French one
}

func notAddresses(f *fieldState) bool {
	p := f.profile
	if isFlag(f) || p.digitsOnly == p.n && p.longest > 6 {
		return true
	}
	return slices.ContainsFunc([]int{bEmail, bIPv4, bMAC, bURL}, func(b int) bool { return p.rate(b) > 0.5 })
}

func arePoints(f *fieldState) bool {
	return f.field.Kind == "binary" || f.profile.rate(bPoint)+f.profile.rate(bLatLong) > 0.5
}

func areGeohashes(f *fieldState) bool { return f.profile.rate(bGeohash) > 0.9 }

func areDegrees(f *fieldState) bool {
	p := f.profile
	return p.numbers() && p.low >= -180 && p.high <= 180 && p.fraction > 0
}

func areScaledDegrees(f *fieldState) bool {
	p := f.profile
	return p.numbers() && p.low >= -1.8e9 && p.high <= 1.8e9 && p.integers == p.n && p.high > 1e5
}

func arePictures(f *fieldState) bool {
	return f.field.Kind == "binary" || f.profile.rate(bImage)+f.profile.rate(bImagePath) > 0.3
}

func mayBePaths(f *fieldState) bool { return f.profile.rate(bURL) > 0.5 || f.profile.length > 12 }

func notAddressesOfPages(f *fieldState) bool {
	return f.profile.rate(bURL) < 0.2 && f.profile.share(f.profile.usernames) < 0.5
}

func beyondAges(f *fieldState) bool {
	p := f.profile
	return p.numeric*2 > p.n && (p.low < 0 || p.high > 130)
}

func manyWords(f *fieldState) bool { return f.profile.numeric == 0 && f.profile.distinct > 40 }

// isFlagLike reports whether the values are yes and no in some writing.
func isFlagLike(f *fieldState) bool {
	for _, e := range f.column.sample.entries {
		switch foldWord(string(e.value)) {
		case "0", "1", "t", "f", "true", "false", "y", "n", "yes", "no", "si", "ja", "nein", "oui", "non", "\x00",
			"\x01":
		default:
			return false
		}
	}
	return true
}
