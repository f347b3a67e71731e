package ident

// The functions here take digits ('0' to '9') or, where they say so, letters ('A' to 'Z' standing for 10 to
// 35) that a layout has already admitted.

// value returns the number that a digit or a capital letter stands for in ISO 7064, ISO 13616 and ICAO 9303: 0 to 35.
func value(c byte) int {
	if isDigit(c) {
		return int(c - '0')
	}
	return int(c-'A') + 10
}

// number reads decimal digits; callers pass at most 18 of them.
func number(c []byte) int {
	n := 0
	for _, b := range c {
		n = n*10 + int(b-'0')
	}
	return n
}

// weighted is the sum of the first len(w) values of c, each times its weight.
func weighted(c []byte, w ...int) int {
	s := 0
	for i, k := range w {
		s += k * value(c[i])
	}
	return s
}

// mod returns n mod m in 0..m-1, for negative n too.
func mod(n, m int) int { return (n%m + m) % m }

// lastIs reports whether the last digit of c is d.
func lastIs(c []byte, d int) bool { return value(c[len(c)-1]) == d }

// same reports whether c repeats one character.
func same(c []byte) bool {
	for _, b := range c {
		if b != c[0] {
			return false
		}
	}
	return true
}

// luhn reports whether the last digit of c is its check digit.
func luhn(c []byte) bool { return lastIs(c, luhnDigit(c[:len(c)-1])) }

// luhnDigit is the check digit of ISO/IEC 7812-1 annex B for c: from the right, each second digit doubled
// and its digits added.
func luhnDigit(c []byte) int {
	s := 0
	for i, b := range c {
		d := int(b - '0')
		if (len(c)-i)%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		s += d
	}
	return mod(-s, 10)
}

// luhn36 is Luhn over the values 0 to 35 of digits and letters: GSTIN.
func luhn36(c []byte) bool { return luhnIn(36, c) }

// luhnIn is Luhn in a base above ten: from the right of what stands before the check digit each second value doubled,
// and its two digits in that base added.
func luhnIn(base int, c []byte) bool {
	s := 0
	for i, b := range c {
		v := value(b)
		if (len(c)-i)%2 == 0 {
			v *= 2
			v = v/base + v%base
		}
		s += v
	}
	return s%base == 0
}

// mod97 is the remainder by 97 of c, letters counting as two digits (ISO 7064 MOD 97-10). A valid number gives 1.
func mod97(c []byte) int { return mod97From(0, c) }

// mod97From carries on from the remainder r of what stood before c.
func mod97From(r int, c []byte) int {
	for _, b := range c {
		if v := value(b); v > 9 {
			r = (r*100 + v) % 97
		} else {
			r = (r*10 + v) % 97
		}
	}
	return r
}

// mod1110 is ISO 7064 MOD 11,10: the last digit checks the others.
func mod1110(c []byte) bool {
	p := 10
	for _, b := range c[:len(c)-1] {
		p = (p + int(b-'0')) % 10
		if p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return (p+int(c[len(c)-1]-'0'))%10 == 1
}

// mod112 is ISO 7064 MOD 11-2: digits, the last may be X for ten.
func mod112(c []byte) bool {
	p := 0
	for _, b := range c[:len(c)-1] {
		p = (p + int(b-'0')) * 2 % 11
	}
	last := c[len(c)-1]
	if last == 'X' {
		return (p+10)%11 == 1
	}
	return isDigit(last) && (p+int(last-'0'))%11 == 1
}

// verhoeff reports whether c is valid under J. Verhoeff, Error Detecting Decimal Codes (1969).
func verhoeff(c []byte) bool {
	r := 0
	for i := range c {
		d := int(c[len(c)-1-i] - '0')
		r = dihedral(r, verhoeffPermutation[i%8][d])
	}
	return r == 0
}

// dihedral multiplies in the dihedral group D5: 0 to 4 are rotations, 5 to 9 reflections.
func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return (a+b)%5 + 5
	case b < 5:
		return mod(a-b, 5) + 5
	}
	return mod(a-b, 5)
}

var verhoeffPermutation = [8][10]int{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
	{8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
	{2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
}

// ean is the check of GS1 numbers (EAN-8, UPC-A, EAN-13, GTIN-14, NAVS13): from the right, weights 1 and 3,
// divisible by ten.
func ean(c []byte) bool {
	s := 0
	for i, b := range c {
		if (len(c)-i)%2 == 0 {
			s += 3 * int(b-'0')
		} else {
			s += int(b - '0')
		}
	}
	return s%10 == 0
}

// icao731 is the sum of ICAO Doc 9303 part 3, 4.9, modulo ten: weights 7, 3, 1; letters 10 to 35; the filler '<' is 0.
func icao731(c []byte) int {
	s := 0
	for i, b := range c {
		if b == '<' {
			continue
		}
		s += value(b) * (7 - 4*(i%3) + i%3/2*2)
	}
	return s % 10
}
