package classifiers

import (
	"bytes"
	"net/netip"
	"strings"
)

// isIPv4 accepts four decimal octets, with an optional prefix length or port.
func isIPv4(b []byte) bool {
	if i := bytes.IndexAny(b, "/:"); i > 0 {
		if rest := b[i+1:]; len(rest) > 5 || !allOf(rest, isDigit) {
			return false
		}
		b = b[:i]
	}
	_, ok := octets(b)
	return ok
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

// isIPv6 accepts the text forms of RFC 4291, with a zone or a prefix length.
func isIPv6(b []byte) bool {
	if len(b) < 3 || len(b) > 60 || bytes.Count(b, []byte(":")) < 2 {
		return false
	}
	s := string(b)
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Is6() && s != "::"
	}
	p, err := netip.ParsePrefix(s)
	return err == nil && p.Addr().Is6()
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
