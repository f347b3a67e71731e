package config

import (
	"errors"
	"fmt"
	"net/url"

	"lethe/jobs/schedule"
)

// NoticeTargets resolves and checks where notices go.
func (c *Config) NoticeTargets() ([]*url.URL, error) {
	var targets []*url.URL
	var errs []error
	for i, s := range c.Notify {
		place := fmt.Sprintf("notify %d", i+1)
		text, err := c.resolve(place, s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		target, err := schedule.ParseTarget(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", place, err))
			continue
		}
		targets = append(targets, target)
	}
	return targets, errors.Join(errs...)
}
