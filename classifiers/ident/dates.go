package ident

// horizon is the last year that a date inside a number may have. It is fixed, so that the same value is
// judged the same way on every day; documents do not run further ahead and nobody is born later.
const horizon = 2035

// validDate reports whether the day exists in the Gregorian calendar and is between 1800 and the horizon.
func validDate(year, month, day int) bool {
	return year >= 1800 && year <= horizon && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// validDay reports whether the day exists in some century's year yy: for numbers that write the year with
// two digits and no century.
func validDay(yy, month, day int) bool {
	return validDate(1900+yy, month, day) || yy <= horizon-2000 && validDate(2000+yy, month, day)
}

// yymmdd reports whether six digits are a day of some century.
func yymmdd(c []byte) bool { return validDay(number(c[:2]), number(c[2:4]), number(c[4:6])) }

// ddmmyy reports whether six digits are a day of some century.
func ddmmyy(c []byte) bool { return validDay(number(c[4:6]), number(c[2:4]), number(c[:2])) }

// dayExists reports whether the day exists in the Gregorian calendar: for numbers whose rule provides for
// centuries to come.
func dayExists(year, month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

// yyyymmdd reports whether eight digits are a day that someone alive or on file may have been born on.
func yyyymmdd(c []byte) bool { return validDate(number(c[:4]), number(c[4:6]), number(c[6:8])) }
