package instant

// clock reads a time of day: 15:04, 15:04:05, 15:04:05.999, 3:04 PM, 15.04.05, and 1504 or 150405 where the
// form is basic.
func (s *scanner) clock(basic bool) error {
	if n := digitsOf(s.rest); n > 2 {
		if !basic || n != 4 && n != 6 {
			return NoInstant
		}
		digits := s.rest[:n]
		s.rest = s.rest[n:]
		if n == 6 {
			if err := s.fraction(); err != nil {
				return err
			}
		}
		if !s.basicClock(digits) {
			return NoSuchDay
		}
		return nil
	}
	h, ok := s.short()
	if !ok || len(s.rest) == 0 {
		return NoInstant
	}
	sep := s.rest[0]
	if !s.skip(':') && !s.skip('.') || digitsOf(s.rest) != 2 {
		return NoInstant
	}
	m, _ := s.number(2)
	sec := 0
	if len(s.rest) > 2 && s.rest[0] == sep && digitsOf(s.rest[1:]) == 2 {
		s.rest = s.rest[1:]
		sec, _ = s.number(2)
		if err := s.fraction(); err != nil {
			return err
		}
	}
	if h, ok = s.half(h); !ok || !s.setClock(h, m, sec) {
		return NoSuchDay
	}
	return nil
}

// setClock takes a time of day; a leap second is the one before it.
func (s *scanner) setClock(h, m, sec int) bool {
	if h > 24 || m > 59 || sec > 60 || sec == 60 && m != 59 || h == 24 && m+sec+s.nanos > 0 {
		return false
	}
	s.timed, s.seconds = true, h*3600+m*60+min(sec, 59)
	return true
}

// fraction reads what follows a second: a point or a comma and digits, as many as there are.
func (s *scanner) fraction() error {
	if len(s.rest) == 0 || s.rest[0] != '.' && s.rest[0] != ',' {
		return nil
	}
	n := digitsOf(s.rest[1:])
	if n == 0 {
		return NoInstant
	}
	digits := s.rest[1 : 1+n]
	s.rest = s.rest[1+n:]
	unit := 100_000_000
	for _, c := range digits {
		s.nanos += int(c-'0') * unit
		unit /= 10
	}
	return nil
}

// half reads AM or PM behind an hour of twelve.
func (s *scanner) half(h int) (int, bool) {
	rest := s.rest
	if len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	if len(rest) < 2 || rest[0]|0x20 != 'a' && rest[0]|0x20 != 'p' {
		return h, true
	}
	half := scanner{rest: rest[1:]}
	half.skip('.')
	if len(half.rest) == 0 || half.rest[0]|0x20 != 'm' || lettersOf(half.rest) > 1 {
		return h, true
	}
	half.rest = half.rest[1:]
	half.skip('.')
	s.rest = s.rest[len(s.rest)-len(half.rest):]
	if h < 1 || h > 12 {
		return h, false
	}
	if h %= 12; rest[0]|0x20 == 'p' {
		h += 12
	}
	return h, true
}

// zone reads what stands behind a time: an offset, a name, or both, and remarks that repeat it.
func (s *scanner) zone() error {
	if len(s.rest) == 0 {
		return nil
	}
	if len(s.rest) > 1 && s.rest[0] == ' ' && digitsOf(s.rest[1:]) > 0 { // the year of asctime
		return nil
	}
	s.skip(' ')
	switch n := lettersOf(s.rest); {
	case s.rest[0] == '+' || s.rest[0] == '-':
		if !s.east(false) {
			return NoInstant
		}
	case n == 0:
		return NoInstant
	case n == 1 && s.rest[0]|0x20 == 'z':
		s.offset, s.rest = 0, s.rest[1:]
	case greenwich(s.rest[:n]):
		s.offset, s.rest = 0, s.rest[n:]
		if len(s.rest) > 0 && (s.rest[0] == '+' || s.rest[0] == '-') && !s.east(true) {
			return NoInstant
		}
	default:
		if n > len(s.abbreviation) {
			return UnknownZone
		}
		s.abbreviated = copy(s.abbreviation[:], s.rest[:n])
		s.rest = s.rest[n:]
		return nil
	}
	return s.remark()
}

// greenwich reports whether a word means UTC.
func greenwich(word []byte) bool {
	return len(word) >= 2 && (foldPrefix("utc", word) || len(word) == 3 && foldPrefix("gmt", word))
}

// east reads +01, +0100, +01:00 or +01:00:00, and +1 where the form is short.
func (s *scanner) east(short bool) bool {
	sign := 1
	if s.rest[0] == '-' {
		sign = -1
	}
	s.rest = s.rest[1:]
	h, m, sec := 0, 0, 0
	switch n := digitsOf(s.rest); {
	case n == 4:
		h, _ = s.number(2)
		m, _ = s.number(2)
	case n == 2, n == 1 && short:
		h, _ = s.number(n)
		for _, part := range []*int{&m, &sec} {
			if len(s.rest) > 2 && s.rest[0] == ':' && digitsOf(s.rest[1:]) == 2 {
				s.rest = s.rest[1:]
				*part, _ = s.number(2)
			}
		}
	default:
		return false
	}
	s.offset = sign * (h*3600 + m*60 + sec)
	return h < 16 && m < 60 && sec < 60
}

// remark passes what repeats an offset: an abbreviation, [Europe/Rome], (Central European Time). One that
// says another is refused.
func (s *scanner) remark() error {
	if len(s.rest) > 2 && s.rest[0] == '[' && s.rest[len(s.rest)-1] == ']' {
		s.rest = nil
		return nil
	}
	if len(s.rest) > 3 && s.rest[0] == ' ' && s.rest[1] == '(' && s.rest[len(s.rest)-1] == ')' {
		s.rest = nil
		return nil
	}
	if len(s.rest) > 2 && s.rest[0] == ' ' {
		if s.rest[1] == '+' || s.rest[1] == '-' { // as Go writes zones without a name
			again := scanner{rest: s.rest[1:]}
			if !again.east(false) {
				return NoInstant
			}
			if again.offset != s.offset {
				return Contradiction
			}
			s.rest = s.rest[len(s.rest)-len(again.rest):]
			return nil
		}
		if n := lettersOf(s.rest[1:]); n >= 2 && n <= 5 {
			if greenwich(s.rest[1:1+n]) && s.offset != 0 {
				return Contradiction
			}
			s.rest = s.rest[1+n:]
		}
	}
	return nil
}
