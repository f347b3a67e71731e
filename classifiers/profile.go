package classifiers

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"lethe/classifiers/gazetteer"
	"lethe/classifiers/ident"
)

// profile is what the sampled distinct values of a field are like.
type profile struct {
	n          int // sampled distinct values
	distinct   int64
	hits       [builtinCount]int
	tested     [builtinCount]int
	schemes    map[uint16]int // values passing each number scheme
	customs    []int
	fictitious int64
	roleMail   int

	digitsOnly int // values of digits alone
	numeric    int // values that parse as a number
	integers   int
	low, high  float64 // range of the numbers
	fraction   int     // most decimals seen in half of the values or more: 0 or the median
	dense      bool    // integers that fill their range: a sequence
	letters    int     // values with a letter
	digits     int     // values with a digit
	spaced     int     // values with a space
	upperCode  int     // values of capitals and digits only, without spaces
	length     float64 // mean length
	longest    int

	name            float64 // mean log-odds of being a person's name, each cut to ±3
	given, family   int
	full            int
	street          float64
	cityMean        float64
	region          float64
	company         int // values with a legal form or a word of company names
	common          int // values made of ordinary words
	ailments        int // values with a word for an illness, a medicine, an allergen or a treatment
	years           []int
	clocks          int
	phoneRegion     string
	phoneRegionHits int
	phoneTested     int
	phoneChance     float64 // share of random digits of the same form that are valid in the region
	postcodes       int     // values with the form of any country's postal codes
	octetSpread     float64
	genderFormPairs bool
	single          int // values of one or two characters
	usernames       int
	shortest        int
}

// survey is the state of newProfile between two values.
type survey struct {
	*profile
	catalogue *Catalogue
	decimals  []int     // of each number
	phones    [][]byte  // values that the numbering plans are asked about
	genders   [256]bool // first letters of words for gender
	scratch   []uint16
}

// newProfile runs the whole catalogue over the sample.
func (c *Catalogue) newProfile(col *column, f Field) *profile {
	col.sample.shrink()
	p := &profile{n: len(col.sample.entries), distinct: col.sample.distinct(), schemes: map[uint16]int{},
		customs: make([]int, len(c.customs))}
	p.low, p.high = math.Inf(1), math.Inf(-1)
	s := survey{profile: p, catalogue: c}
	for i := range col.sample.entries {
		e := &col.sample.entries[i]
		v := newValue(e.value, int(e.size))
		p.shape(&v, int(e.size))
		if f.Kind == "binary" {
			s.picture(e.value)
		} else {
			s.value(&v)
		}
	}
	s.settle()
	if f.Kind == "text" || f.Kind == "" {
		p.judgePhones(s.phones)
	}
	return p
}

// picture looks at a value of bytes.
func (s *survey) picture(v []byte) {
	s.tested[bImage]++
	if isImage(v) {
		s.hits[bImage]++
	}
}

// value asks every detector about a value.
func (s *survey) value(v *value) {
	s.askBuiltins(v)
	if !v.cut {
		s.askSchemes(v.raw)
	}
	for k := range s.catalogue.customs {
		if s.catalogue.customs[k].matchValue(v.raw) {
			s.customs[k]++
		}
	}
	if v.census.ats > 0 && isEmail(v.raw) {
		s.mail(v.raw)
	}
	s.names(v)
	s.ailment(v)
	d, isDate := parseDate(v.raw)
	if isDate {
		s.years = append(s.years, d.year)
		if d.clock {
			s.clocks++
		}
	}
	s.number(v)
	s.phone(v.raw, isDate)
	if o, ok := firstAddress(v.raw); ok && isSpread(o) {
		s.octetSpread++
	}
	if len(v.raw) > 0 && isGenderWord(v.raw) {
		s.genders[upper(v.raw[0])] = true
	}
}

func (s *survey) askBuiltins(v *value) {
	for b := range s.catalogue.builtins {
		d := &s.catalogue.builtins[b]
		if !d.needs(v.census) {
			continue
		}
		s.tested[b]++
		if b == bPhoneInternational && s.surelyPhones() && !v.cut && isInternational(v.raw) {
			s.hits[b]++
		} else if (!v.cut || b == bProse) && d.match(v.raw) {
			s.hits[b]++
		}
	}
}

func (s *survey) askSchemes(v []byte) {
	s.scratch = s.catalogue.schemes.match(s.scratch[:0], v)
	for _, i := range s.scratch {
		s.schemes[i]++
	}
	if len(s.scratch) > 0 && s.catalogue.isFictitious(s.scratch, v) {
		s.fictitious++
	}
}

// ailment asks whether the beginning of a value speaks of an illness.
func (s *survey) ailment(v *value) {
	if v.census.letters() < 3 {
		return
	}
	var buf [2 * mostOfAilment]byte
	if s.catalogue.senses.anyHas(appendFolded(buf[:0], v.raw[:min(len(v.raw), mostOfAilment)]), "ailment") {
		s.ailments++
	}
}

// mostOfAilment is how much of a value is looked at for illnesses.
const mostOfAilment = 100

func (s *survey) mail(v []byte) {
	if isRoleAddress(v) {
		s.roleMail++
	}
	if isExampleAddress(v) {
		s.fictitious++
	}
}

func (s *survey) number(v *value) {
	if v.census.digits == 0 || v.census.letters() > 0 {
		return
	}
	x, err := strconv.ParseFloat(string(v.raw), 64)
	if err != nil {
		return
	}
	s.numeric++
	s.low, s.high = min(s.low, x), max(s.high, x)
	point := bytes.IndexByte(v.raw, '.')
	if point < 0 {
		s.integers++
		point = len(v.raw) - 1
	}
	s.decimals = append(s.decimals, len(v.raw)-point-1)
}

func (s *survey) phone(v []byte, isDate bool) {
	shape, ok := shapeOfPhone(v)
	if !ok {
		return
	}
	national := shape.digits >= 7 && shape.digits <= 13 && (shape.formed || shape.zero)
	if len(s.phones) < maxPhones && national && !isDate {
		s.phones = append(s.phones, v)
	}
	if isFictitiousPhone(v) {
		s.fictitious++
	}
}

// settle turns sums into means once all values are seen.
func (s *survey) settle() {
	p := s.profile
	if p.n > 0 {
		n := float64(p.n)
		p.length /= n
		p.name /= n
		p.street /= n
		p.cityMean /= n
		p.region /= n
		p.octetSpread /= n
	}
	if len(s.decimals) > 0 {
		slices.Sort(s.decimals)
		p.fraction = s.decimals[len(s.decimals)/2]
	}
	p.dense = p.integers == p.n && p.n > 3 && p.high-p.low+1 < 1.6*float64(p.distinct)+8
	genders := 0
	for _, met := range s.genders {
		if met {
			genders++
		}
	}
	p.genderFormPairs = genders > 1
	slices.Sort(p.years)
}

// fullNames reports whether most values are a given name with a family name.
func (p *profile) fullNames() bool { return p.n >= 4 && p.share(p.full) > 0.4 && p.name > 1.5 }

// degrees reports whether all values are numbers with four decimals or more within a limit, and some are
// beyond five degrees from zero.
func (p *profile) degrees(limit float64) bool {
	return p.n >= 8 && p.numeric == p.n && p.fraction >= 4 && p.low >= -limit && p.high <= limit &&
		max(-p.low, p.high) > 5
}

// surelyPhones reports whether so many values are telephone numbers by the numbering plans, which are slow,
// that the rest need not ask them.
func (p *profile) surelyPhones() bool {
	return p.tested[bPhoneInternational] > maxPhones &&
		p.hits[bPhoneInternational]*10 >= p.tested[bPhoneInternational]*9
}

// maxPhones bounds the candidates that are asked about at the numbering plans, which are slow.
const maxPhones = 48

// isFictitious asks the schemes that a value passes whether it is reserved for tests.
func (c *Catalogue) isFictitious(schemes []uint16, v []byte) bool {
	var buf [64]byte
	compact, ok := ident.Compact(buf[:0], v)
	if !ok {
		return false
	}
	for _, i := range schemes {
		if ident.Fictitious(c.schemes.all[i].ID, ident.Number{Raw: v, Compact: compact}) {
			return true
		}
	}
	return false
}

// shape counts what the value looks like.
func (p *profile) shape(v *value, size int) {
	c := v.census
	p.length += float64(size)
	p.longest = max(p.longest, size)
	if p.shortest == 0 || size < p.shortest {
		p.shortest = size
	}
	if c.digits > 0 {
		p.digits++
		if c.digits == len(v.raw) {
			p.digitsOnly++
		}
	}
	if c.letters() > 0 {
		p.letters++
	}
	if c.spaces > 0 {
		p.spaced++
	}
	if c.upper+c.digits == len(v.raw) && c.upper > 0 {
		p.upperCode++
	}
	if len(v.raw) <= 2 {
		p.single++
	}
	if len(v.raw) <= 10 && c.digits > 2 && isPostcode(v.raw, "") {
		p.postcodes++
	}
	if c.spaces == 0 && c.letters() > 0 && len(v.raw) >= 2 && len(v.raw) <= 40 && c.others <= 1 {
		p.usernames++
	}
}

// names asks the gazetteer about a value.
func (p *profile) names(v *value) {
	if v.census.letters() < 2 || v.cut || len(v.raw) > 120 {
		p.name -= 2
		p.cityMean -= 1
		p.region -= 1
		p.street -= 1
		return
	}
	given, family, score := gazetteer.PersonName(v.raw)
	p.name += clamp(score, 3)
	if given {
		p.given++
	}
	if family {
		p.family++
	}
	if given && family {
		p.full++
	}
	p.street += clamp(gazetteer.Street(v.raw), 3)
	p.cityMean += clamp(gazetteer.CityScore(v.raw), 3)
	p.region += clamp(gazetteer.RegionScore(v.raw), 3)
	words, legal, common := 0, false, 0
	for _, w := range bytes.FieldsFunc(v.raw, func(r rune) bool {
		return r == ' ' || r == ',' || r == '/' || r == '(' ||
			r == ')'
	}) {
		words++
		k := gazetteer.Lookup(w)
		legal = legal || k&(gazetteer.LegalForm|gazetteer.Company) != 0
		if k&gazetteer.Common != 0 && k&(gazetteer.Given|gazetteer.Family) == 0 {
			common++
		}
	}
	if legal && words > 1 {
		p.company++
	}
	if words > 0 && common*2 >= words {
		p.common++
	}
}

func logOf(chance float64) float64 { return math.Log(max(chance, 1e-6)) }

func clamp(x, limit float64) float64 { return max(-limit, min(limit, x)) }

// phoneRegions are the regions whose national numbers are tried where no value names its country: the EU,
// EEA, and the largest others.
var phoneRegions = [...]string{"US", "GB", "DE", "FR", "IT", "ES", "PL", "NL", "SE", "PT", "BE", "AT", "CH", "CZ", "SK",
	"HU", "RO", "DK", "NO", "FI", "GR", "IE", "HR", "SI", "BG", "EE", "LV", "LT", "TR", "BR", "MX", "AR", "AU", "IN",
	"JP", "CN", "RU", "UA", "ZA"}

// judgePhones finds the region in which most of the candidates are valid national numbers. Numbering plans
// are generous: what counts is how much better the values do than digits drawn at random in the same form,
// which is tried out.
func (p *profile) judgePhones(phones [][]byte) {
	p.phoneTested = len(phones)
	if len(phones) < 4 || len(phones)*10 < min(p.n, maxPhones)*8 {
		return
	}
	few := phones[:min(len(phones), 8)]
	for _, region := range phoneRegions {
		if countPhones(few, region)*10 < len(few)*7 {
			continue
		}
		if ok := countPhones(phones, region); ok > p.phoneRegionHits {
			p.phoneRegionHits, p.phoneRegion = ok, region
		}
		if p.phoneRegionHits == len(phones) {
			break
		}
	}
	if p.phoneRegionHits == 0 {
		return
	}
	random := make([][]byte, 0, 4*len(phones))
	for round := range 4 {
		for _, v := range phones {
			random = append(random, scramble(v, uint64(round)))
		}
	}
	p.phoneChance = (float64(countPhones(random, p.phoneRegion)) + 1) / float64(len(random)+2)
}

func countPhones(values [][]byte, region string) int {
	ok := 0
	for _, v := range values {
		if isPhone(v, region) {
			ok++
		}
	}
	return ok
}

// scramble replaces each digit but leading zeros by one that a hash of the value and its place gives.
func scramble(v []byte, round uint64) []byte {
	out := append([]byte(nil), v...)
	h := hashBytes(v) + round
	leading := true
	for i, c := range out {
		if !isDigit(c) || leading && c == '0' {
			continue
		}
		leading = false
		h = h*6364136223846793005 + 1442695040888963407
		out[i] = '0' + byte((h>>33)%10)
	}
	return out
}

// rate is the share of sampled values that a built-in detector matches.
func (p *profile) rate(b int) float64 { return p.share(p.hits[b]) }

func (p *profile) share(k int) float64 {
	if p.n == 0 {
		return 0
	}
	return float64(k) / float64(p.n)
}

// likelihood is the log-likelihood ratio of k passes among n distinct values: under "the field holds such
// values", where a share of them passes that is at least floor, against chance alone. It is cut, because
// values of one field are not independent. It is finite for every count and every chance, and never positive
// where no more pass than by chance: a check that everything fits proves nothing.
func likelihood(k, n int, chance, floor float64) float64 {
	if n == 0 || chance >= 1 {
		return 0
	}
	share, chance := float64(k)/float64(n), max(chance, rarest)
	p1 := max(floor, min(0.98, share))
	lo := float64(k)*math.Log(p1/chance) + float64(n-k)*math.Log((1-p1)/(1-chance))
	if share <= chance {
		lo = min(lo, 0)
	}
	return max(-8, min(12, lo))
}

// rarest is the least chance that is told apart from none: where a check is said to let nothing pass by
// chance, one pass still decides.
const rarest = 1e-9
