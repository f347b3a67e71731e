package classifiers

import (
	"bytes"
	"net/netip"
	"strings"
)

// isIPv4 accepts four decimal octets, alone or with a port, a prefix length (RFC 4632), a network mask behind a
// slash or a blank, or the last address of a range behind a dash.
func isIPv4(b []byte) bool {
	i := bytes.IndexAny(b, "/:- ")
	if i < 0 {
		_, ok := octets(b)
		return ok
	}
	if _, ok := octets(b[:i]); !ok {
		return false
	}
	rest := bytes.TrimLeft(b[i:], " ")
	switch {
	case len(rest) == 0:
		return false
	case rest[0] == ':':
		return isUpTo(rest[1:], 65535)
	case rest[0] == '/' && isUpTo(rest[1:], 32):
		return true
	case rest[0] == '/':
		return isNetworkMask(rest[1:])
	case rest[0] == '-':
		_, ok := octets(bytes.TrimLeft(rest[1:], " "))
		return ok
	}
	return isNetworkMask(rest)
}

// firstAddress returns the octets of what isIPv4 accepts, without what may stand behind them.
func firstAddress(b []byte) ([4]int, bool) {
	if i := bytes.IndexAny(b, "/:- "); i > 0 {
		b = b[:i]
	}
	return octets(b)
}

// isUpTo reports whether b is a decimal number without leading zeros, and at most the given one.
func isUpTo(b []byte, most int) bool {
	if len(b) == 0 || len(b) > 5 || len(b) > 1 && b[0] == '0' {
		return false
	}
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
		n = 10*n + int(c-'0')
	}
	return n <= most
}

// isNetworkMask accepts four octets whose ones, in bits, all stand before their noughts, or all behind (wildcards).
func isNetworkMask(b []byte) bool {
	o, ok := octets(b)
	mask := uint32(o[0])<<24 | uint32(o[1])<<16 | uint32(o[2])<<8 | uint32(o[3])
	return ok && (^mask&(^mask+1) == 0 || mask&(mask+1) == 0)
}

func octets(b []byte) (o [4]int, ok bool) {
	if len(b) < 7 || len(b) > 15 {
		return o, false
	}
	part, digits := 0, 0
	for _, c := range b {
		switch {
		case isDigit(c):
			if digits == 1 && o[part] == 0 {
				return o, false
			}
			o[part] = o[part]*10 + int(c-'0')
			digits++
			if digits > 3 || o[part] > 255 {
				return o, false
			}
		case c == '.' && digits > 0 && part < 3:
			part, digits = part+1, 0
		default:
			return o, false
		}
	}
	return o, part == 3 && digits > 0
}

// isIPv6 accepts the text forms of RFC 4291, with a zone (RFC 4007), a prefix length, or both, and in the brackets of
// RFC 3986 with a port.
func isIPv6(b []byte) bool {
	if len(b) < 3 || len(b) > 60 || bytes.Count(b, []byte(":")) < 2 {
		return false
	}
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || end+1 < len(b) && (b[end+1] != ':' || !isUpTo(b[end+2:], 65535)) {
			return false
		}
		b = b[1:end]
	}
	address, prefix, found := bytes.Cut(b, []byte("/"))
	if found && !isUpTo(prefix, 128) {
		return false
	}
	addr, err := netip.ParseAddr(string(address))
	return err == nil && addr.Is6() && (found || !addr.IsUnspecified()) && bytes.Count(address, []byte("%")) < 2
}

// isMAC accepts EUI-48 and EUI-64 with ':' or '-' between octets, '.' between groups of four, or space between octets.
func isMAC(b []byte) bool {
	switch len(b) {
	case 17, 23:
		sep := b[2]
		if sep != ':' && sep != '-' && sep != ' ' {
			return false
		}
		for i, c := range b {
			if i%3 == 2 && c != sep || i%3 != 2 && !isHex(c) {
				return false
			}
		}
		return true
	case 14, 19:
		for i, c := range b {
			if i%5 == 4 && c != '.' || i%5 != 4 && !isHex(c) {
				return false
			}
		}
		return true
	}
	return false
}

// isUUID accepts the canonical form of RFC 9562, with braces, and ULIDs do not count.
func isUUID(b []byte) bool {
	if len(b) == 38 && b[0] == '{' && b[37] == '}' {
		b = b[1:37]
	}
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHex(c) {
			return false
		}
	}
	return true
}

// isURL accepts an absolute URL of the web, or a host name that starts with "www.".
func isURL(b []byte) bool {
	if len(b) > 2083 { // the longest that browsers and registries agree on
		return false
	}
	s := string(b)
	if i := strings.Index(s, "://"); i > 0 {
		switch strings.ToLower(s[:i]) {
		case "http", "https", "ftp":
		default:
			return false
		}
		s = s[i+3:]
	} else if len(s) < 5 || !strings.EqualFold(s[:4], "www.") || strings.Count(s, ".") < 2 {
		return false
	}
	host, _, _ := strings.Cut(s, "/")
	host, _, _ = strings.Cut(host, "?")
	host, _, _ = strings.Cut(host, "#")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	if strings.ContainsAny(s, " \t\n<>") {
		return false
	}
	if strings.HasPrefix(host, "[") {
		literal, rest, ok := strings.Cut(host[1:], "]")
		return ok && isIPv6([]byte(literal)) && (rest == "" || rest[0] == ':' && allDigits(rest[1:]))
	}
	host, port, found := strings.Cut(host, ":")
	if found && (len(port) > 5 || !allDigits(port)) {
		return false
	}
	return isMailDomain([]byte(host)) || isIPv4([]byte(host))
}

// isProfileURL reports whether a URL leads to the page of a person in one of the social networks.
func isProfileURL(b []byte) bool {
	s := strings.ToLower(string(b))
	for _, p := range [...]string{"linkedin.com/in/", "facebook.com/", "fb.com/", "twitter.com/", "//x.com/",
		"instagram.com/", "github.com/", "gitlab.com/", "t.me/", "tiktok.com/@", "xing.com/profile/",
		"vk.com/", "youtube.com/@", "mastodon.social/@", "medium.com/@", "orcid.org/", "pinterest.com/", "keybase.io/",
		"gravatar.com/"} {
		i := strings.Index(s, p)
		if i < 0 {
			continue
		}
		rest := strings.TrimSuffix(s[i+len(p):], "/")
		if rest != "" && !strings.Contains(rest, "/") {
			return true
		}
	}
	return false
}
