package config

import _ "embed" // the annotated example

// Example is a configuration with everything that can stand in one, annotated.
//
//go:embed example.yaml
var Example string
