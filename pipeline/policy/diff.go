package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Differences says in words, a line each, what changed from one policy to another: silos and rules that
// came or went, and every setting that differs. The order is that of the names.
func Differences(before, after []*Compiled) []string {
	var out []string
	silos := func(list []*Compiled) map[string]*Compiled {
		m := map[string]*Compiled{}
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
			out = append(out, fmt.Sprintf("silo %s is new, with %d rules", name, len(a.rules)))
		case a == nil:
			out = append(out, fmt.Sprintf("silo %s is gone: nothing decides its rows any more", name))
		default:
			out = append(out, siloDifferences(name, b, a)...)
		}
	}
	return out
}

func siloDifferences(name string, before, after *Compiled) []string {
	var out []string
	if b, a := before.zone.String(), after.zone.String(); b != a {
		out = append(out, fmt.Sprintf("silo %s counts its days in %s, before in %s", name, a, b))
	}
	if b, a := before.Jurisdiction.Code, after.Jurisdiction.Code; b != a {
		out = append(out, fmt.Sprintf("silo %s is under the law of %s, before of %s", name, after.Jurisdiction.Name, before.Jurisdiction.Name))
	}
	for _, d := range settings(before.Silo, after.Silo, "rules", "jurisdiction") {
		out = append(out, "silo "+name+": "+d)
	}
	is := map[string][]*rule{}
	for i := range after.rules {
		is[after.rules[i].id] = append(is[after.rules[i].id], &after.rules[i])
	}
	for i := range before.rules {
		b := &before.rules[i]
		versions := is[b.id]
		if len(versions) == 0 {
			out = append(out, fmt.Sprintf("silo %s: rule %s is gone (%s)", name, b.id, b.brief()))
			continue
		}
		is[b.id] = versions[1:]
		for _, d := range settings(*b.Rule, *versions[0].Rule) {
			out = append(out, fmt.Sprintf("silo %s: rule %s: %s", name, b.id, d))
		}
	}
	for i := range after.rules {
		if a := &after.rules[i]; slices.Contains(is[a.id], a) {
			out = append(out, fmt.Sprintf("silo %s: rule %s is new (%s)", name, a.id, a.brief()))
		}
	}
	return out
}

// brief is a rule in a few words: consent given + 24 months, then delete.
func (ru *rule) brief() string { return ru.class() + ", then " + string(ru.End) }

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
				out = append(out, fmt.Sprintf("%s is [%s], before [%s]", key, strings.Join(y.([]string), ", "), strings.Join(words, ", ")))
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
