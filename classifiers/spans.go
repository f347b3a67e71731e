package classifiers

import (
	"bytes"
	"slices"
	"strings"
)

// Span is a place in a text that holds a value of a category.
type Span struct {
	Category   Category
	Detector   string
	Start, End int // byte offsets, End exclusive
}

// Spans appends to dst the places in text that hold personal data, in order and without overlap: addresses,
// numbers with a check, secrets, names that follow a title or a salutation, and numbers whose check is weak
// where the words before them say what they are. It is linear in the text.
func (c *Catalogue) Spans(dst []Span, text []byte) []Span { return c.spans(dst, text, "") }

// spans takes the numbers of a given country on their check alone.
func (c *Catalogue) spans(dst []Span, text []byte, country string) []Span {
	from := len(dst)
	r := reader{catalogue: c, text: text, context: true, country: country}
	dst = r.numbers(dst)
	dst = r.names(dst)
	found := dst[from:]
	slices.SortStableFunc(found, func(a, b Span) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	kept, end := found[:0], 0
	for _, s := range found {
		if s.Start >= end {
			kept = append(kept, s)
			end = s.End
		}
	}
	return dst[:from+len(kept)]
}

// reader walks over one text.
type reader struct {
	catalogue *Catalogue
	text      []byte
	context   bool // ask the words before a number what it is
	country   string
	scratch   [64]byte
	run       numberRun
}

// numberRun is the run of digit groups that is being read. It bounds the work: what the words around say is
// read once a run, and only so many places in it are tried.
type numberRun struct {
	start, end int
	tries      int
	asked      bool
	beside     categorySet // what the words beside the run name
}

// maxTries is how many candidates of one run of at most 48 bytes are looked at.
const maxTries = 24

// strictChance is the chance below which a check proves a number in the middle of a text.
const strictChance = 2e-3

// numbers finds everything that has digits or an '@' in it.
func (r *reader) numbers(dst []Span) []Span {
	t := r.text
	for i := 0; i < len(t); {
		var sum uint64
		end, stop := i, min(len(t), i+255)
		for end < stop && !breaks[t[end]] {
			sum += laneOf[t[end]]
			end++
		}
		if end == i {
			i++
			continue
		}
		for end < len(t) && !breaks[t[end]] {
			end++
		}
		c := unpack(sum)
		if c.digits == 0 && c.ats == 0 && (end-i < 20 || c.marks == 0) && (c.marks < 2 || !r.context) {
			i = end
			continue
		}
		dst, i = r.chunk(dst, i, end, c)
	}
	return dst
}

// breaks are the bytes that end a run of text without spaces.
var breaks = func() (t [256]bool) {
	for b := range t {
		t[b] = b <= ' ' || strings.IndexByte(",;\"<>[]|'", byte(b)) >= 0
	}
	return t
}()

// chunk looks at the run text[start:end], whose first 255 bytes have the census c, and returns where to go on.
func (r *reader) chunk(dst []Span, start, end int, c census) ([]Span, int) {
	if c.ats > 0 {
		return r.mails(dst, start, end)
	}
	begin, stop := trimRun(r.text, start, end)
	run := r.text[begin:stop]
	switch {
	case len(run) < 3:
		return dst, end
	case c.letters() > 5 && c.marks > 2 && bytes.Contains(run, []byte("://")):
		if r.context && isProfileURL(run) {
			dst = append(dst, Span{PersonalURL, "url.profile", begin, stop})
		}
		return dst, end
	case len(run) > 19 && c.letters() > 3 && (isJWT(run) || isPasswordHash(run) || isSecretToken(run)):
		return append(dst, Span{Secret, "secret", begin, stop}), end
	}
	if kind, id := network(run, c); id != "" {
		if id != "ip.v4" || r.isAddress(begin, run) {
			dst = append(dst, Span{kind, id, begin, stop})
		}
		return dst, end
	}
	if c.digits == 0 || isUUID(run) {
		return dst, end
	}
	return r.grouped(dst, begin, end)
}

// mails finds the addresses in a run with an '@'.
func (r *reader) mails(dst []Span, start, end int) ([]Span, int) {
	for at := start; at < end; at++ {
		if r.text[at] != '@' {
			continue
		}
		if s, e, ok := emailAround(r.text, at); ok {
			dst = append(dst, Span{Email, "email", s, e})
			end = max(end, e)
		}
	}
	return dst, end
}

// trimRun leaves out the signs of the sentence around the run t[start:end].
func trimRun(t []byte, start, end int) (int, int) {
	for end-start > 1 && (t[start] == '(' && !isDigit(t[start+1]) || t[start] == '=') {
		start++
	}
	for end > start && endsSentence(t[start:end]) {
		end--
	}
	return start, end
}

// endsSentence reports whether the last byte is a sign of the sentence. Two colons may end an IPv6 address.
func endsSentence(run []byte) bool {
	switch n := len(run); run[n-1] {
	case '.', '!', '?', ')':
		return true
	case ':':
		return n < 2 || run[n-2] != ':'
	}
	return false
}

// network recognizes the addresses of networks; the detector is empty where the run is none.
func network(run []byte, c census) (Category, string) {
	switch {
	case c.marks < 2:
	case isMAC(run):
		return MACAddress, "mac"
	case c.marks >= 3 && c.letters() == 0 && isIPv4(run):
		return IPAddress, "ip.v4"
	case isIPv6(run):
		return IPAddress, "ip.v6"
	}
	return "", ""
}

// isAddress tells an IPv4 address from a version: by its numbers, or by the word before it.
func (r *reader) isAddress(start int, b []byte) bool {
	o, _ := firstAddress(b)
	if isSpread(o) {
		return true
	}
	if o[0] == 10 || o[0] == 127 || !r.context {
		return o[0] == 127
	}
	return r.catalogue.lexicon.besideSet(r.text, start, start+len(b))&r.catalogue.sets.address != 0
}

// isSpread reports whether one of four numbers is larger than those of versions are.
func isSpread(o [4]int) bool { return o[0] > 30 || o[1] > 60 || o[2] > 60 || o[3] > 60 }
