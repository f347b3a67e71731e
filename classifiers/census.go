package classifiers

// census counts the bytes of a value by class, in one pass. Detectors that need what it does not have are not tried.
type census struct {
	digits, lower, upper, high int // high: bytes of letters beyond ASCII
	spaces, ats, marks, others int // marks: . - : / + ( ) _ ,   others: everything else
}

func (c census) letters() int { return c.lower + c.upper + c.high }

// Each byte adds one to a lane of eight bits; lanes are emptied before they can overflow.
const (
	laneDigit = iota * 8
	laneLower
	laneUpper
	laneHigh
	laneSpace
	laneAt
	laneMark
	laneOther
)

// laneOf is the class table. It is a constant of the program, built once from the classes' definition.
var laneOf = func() (t [256]uint64) {
	for i := range t {
		b := byte(i)
		switch {
		case b >= '0' && b <= '9':
			t[i] = 1 << laneDigit
		case b >= 'a' && b <= 'z':
			t[i] = 1 << laneLower
		case b >= 'A' && b <= 'Z':
			t[i] = 1 << laneUpper
		case b >= 0x80:
			t[i] = 1 << laneHigh
		case b == ' ' || b == '\t' || b == '\n' || b == '\r':
			t[i] = 1 << laneSpace
		case b == '@':
			t[i] = 1 << laneAt
		case b == '.' || b == '-' || b == ':' || b == '/' || b == '+' || b == '(' || b == ')' || b == '_' || b == ',':
			t[i] = 1 << laneMark
		default:
			t[i] = 1 << laneOther
		}
	}
	return t
}()

func take(b []byte) census {
	var c census
	for len(b) > 0 {
		n := min(len(b), 255)
		sum := lanes(b[:n])
		if n == len(b) && c == (census{}) {
			return unpack(sum)
		}
		c = c.plus(unpack(sum))
		b = b[n:]
	}
	return c
}

// lanes adds up the classes of up to 255 bytes, four at a time so that the additions do not wait for each other.
func lanes(b []byte) uint64 {
	var x, y uint64
	for len(b) >= 4 {
		x += laneOf[b[0]] + laneOf[b[1]]
		y += laneOf[b[2]] + laneOf[b[3]]
		b = b[4:]
	}
	for _, c := range b {
		x += laneOf[c]
	}
	return x + y
}

// unpack reads the lanes.
func unpack(sum uint64) census {
	return census{
		digits: int(byte(sum >> laneDigit)), lower: int(byte(sum >> laneLower)), upper: int(byte(sum >> laneUpper)),
		high:   int(byte(sum >> laneHigh)),
		spaces: int(byte(sum >> laneSpace)), ats: int(byte(sum >> laneAt)), marks: int(byte(sum >> laneMark)),
		others: int(byte(sum >> laneOther)),
	}
}

func (c census) plus(d census) census {
	return census{c.digits + d.digits, c.lower + d.lower, c.upper + d.upper, c.high + d.high, c.spaces + d.spaces,
		c.ats + d.ats, c.marks + d.marks, c.others + d.others}
}

func isDigit(b byte) bool  { return b-'0' < 10 }
func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
func isAlnum(b byte) bool  { return isDigit(b) || isLetter(b) }
func isHex(b byte) bool    { return isDigit(b) || b|0x20 >= 'a' && b|0x20 <= 'f' }

func allOf(b []byte, ok func(byte) bool) bool {
	for _, c := range b {
		if !ok(c) {
			return false
		}
	}
	return len(b) > 0
}
