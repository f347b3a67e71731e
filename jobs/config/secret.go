package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Secret is a text that is never printed: it stands for `file:PATH`, ${ENV} or itself.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

var envReference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// resolve turns a reference into the secret itself. place names it in errors.
func (c *Config) resolve(place string, s Secret) (string, error) {
	text := string(s)
	if path, ok := strings.CutPrefix(text, "file:"); ok && !strings.ContainsAny(path, "?") {
		data, err := os.ReadFile(c.abs(path))
		if err != nil {
			return "", fmt.Errorf("%s: the secret file %s cannot be read: write the secret there, readable by the "+
				"service account only", place, path)
		}
		if info, err := os.Stat(c.abs(path)); err != nil || info.Mode()&0o007 != 0 {
			return "", fmt.Errorf("%s: the secret file %s can be read by others: chmod 600 %[2]s", place, path)
		}
		if secret := strings.TrimSpace(string(data)); secret != "" {
			return secret, nil
		}
		return "", fmt.Errorf("%s: the secret file %s is empty: write the secret there", place, path)
	}
	var missing []string
	text = envReference.ReplaceAllStringFunc(text, func(ref string) string {
		name := envReference.FindStringSubmatch(ref)[1]
		value, ok := os.LookupEnv(name)
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%s: the environment variable %s is not set", place, strings.Join(missing, ", "))
	}
	if text != string(s) {
		c.warnings = append(c.warnings, place+": the secret comes from the environment, which other processes of the "+
			"account can read: prefer file:")
	}
	return text, nil
}
