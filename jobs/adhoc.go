package jobs

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/signature"
	"lethe/jobs/config"
	"lethe/pipeline/setup"
)

// adHoc says how to open what a person named on the command line.
func adHoc(ctx context.Context, c *Command, target, connector string) (connectors.Connector, connectors.Options, error) {
	o := connectors.Options{Name: target, DSN: target, Unchecked: true}
	u, err := url.Parse(target)
	isURL := err == nil && u.Scheme != "" && strings.Contains(target, "://")
	file := strings.ToLower(target)
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		file = strings.TrimRight(file, "/") + "/"
	}
	for _, k := range config.Connectors() {
		named := slices.ContainsFunc(k.Suffix, func(s string) bool {
			return strings.HasSuffix(file, s)
		}) && (k.Fits == nil || k.Fits(target))
		switch {
		case connector != "" && k.Name != connector:
		case isURL && slices.Contains(k.Schemes, u.Scheme):
			o.Name = u.Scheme + "://" + u.Host + u.Path
			query := u.Query()
			if query.Get("tls") == "waived" {
				o.Plaintext = true
				query.Del("tls")
				u.RawQuery = query.Encode()
			}
			if _, given := u.User.Password(); !given && u.User.Username() != "" {
				password, err := password(ctx, c, u.User.Username()+" at "+u.Host)
				if err != nil {
					return k, o, err
				}
				u.User = url.UserPassword(u.User.Username(), password)
			}
			o.DSN = u.String()
			return k, o, nil
		case !isURL && (connector != "" || named):
			o.Name = filepath.Base(target)
			return k, o, nil
		}
	}
	if kind, err := signature.Of(target); !isURL && err == nil && kind.Whole() {
		return connectors.Connector{}, o, fmt.Errorf("%w: %q: %s: put it back into a server to read its rows; "+
			"as a backup it is listed, and ends whole (connector physical)", setup.ErrConfig, redact(target), kind)
	}
	if config.OnShelf(target) {
		return connectors.Connector{}, o, fmt.Errorf("%w: %q lies beyond this machine: make it a source of a configuration, or "+
			"copy it here", setup.ErrConfig, redact(target))
	}
	return connectors.Connector{}, o, fmt.Errorf("%w: no connector opens %q: name it with --connector, `lethe "+
		"connectors` lists them", setup.ErrConfig, redact(target))
}

// redact takes a password out of what may be a URL.
func redact(target string) string {
	if u, err := url.Parse(target); err == nil {
		return u.Redacted()
	}
	return "that"
}

// password asks on the terminal; LETHE_PASSWORD answers where there is none.
func password(ctx context.Context, c *Command, who string) (string, error) {
	if p, ok := os.LookupEnv("LETHE_PASSWORD"); ok {
		return p, nil
	}
	p, _, err := c.hidden(ctx, "password of "+who)
	return p, err
}
