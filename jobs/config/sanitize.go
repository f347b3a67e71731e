package config

import (
	"bytes"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"lethe/pipeline/sanitize"
	"lethe/pipeline/setup"
)

// SanitizeRules reads a file of rules for copies; "" has none.
func SanitizeRules(path string) (rules sanitize.Rules, err error) {
	if path == "" {
		return rules, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return rules, fmt.Errorf("%w: rules: %w", setup.ErrConfig, err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&rules); err != nil {
		return rules, fmt.Errorf("%w: rules %s: %s", setup.ErrConfig, path, yamlProblem(text, err))
	}
	return rules, nil
}
