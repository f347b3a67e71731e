package classifiers

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// isPasswordHash knows the printed forms of password hashes: the modular crypt format ($2b$, $argon2id$, $6$
// ...), PHPass, Django, LDAP and MySQL.
func isPasswordHash(b []byte) bool {
	if len(b) < 26 || !(b[0] == '$' || b[0] == '{' || b[0] == '*' || b[0] == 's' || b[0] == 'p' || b[0] == 'a' ||
		b[0] == 'b') {
		return false
	}
	s := string(b[:min(len(b), 256)])
	for _, f := range [...]struct {
		prefix string
		min    int
	}{
		{"$2a$", 60}, {"$2b$", 60}, {"$2y$", 60}, {"$2x$", 60}, {"$argon2id$", 40}, {"$argon2i$", 40},
		{"$argon2d$", 40}, {"$scrypt$", 40}, {"scrypt:", 40}, {"$s0$", 40}, {"$1$", 26}, {"$5$", 40}, {"$6$", 60},
		{"$y$", 40}, {"$7$", 40}, {"$P$", 34}, {"$H$", 34}, {"$S$", 50}, {"$apr1$", 30}, {"$pbkdf2", 40},
		{"pbkdf2:", 40}, {"pbkdf2_sha", 40}, {"argon2$", 40}, {"bcrypt_sha256$", 40}, {"bcrypt$", 40}, {"sha1$", 40},
		{"{SSHA}", 30}, {"{SHA}", 30}, {"{SSHA512}", 60}, {"{bcrypt}$2", 60}, {"$md5", 30},
	} {
		if len(s) >= f.min && strings.HasPrefix(s, f.prefix) && !strings.ContainsAny(s, " \t") {
			return true
		}
	}
	return len(s) == 41 && s[0] == '*' && allOf(b[1:], isHex)
}

// isHexDigest accepts the lengths of MD5, SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512 in hexadecimal.
func isHexDigest(b []byte) bool {
	switch len(b) {
	case 32, 40, 56, 64, 96, 128:
		return allOf(b, isHex) && !allOf(b, isDigit)
	}
	return false
}

// isJWT accepts a compact JWS (RFC 7515): three base64url parts, the first a JSON object.
func isJWT(b []byte) bool {
	if len(b) < 20 || !bytes.HasPrefix(b, []byte("eyJ")) || bytes.Count(b, []byte(".")) != 2 {
		return false
	}
	head, rest, _ := bytes.Cut(b, []byte("."))
	claims, sig, _ := bytes.Cut(rest, []byte("."))
	ok := func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '=' }
	return allOf(head, ok) && allOf(claims, ok) && len(claims) > 1 && allOf(sig, ok) && len(sig) > 10
}

// isSecretToken knows tokens that carry their issuer's prefix, and private keys. Prefixes are those that the
// issuers publish for secret scanners.
func isSecretToken(b []byte) bool {
	if bytes.Contains(b, []byte("-----BEGIN ")) && bytes.Contains(b, []byte("PRIVATE KEY-----")) {
		return true
	}
	if len(b) < 20 {
		return false
	}
	for i := range tokenPrefixes {
		f := &tokenPrefixes[i]
		if b[0] == f.prefix[0] && len(b) >= f.min && len(b) <= 512 && bytes.HasPrefix(b, []byte(f.prefix)) &&
			!bytes.ContainsAny(b[len(f.prefix):], " \t\n") {
			return true
		}
	}
	return false
}

// tokenPrefixes are the issuers' marks with the least length of a token.
var tokenPrefixes = [...]struct {
	prefix string
	min    int
}{
	{"ghp_", 36}, {"gho_", 36}, {"ghu_", 36}, {"ghs_", 36}, {"ghr_", 36}, {"github_pat_", 60}, {"glpat-", 20},
	{"xoxb-", 20}, {"xoxp-", 20}, {"xoxa-", 20}, {"xoxs-", 20}, {"sk_live_", 20}, {"sk_test_", 20}, {"rk_live_", 20},
	{"pk_live_", 20}, {"whsec_", 20}, {"AKIA", 20}, {"ASIA", 20}, {"AIza", 39}, {"ya29.", 30}, {"SG.", 60},
	{"npm_", 36}, {"dop_v1_", 60}, {"hf_", 30}, {"shpat_", 32}, {"EAACEdEose0cBA", 30}, {"sq0atp-", 22}, {"key-", 36},
	{"pypi-", 60}, {"AGE-SECRET-KEY-1", 60}, {"Bearer ", 27}, {"token=", 26},
}

// isBase64Block accepts base64 of at least 16 bytes with mixed case and digits: salts, keys and hashes in
// password columns.
func isBase64Block(b []byte) bool {
	if len(b) < 12 || len(b) > 1024 {
		return false
	}
	c := take(b)
	if c.digits == 0 && c.others == 0 || c.lower == 0 || c.upper == 0 || c.spaces > 0 {
		return false
	}
	s := string(b)
	if _, err := base64.StdEncoding.DecodeString(s); err == nil {
		return true
	}
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(s) >= 20
}
