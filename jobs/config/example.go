package config

import _ "embed" // the annotated example, and the schema

// Example is a configuration with everything that can stand in one, annotated.
//
//go:embed example.yaml
var Example string

// Schema is the JSON Schema (2020-12) of a configuration, for editors that complete and check one while it is written. What
// `lethe check` finds is more.
//
//go:embed schema.json
var Schema string
