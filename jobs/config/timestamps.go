package config

import (
	"fmt"
	"net/url"
	"os"

	"lethe/pipeline/audit/stamp"
	"lethe/pipeline/setup"
)

// buildTimestamps reads whom the configuration trusts for the time of the log of nights.
func (c *Config) buildTimestamps(p *setup.Setup) error {
	if c.Timestamps == nil {
		return nil
	}
	u, err := url.Parse(c.Timestamps.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("timestamps.url: give the http or https address of a time stamp authority (RFC 3161), without a " +
			"password in it")
	}
	if c.Timestamps.CA == "" {
		return fmt.Errorf("timestamps.ca: give the file with the authority's root certificate in PEM: it publishes it")
	}
	pem, err := os.ReadFile(c.abs(c.Timestamps.CA))
	if err != nil {
		return fmt.Errorf("timestamps.ca: %w", err)
	}
	roots, err := stamp.Roots(pem)
	if err != nil {
		return fmt.Errorf("timestamps.ca %s: %w", c.Timestamps.CA, err)
	}
	p.Timestamps = &setup.Authority{URL: c.Timestamps.URL, Roots: roots}
	return nil
}
