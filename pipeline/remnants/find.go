package remnants

import (
	"bytes"
	"slices"
	"strings"

	"lethe/classifiers/container"
	"lethe/pipeline/registry/identifier"
)

// meeting is told of a text that may be an identifier, and where in its value it stands, -1 for behind an encoding; it
// reports whether somebody was met by it.
type meeting func(row int, kind string, value []byte, at int) bool

// finder finds identifiers inside the texts of a field: those that a sign gives away, an address by its '@', a
// telephone number by its '+', and national numbers that are made of letters and digits.
type finder struct {
	mails, phones bool
	phoned        bool // telephone numbers are looked for at all
	nationals     []string
	named         func(key string) []string // the kinds of number that stand under a key; nil: nobody asks
	byKey         map[string][]string       // what named said
	encoded       bool                      // something in the batch may be behind an encoding
	walker        container.Walker
}

// longestText is how much of one value is read for what is not in plain sight.
const longestText = 1 << 16

// reset looks what is worth looking for in the texts of a batch at all.
func (f *finder) reset(all []byte, kinds []string) {
	f.mails = slices.Contains(kinds, identifier.Email) && len(all) > 0
	f.phoned = slices.Contains(kinds, identifier.Phone)
	f.phones = f.phoned && bytes.IndexByte(all, '+') >= 0
	f.nationals = f.nationals[:0]
	for _, kind := range kinds {
		if strings.HasPrefix(kind, identifier.National) {
			f.nationals = append(f.nationals, kind)
		}
	}
	f.encoded = (f.mails || f.phones) && container.Encoded(all)
	f.walker.Name, f.walker.Most = func(key string) string { return key }, 4096
}

// each goes through the texts of a batch.
func (f *finder) each(data []byte, offsets []int32, meet meeting) {
	if f.mails {
		f.signs(data, offsets, '@', func(row int, text []byte, at int) { mail(text, at, row, meet) })
	}
	if f.phones {
		f.signs(data, offsets, '+', func(row int, text []byte, at int) { phone(text, at, row, meet) })
	}
	if f.named != nil && (f.phoned || len(f.nationals) > 0) {
		f.signs(data, offsets, ':', func(row int, text []byte, at int) { f.keyed(text, at, row, meet) })
	}
	for row := range len(offsets) - 1 {
		text := data[offsets[row]:offsets[row+1]]
		if len(text) < 8 {
			continue
		}
		if len(f.nationals) > 0 {
			f.numbers(text, row, meet)
		}
		if f.encoded && container.Encoded(text) || packed(text) {
			f.hidden(text[:min(len(text), longestText)], row, meet)
		}
	}
}

// signs calls found for each sign in the texts of a batch.
func (f *finder) signs(data []byte, offsets []int32, sign byte, found func(row int, text []byte, at int)) {
	row, end := 0, int(offsets[len(offsets)-1])
	for at := int(offsets[0]); at < end; at++ {
		next := bytes.IndexByte(data[at:end], sign)
		if next < 0 {
			return
		}
		at += next
		for int(offsets[row+1]) <= at {
			row++
		}
		from := int(offsets[row])
		found(row, data[from:offsets[row+1]], at-from)
	}
}

// hidden looks into a text behind its encodings, and into what is packed.
func (f *finder) hidden(text []byte, row int, meet meeting) {
	behind := func(row int, kind string, value []byte, _ int) bool { return meet(row, kind, value, -1) }
	plain, _ := container.Decode(nil, text)
	f.plain(plain, row, behind)
	if packed(text) {
		_, leaves := f.walker.Walk(text, false)
		for _, leaf := range leaves {
			f.plain(leaf.Value, row, behind)
		}
	}
}

// plain looks for addresses and telephone numbers in one text.
func (f *finder) plain(text []byte, row int, meet meeting) {
	for at, c := range text {
		switch {
		case c == '@' && f.mails:
			mail(text, at, row, meet)
		case c == '+':
			phone(text, at, row, meet)
		}
	}
}

// packed reports whether a text may be a block of base64.
func packed(text []byte) bool {
	if len(text) < 16 || len(text)%4 != 0 {
		return false
	}
	for _, c := range text[:16] {
		if !letter(c) && !digit(c) && c != '+' && c != '/' {
			return false
		}
	}
	return container.Detect(text) == container.Base64
}

// mail looks at the address around an '@'. What stands before it may belong to the text (to=, a&b=, an escape), and
// what stands behind it may be the next sentence: the longest that is somebody's counts.
func mail(text []byte, at, row int, meet meeting) {
	start, end := bounds(text, at)
	if start == at || end < at+4 {
		return
	}
	try := func(address []byte, at int) bool {
		return meet(row, identifier.Email, address, at) ||
			sentence(address, func(short []byte) bool { return meet(row, identifier.Email, short, at) })
	}
	for from := start; from < at; {
		if try(text[from:end], from) {
			return
		}
		next := slices.IndexFunc(text[from:at], func(c byte) bool { return between[c] })
		if next < 0 {
			break
		}
		from = begin(text, from+next+1, at)
	}
	if start == 0 || text[start-1] != '\\' {
		return
	}
	if strings.IndexByte("nrtfb", text[start]) >= 0 && try(text[start+1:end], start+1) {
		return
	}
	plain, _ := container.Decode(nil, text[max(0, start-48):end]) // \u003cada@b.it
	if sign := bytes.LastIndexByte(plain, '@'); sign > 0 {
		if from, to := bounds(plain, sign); from < sign {
			try(plain[from:to], -1)
		}
	}
}

// bounds are those of the address around an '@'.
func bounds(text []byte, at int) (start, end int) {
	start, end = at, at+1
	for start > 0 && at-start < 64 && local[text[start-1]] {
		start--
	}
	start = begin(text, start, at)
	for end < len(text) && end-at < 254 && domain[text[end]] {
		end++
	}
	for end > at && (text[end-1] == '.' || text[end-1] == '-') {
		end--
	}
	return start, end
}

// begin is where an address begins that may begin at a place: no address begins with these signs.
func begin(text []byte, from, at int) int {
	for from < at && strings.IndexByte(".-'", text[from]) >= 0 {
		from++
	}
	return from
}

// sentence tries an address without its last label, where that may be the beginning of a sentence: "a@b.it.Then".
func sentence(address []byte, meet func([]byte) bool) bool {
	at, dot := bytes.LastIndexByte(address, '@'), bytes.LastIndexByte(address, '.')
	if dot < at || dot+1 == len(address) || address[dot+1] < 'A' || address[dot+1] > 'Z' ||
		bytes.IndexByte(address[at:dot], '.') < 0 {
		return false
	}
	return meet(address[:dot])
}

// local and domain are the bytes of an address in a text, between those that more often part words: not the apostrophe,
// which stands in names.
var local, domain, between = func() (l, d, b [256]bool) {
	for c := range l {
		plain := letter(byte(c)) || digit(byte(c)) || c >= 0x80
		l[c] = plain || strings.IndexByte("._%+-'&=#$!~*/?^`{|}", byte(c)) >= 0
		d[c] = plain || c == '-' || c == '.'
		b[c] = strings.IndexByte("%&=#$!~*/?^`{|}", byte(c)) >= 0
	}
	return l, d, b
}()

// phone looks at the number behind a '+', in all the lengths at which a group of digits ends, the longest first.
func phone(text []byte, at, row int, meet meeting) {
	var ends [8]int
	n, digits := 0, 0
	for i := at + 1; i < len(text) && i-at < 28; i++ {
		c := text[i]
		if digit(c) {
			digits++
			if i+1 == len(text) || !digit(text[i+1]) {
				if digits >= 8 && digits <= 15 && n < len(ends) {
					ends[n] = i + 1
					n++
				}
			}
			continue
		}
		if strings.IndexByte(" -./()", c) < 0 {
			break
		}
	}
	for n--; n >= 0; n-- {
		if meet(row, identifier.Phone, text[at:ends[n]], at) {
			return
		}
	}
}

// mostKeys bounds what is remembered of the keys of documents, and longestKey their length.
const (
	mostKeys   = 4096
	longestKey = 64
)

// keyed looks at the value behind a ':' and a key in quotes, where the key says which number it is: "ssn":"856-45-6789"
// or "ssn": 856456789, and \"ssn\":\"856-45-6789\" in a document within one.
func (f *finder) keyed(text []byte, at, row int, meet meeting) {
	before := bytes.TrimRight(text[max(0, at-longestKey):at], " ")
	if n := len(before); n == 0 || before[n-1] != '"' {
		return
	}
	before = bytes.TrimRight(before[:len(before)-1], `\`)
	key := before[bytes.LastIndexByte(before, '"')+1:]
	if len(key) == 0 || len(key) == len(before) {
		return
	}
	kinds, known := f.byKey[string(key)]
	if !known {
		if len(f.byKey) >= mostKeys || f.byKey == nil {
			f.byKey = map[string][]string{}
		}
		kinds = f.named(string(key))
		f.byKey[string(key)] = kinds
	}
	if len(kinds) == 0 {
		return
	}
	rest := text[at+1:]
	value := bytes.TrimLeft(rest, " \t\r\n\\\"")
	if end := bytes.IndexAny(value, "\\\",}]\r\n"); end >= 0 {
		value = bytes.TrimRight(value[:end], " ")
	}
	from := at + 1 + len(rest) - len(bytes.TrimLeft(rest, " \t\r\n\\\""))
	if len(value) == 0 || len(value) > longestNumber {
		return
	}
	for _, kind := range kinds {
		meet(row, kind, value, from)
	}
}

// numbers looks at the words of letters and digits of a text: a national number of digits alone may be anything.
func (f *finder) numbers(text []byte, row int, meet meeting) {
	for i := 0; i < len(text); {
		letters, digits, start := 0, 0, i
		for ; i < len(text); i++ {
			if letter(text[i]) {
				letters++
			} else if digit(text[i]) {
				digits++
			} else if text[i] != '-' || i == start {
				break
			}
		}
		if letters > 0 && digits >= 5 && i-start >= 8 && i-start <= 24 {
			for _, kind := range f.nationals {
				meet(row, kind, text[start:i], start)
			}
		}
		if i == start {
			i++
		}
	}
}

func digit(c byte) bool  { return c-'0' < 10 }
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
