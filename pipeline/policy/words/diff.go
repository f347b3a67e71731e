package words

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"lethe/pipeline/policy"
)

// Differences says in words, a line each, what changed from one policy to another: silos and rules that
// came or went, and every setting that differs. The order is that of the names.
func Differences(before, after []*policy.Compiled) []string {
	var out []string
	silos := func(list []*policy.Compiled) map[string]*policy.Compiled {
		m := map[string]*policy.Compiled{}
		for _, c := range list {
			m[c.Silo.Name] = c
		}
		return m
	}
	was, is := silos(before), silos(after)
	var names []string
	for _, c := range append(slices.Clone(before), after...) {
		names = append(names, c.Silo.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		switch b, a := was[name], is[name]; {
		case b == nil:
			out = append(out, fmt.Sprintf("silo %s is new, with %d rules", name, len(a.Rules())))
		case a == nil:
			out = append(out, fmt.Sprintf("silo %s is gone: nothing decides its rows any more", name))
		default:
			out = append(out, siloDifferences(name, b, a)...)
		}
	}
	return out
}

func siloDifferences(name string, before, after *policy.Compiled) []string {
	var out []string
	if b, a := before.Zone().String(), after.Zone().String(); b != a {
		out = append(out, fmt.Sprintf("silo %s counts its days in %s, before in %s", name, a, b))
	}
	if b, a := before.Jurisdiction.Code, after.Jurisdiction.Code; b != a {
		out = append(out, fmt.Sprintf("silo %s is under the law of %s, before of %s", name, after.Jurisdiction.Name,
			before.Jurisdiction.Name))
	}
	for _, d := range settings(before.Silo, after.Silo, "rules", "jurisdiction") {
		out = append(out, "silo "+name+": "+d)
	}
	is := map[string][]*policy.CompiledRule{}
	for i := range after.Rules() {
		is[after.Rules()[i].Name] = append(is[after.Rules()[i].Name], &after.Rules()[i])
	}
	for i := range before.Rules() {
		b := &before.Rules()[i]
		versions := is[b.Name]
		if len(versions) == 0 {
			out = append(out, fmt.Sprintf("silo %s: rule %s is gone (%s)", name, b.Name, brief(b)))
			continue
		}
		is[b.Name] = versions[1:]
		for _, d := range settings(*b.Rule, *versions[0].Rule) {
			out = append(out, fmt.Sprintf("silo %s: rule %s: %s", name, b.Name, d))
		}
	}
	for i := range after.Rules() {
		if a := &after.Rules()[i]; slices.Contains(is[a.Name], a) {
			out = append(out, fmt.Sprintf("silo %s: rule %s is new (%s)", name, a.Name, brief(a)))
		}
	}
	return out
}

// settings compares two values of a type of the configuration, key by key, but for some keys.
func settings[T any](before, after T, but ...string) []string {
	var out []string
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		key, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("yaml"), ",")
		x, y := b.Field(i).Interface(), a.Field(i).Interface()
		if key == "-" || slices.Contains(but, key) || reflect.DeepEqual(x, y) {
			continue
		}
		switch b.Field(i).Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer:
			if words, ok := x.([]string); ok {
				out = append(out, fmt.Sprintf("%s is [%s], before [%s]", key, strings.Join(y.([]string), ", "),
					strings.Join(words, ", ")))
				continue
			}
			out = append(out, key+" changed")
		default:
			out = append(out, fmt.Sprintf("%s is %s, before %s", key, setting(y), setting(x)))
		}
	}
	return out
}

func setting(v any) string {
	if s := fmt.Sprint(v); s != "" {
		return s
	}
	return "not set"
}

// brief is a rule in a few words: consent given + 24 months, then delete.
func brief(ru *policy.CompiledRule) string { return Class(ru) + ", then " + string(ru.End) }
