package config

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/setup"
)

// silos are two that take rows of one table, with the list of those who said no beside them.
const silos = `
people: {anna: {}}
controller: {jurisdiction: IT}
sources: {crm: {connector: sqlite, dsn: crm.db}}
silos:
  newsletter: &newsletter
    records: [{source: crm, table: people, subject: {email: email}}]
    rules:
      - {purpose: newsletter, basis: consent, max_age: P24M, end: delete,
         because: "the form", owner: anna, review_by: 2027-06-01}
  other: *newsletter
  suppression:
    suppression: true
    rules: [{purpose: suppression, basis: legal_obligation, because: "Art. 21(3)", owner: anna, review_by: 2027-06-01}]
`

func TestSilosThatShareRowsAreRefused(t *testing.T) {
	var c Config
	require.NoError(t, yaml.Unmarshal([]byte(silos), &c))
	for name, s := range c.Silos {
		s.Name = name
		c.Silos[name] = s
	}
	build := func() error { return c.buildSilos(&setup.Setup{Zone: time.UTC}) }
	const both = "silos newsletter and other both take rows of crm.people"
	require.ErrorContains(t, build(), both)
	delete(c.Silos, "suppression")
	require.ErrorContains(t, build(), both)
	delete(c.Silos, "other")
	require.NoError(t, build())
}
