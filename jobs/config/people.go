package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// siloRoles are those that somebody has in one silo.
var siloRoles = []string{"owner", "user", "reader"}

// roles are those that are of no silo.
var roles = []string{"custodian", "dpo", "admin", "operator"}

func (c *Config) buildPeople(p *setup.Setup) error {
	var errs []error
	keys := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.People)) {
		person := c.People[name]
		key, err := keystore.ParsePublic(person.Key)
		if err != nil {
			errs = append(errs, fmt.Errorf("people.%s: %w", name, err))
			continue
		}
		if other, taken := keys[key.String()]; taken {
			errs = append(errs, fmt.Errorf("people.%s has the key of %s: every person has a key of their own", name,
				other))
		}
		keys[key.String()] = name
		var until time.Time
		if person.Until != "" {
			day, err := calendar.ParseDate(person.Until)
			if err != nil {
				errs = append(errs, fmt.Errorf("people.%s: until: %w", name, err))
			}
			until = (day + 1).Start(p.Zone)
		}
		for _, role := range person.Roles {
			of, silo, sited := strings.Cut(role, ":")
			_, known := c.Silos[silo]
			if sited && (!known || !slices.Contains(siloRoles, of)) || !sited && !slices.Contains(roles, role) {
				errs = append(errs, fmt.Errorf("people.%s: role %q: use %s:SILO, %s", name, role,
					strings.Join(siloRoles, ":SILO, "), strings.Join(roles, ", ")))
			}
		}
		p.People[name] = setup.Person{Key: key, Roles: person.Roles, Until: until, Single: c.Approvals == 1}
		p.Hold(p.People[name])
	}
	if o := c.Operator; o != (Operator{}) && (o.Key == "" || !p.People[o.Name].Is("operator")) {
		errs = append(errs, fmt.Errorf("operator: name somebody with the role operator under people, and the file of "+
			"their key"))
	}
	return errors.Join(errs...)
}

func (c *Config) buildOrders(p *setup.Setup) error {
	var errs []error
	for i, o := range c.Orders {
		place := fmt.Sprintf("orders %d", i+1)
		until, err := calendar.ParseDate(o.Until)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: until: %w", place, err))
		}
		if _, ok := c.Silos[o.Silo]; !ok {
			errs = append(errs, fmt.Errorf("%s: silo %q is not under silos", place, o.Silo))
		}
		if o.MaxRows <= 0 {
			errs = append(errs, fmt.Errorf("%s: max_rows is missing: say how many rows a night it covers", place))
		}
		order := setup.Order{Silo: o.Silo, MaxRows: o.MaxRows, MaxPercent: o.MaxPercent, Until: until,
			Why: "nobody has looked who signed it"}
		for _, r := range o.Reasons {
			code := reason.Code(r)
			if !slices.Contains(reason.Codes(), code) || !strings.HasPrefix(r, "D_") && !strings.HasPrefix(r, "K_") {
				errs = append(errs, fmt.Errorf("%s: reason %q: use D_ codes, and K_ codes for rows that stay and lose "+
					"fields, as `lethe policy codes` lists them", place, r))
			}
			order.Reasons = append(order.Reasons, code)
		}
		if len(o.Reasons) == 0 || o.MaxPercent < 0 || o.MaxPercent > 100 {
			errs = append(errs, fmt.Errorf("%s: it takes reasons, and max_percent from 0 (as the breakers say) to 100",
				place))
		}
		p.Orders = append(p.Orders, order)
	}
	return errors.Join(errs...)
}
