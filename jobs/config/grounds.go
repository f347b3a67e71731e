package config

import (
	"cmp"
	"context"
	"fmt"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/mysql"
	"lethe/connectors/postgres"
	"lethe/connectors/sqlserver"
	"lethe/pipeline/setup"
)

// Grounds are the connectors whose engine is not part of Lethe, by name, with how their suite is run on a server of the
// operator's. The others are proved with Lethe itself.
func Grounds() map[string]func(context.Context, connectors.Options) (*conformance.Ground, error) {
	return map[string]func(context.Context, connectors.Options) (*conformance.Ground, error){
		"mysql": mysql.Ground, "postgres": postgres.Ground, "sqlserver": sqlserver.Ground,
	}
}

// Server says how the server of a configured source is reached by who may change it; false where there is no such source.
func (c *Config) Server(name string) (connector string, o connectors.Options, ok bool, err error) {
	s, ok := c.Sources[name]
	if !ok {
		return "", o, false, nil
	}
	if s.DSN == "" || Grounds()[s.Connector] == nil {
		return s.Connector, o, true, nil
	}
	o = connectors.Options{Name: name, Plaintext: s.TLS == "waived", Extra: s.Options}
	if o.AnswerWithin, o.StatementWithin, err = s.times(true); err != nil {
		return s.Connector, o, true, fmt.Errorf("%w: source %s: %w", setup.ErrConfig, name, err)
	}
	o.DSN, err = c.resolve("source "+name, cmp.Or(s.ApplyDSN, s.DSN))
	return s.Connector, o, true, err
}
