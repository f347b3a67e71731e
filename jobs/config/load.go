package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/names"
	"lethe/pipeline/setup"
)

// Load reads and checks a configuration file. Relative paths in it are relative to the folder it is in.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist: make one with `lethe init`, or name it with --config",
			setup.ErrConfig, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("%w: %s can be written by everybody on this machine (mode %04o), and says what is read and "+
			"what may go: chmod o-w %[2]s", setup.ErrConfig, path, info.Mode().Perm())
	}
	return read(path, data)
}

// read decodes a configuration.
func read(path string, data []byte) (*Config, error) {
	c := &Config{path: path, dir: filepath.Dir(path), text: data}
	switch err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(c); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: %s is empty: `lethe init -o FILE` writes one to begin with", setup.ErrConfig,
			path)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %s", setup.ErrConfig, path, yamlProblem(data, err))
	}
	var order struct {
		Sources yaml.MapSlice `yaml:"sources"`
	}
	if err := yaml.Unmarshal(data, &order); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", setup.ErrConfig, path, err)
	}
	for _, item := range order.Sources {
		c.sourceOrder = append(c.sourceOrder, fmt.Sprint(item.Key))
	}
	for name, s := range c.Silos {
		s.Name = name
		c.Silos[name] = s
	}
	c.defaultRegistry()
	return c, nil
}

// defaultRegistry is a file beside the state folder where no registry is named and every silo's rows decide alone: it
// keeps what nights did, and nobody's consents.
func (c *Config) defaultRegistry() {
	asked := len(c.Silos) == 0
	for _, s := range c.Silos {
		asked = asked || !s.Alone()
	}
	if !asked && c.State != "" && c.Registry.DSN == "" && c.Registry.Driver == "" {
		c.Registry.DSN = Secret(filepath.Join(filepath.Dir(c.State), "registry.db"))
	}
}

// yamlProblem says in words, with line and column, what is wrong with a configuration. It never quotes the
// value, which may be a secret.
func yamlProblem(data []byte, err error) string {
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		if unknown.Token.Value == "signed_by" {
			return yaml.FormatError(err, false, false) + ": leave it out: people sign orders with `lethe order sign`"
		}
		return yaml.FormatError(err, false, false) + elsewhere(unknown.Token.Value)
	}
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		if at := wrongPeriod(data); at != nil { // the decoder does not say where a text that would not be read stands
			return fmt.Sprintf("[%d:%d] %s is %s", at.Position.Line, at.Position.Column, at.Value, err)
		}
		return yaml.FormatError(err, false, false)
	}
	at := wrong.Token
	key := at.Prev
	for key != nil && key.Type != token.MappingValueType {
		key = key.Prev
	}
	name := "the value"
	if key != nil && key.Prev != nil {
		name = key.Prev.Value
	}
	return fmt.Sprintf("[%d:%d] %s wants %s", at.Position.Line, at.Position.Column, name, wanted(wrong.DstType))
}

// elsewhere says of a key that cannot stand where it does where it belongs, or which other was meant.
func elsewhere(key string) string {
	places := placesOf(reflect.TypeFor[Config]())
	if at := places[key]; len(at) > 0 {
		return " here: it belongs " + strings.Join(at, ", or ")
	}
	if like := names.Nearest(key, slices.Sorted(maps.Keys(places))); like != "" {
		return ": did you mean " + like + "?"
	}
	return ""
}

// placesOf lists the keys that can stand in a configuration, each with the places where it can, sorted.
func placesOf(config reflect.Type) map[string][]string {
	places := map[string][]string{}
	var walk func(t reflect.Type, path string, outer []reflect.Type)
	walk = func(t reflect.Type, path string, outer []reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(t.Elem(), path, outer)
		case reflect.Map:
			walk(t.Elem(), path+".NAME", outer)
		case reflect.Struct:
			if slices.Contains(outer, t) {
				return
			}
			at := "under " + strings.TrimPrefix(path, ".")
			if path == "" {
				at = "at the top of the file"
			}
			for i := range t.NumField() {
				name, how, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
				if how == "inline" {
					walk(t.Field(i).Type, path, outer)
				} else if name != "" && name != "-" {
					places[name] = append(places[name], at)
					walk(t.Field(i).Type, path+"."+name, append(slices.Clone(outer), t))
				}
			}
		}
	}
	walk(config, "", nil)
	for _, at := range places {
		slices.Sort(at)
	}
	return places
}

// placeOf says where a key stands, as " [line:column]"; "" where the file has it by an alias or a merge.
func (c *Config) placeOf(keys ...string) string {
	file, err := parser.ParseBytes(c.text, 0)
	if err != nil || len(file.Docs) == 0 {
		return ""
	}
	node, found := file.Docs[0].Body, ast.Node(nil)
	for _, key := range keys {
		mapping, ok := node.(ast.MapNode)
		if !ok {
			return ""
		}
		found = nil
		for pairs := mapping.MapRange(); pairs.Next(); {
			if pairs.Key().GetToken().Value == key {
				found, node = pairs.Key(), pairs.Value()
				break
			}
		}
		if found == nil {
			return ""
		}
	}
	at := found.GetToken().Position
	return fmt.Sprintf(" [%d:%d]", at.Line, at.Column)
}

// wrongPeriod finds the first value that should be a period and is none; nil where there is no such.
func wrongPeriod(data []byte) *token.Token {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil
	}
	find := &periodFinder{}
	for _, d := range file.Docs {
		if d.Body != nil {
			ast.Walk(find, d.Body)
		}
	}
	return find.wrong
}

type periodFinder struct{ wrong *token.Token }

// Visit looks at the values of keys that hold periods.
func (f *periodFinder) Visit(n ast.Node) ast.Visitor {
	pair, ok := n.(*ast.MappingValueNode)
	if !ok || f.wrong != nil {
		return f
	}
	switch pair.Key.GetToken().Value {
	case "max_age", "period", "grace", "notice_term", "orphan_grace", "proof_retention", "max_lag", "keep", "after",
		"at_most_every", "max_backup_age":
		if value := pair.Value.GetToken(); value.Type != token.MappingStartType {
			if _, err := calendar.ParsePeriod(value.Value); err != nil {
				f.wrong = value
			}
		}
	}
	return f
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint, reflect.Uint64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list, as [a, b]"
	case reflect.Map, reflect.Struct:
		return "keys with values, as {key: value}"
	case reflect.Pointer:
		return wanted(t.Elem())
	}
	return "a text"
}
