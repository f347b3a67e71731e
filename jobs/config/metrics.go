package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// MetricsFile is the file for the node exporter; "" there is none.
func (c *Config) MetricsFile() string { return c.abs(c.Metrics.File) }

// checkMetrics checks where metrics go.
func (c *Config) checkMetrics() error {
	var errs []error
	if f := c.Metrics.File; f != "" && !strings.HasSuffix(f, ".prom") {
		errs = append(errs, errors.New("metrics.file: the node exporter reads files that end in .prom: name one"))
	}
	if at := c.Metrics.Listen; at != "" {
		if _, port, err := net.SplitHostPort(at); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("metrics.listen %q: write host:port, for example 127.0.0.1:9323", at))
		}
	}
	return errors.Join(errs...)
}
