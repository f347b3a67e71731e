package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/engines"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// server is a store of an engine that is not part of the program.
type server struct {
	*mem.Store
	engine *connectors.Engine
}

func (s server) Engine(context.Context) (connectors.Engine, error) { return *s.engine, nil }

// onServers is a company with two sources, of which crm is kept by MySQL 8.4 and list by MariaDB 10.11.
func onServers(t *testing.T) (w *world, crm *connectors.Engine, list *mem.Store) {
	w, list = withList(t)
	crm = &connectors.Engine{Product: "MySQL", Series: "8.4", Version: "8.4.3"}
	w.Setup.Suite = "suite"
	w.Setup.Sources[0].Connector, w.Setup.Sources[1].Connector = "mysql", "mysql"
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return server{w.Live, crm}, nil }
	w.Setup.Sources[1].ReadOnly = false
	w.Setup.Sources[1].Open = func(context.Context) (connectors.Source, error) {
		return server{list, &connectors.Engine{Product: "MariaDB", Series: "10.11", Version: "10.11.14"}}, nil
	}
	return w, crm, list
}

func ofCRM() engines.Proof {
	return engines.Proof{Connector: "mysql", Product: "MySQL", Series: "8.4", Version: "8.4.3", Cases: 90}
}

// An engine that nobody tried is read and planned for, and nothing is changed there; the other source is done.
func TestNothingIsChangedOnAnEngineThatNobodyTried(t *testing.T) {
	w, _, list := onServers(t)
	w.planned()
	_, err := w.night()
	require.ErrorIs(t, err, setup.ErrSource)
	require.ErrorContains(t, err, "source crm: nothing is changed in it, as it is kept by MySQL 8.4, which lethe was never "+
		"tried on: run `lethe connectors prove crm`")
	require.NotContains(t, err.Error(), "source list")
	require.Len(t, w.Rows("people"), 3, "as they were")
	rows := 0
	for b, err := range list.Scan(t.Context(), connectors.Query{Table: "people"}) {
		require.NoError(t, err)
		rows += int(b.Rows.NumRows())
	}
	require.Equal(t, 1, rows, "an engine of the program's tests")
	_, err = ask.Check(t.Context(), w.Setup)
	require.ErrorContains(t, err, "connectors prove crm")

	require.NoError(t, engines.Leave(t.Context(), w.Setup, ofCRM(), nil))
	w.applied()
	require.Len(t, w.Rows("people"), 1)
}

// The last thirty days of a proof are said on the page of each night, and its end.
func TestTheEndOfAProofIsSaidBeforeItComes(t *testing.T) {
	w, _, _ := onServers(t)
	now := w.Now
	proved := func(ago time.Duration) (said []string) {
		w.Now = now.Add(-ago)
		require.NoError(t, engines.Leave(t.Context(), w.Setup, ofCRM(), nil))
		w.Now = now
		for _, a := range w.discover().Attestations {
			said = append(said, a.Kind+" "+a.Name+" "+a.Status+" "+a.DueOn)
		}
		return said
	}
	last := func(days int) string { return w.Now.UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	const day = 24 * time.Hour
	require.Empty(t, proved(engines.Holds-40*day))
	require.Equal(t, []string{"engine proof MySQL 8.4 due " + last(8)}, proved(engines.Holds-9*day))
	require.Equal(t, []string{"engine proof MySQL 8.4 overdue " + last(-3)}, proved(engines.Holds+2*day))
}

// What a proof must be to count. Each way of having none that does leaves the rows as they are.
func TestAProofThatDoesNotCountChangesNothing(t *testing.T) {
	file := func(w *world) string {
		found, err := filepath.Glob(filepath.Join(w.Setup.State, "engines", "*.json"))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return found[0]
	}
	rewrite := func(w *world, from, to string) {
		path := file(w)
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(body), from)
		require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(body, []byte(from), []byte(to)), 0o600))
	}
	leave := func(w *world, p engines.Proof) { require.NoError(t, engines.Leave(t.Context(), w.Setup, p, nil)) }
	for _, c := range []struct {
		name, why string
		make      func(w *world, crm *connectors.Engine)
	}{
		{"of another series", "never tried", func(w *world, crm *connectors.Engine) {
			leave(w, ofCRM())
			crm.Series = "9.1"
		}},
		{"of another product", "never tried", func(w *world, crm *connectors.Engine) {
			leave(w, ofCRM())
			crm.Product = "MySQL (Amazon Aurora)"
		}},
		{"of a server that does not say its version", "never tried", func(w *world, crm *connectors.Engine) {
			p := ofCRM()
			p.Series = ""
			leave(w, p)
			crm.Series = ""
		}},
		{"of another connector", "never tried", func(w *world, _ *connectors.Engine) {
			p := ofCRM()
			p.Connector = "postgres"
			leave(w, p)
		}},
		{"made over for another engine", "never tried", func(w *world, crm *connectors.Engine) {
			leave(w, ofCRM())
			crm.Series = "8.5"
			rewrite(w, `"series":"8.4"`, `"series":"8.5"`)
		}},
		{"put into the place of another's", "not as the runner", func(w *world, _ *connectors.Engine) {
			p := ofCRM()
			leave(w, p)
			place := file(w)
			require.NoError(t, os.Remove(place))
			p.Series = "9.1"
			leave(w, p)
			require.NoError(t, os.Rename(file(w), place))
			rewrite(w, `"9.1"`, `"8.4"`)
		}},
		{"whose count was raised", "not as the runner", func(w *world, _ *connectors.Engine) {
			leave(w, ofCRM())
			rewrite(w, `"cases":90`, `"cases":99`)
		}},
		{"signed by a key of somebody's own", "not as the runner", func(w *world, _ *connectors.Engine) {
			leave(w, ofCRM())
			public, err := keystore.NewPerson(filepath.Join(w.Dir, "mallory.key"))
			require.NoError(t, err)
			require.NotEmpty(t, public)
			mallory, err := keystore.LoadPerson(filepath.Join(w.Dir, "mallory.key"))
			require.NoError(t, err)
			var doc map[string]json.RawMessage
			body, err := os.ReadFile(file(w))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(body, &doc))
			doc["signature"], err = json.Marshal(mallory.Sign("engine proof", doc["proof"]))
			require.NoError(t, err)
			body, err = json.Marshal(doc)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file(w), body, 0o600))
		}},
		{"no document", "no proof", func(w *world, _ *connectors.Engine) {
			leave(w, ofCRM())
			require.NoError(t, os.WriteFile(file(w), []byte("{"), 0o600))
		}},
		{"of another suite", "another suite", func(w *world, _ *connectors.Engine) {
			leave(w, ofCRM())
			w.Setup.Suite = "next"
		}},
		{"older than a year", "older than a year", func(w *world, _ *connectors.Engine) {
			now := w.Now
			w.Now = now.Add(-engines.Holds)
			leave(w, ofCRM())
			w.Now = now
		}},
		{"of a day to come", "day to come", func(w *world, _ *connectors.Engine) {
			now := w.Now
			w.Now = now.Add(25 * time.Hour)
			leave(w, ofCRM())
			w.Now = now
		}},
		{"withdrawn, since something did not hold", "never tried", func(w *world, crm *connectors.Engine) {
			leave(w, ofCRM())
			require.NoError(t, engines.Withdraw(w.Setup, "mysql", *crm))
			require.NoError(t, engines.Withdraw(w.Setup, "mysql", *crm), "there is none")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, crm, _ := onServers(t)
			w.planned()
			c.make(w, crm)
			err := w.tryApply(nil)
			require.ErrorIs(t, err, setup.ErrSource)
			require.ErrorContains(t, err, c.why)
			require.ErrorContains(t, err, "lethe connectors prove crm")
			require.Len(t, w.Rows("people"), 3, "as they were")
		})
	}
}

// Where somebody is an operator, a proof is theirs: the runner's signature alone is not enough.
func TestAnOperatorSignsAProof(t *testing.T) {
	w, _, _ := onServers(t)
	w.planned()
	require.NoError(t, engines.Leave(t.Context(), w.Setup, ofCRM(), nil), "nobody is one yet")
	oda := w.operator("oda")
	err := w.tryApply(oda)
	require.ErrorContains(t, err, "no operator has signed it")
	require.ErrorContains(t, engines.Leave(t.Context(), w.Setup, ofCRM(), nil), "--as NAME")
	require.ErrorContains(t, engines.Leave(t.Context(), w.Setup, ofCRM(),
		&setup.Witness{Name: "anna", Signer: w.Signers["anna"]}), "no operator")
	require.Len(t, w.Rows("people"), 3)

	require.NoError(t, engines.Leave(t.Context(), w.Setup, ofCRM(), oda))
	found, err := engines.Read(t.Context(), w.Setup, nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Empty(t, found[0].Void)
	require.Equal(t, "oda", found[0].Actor)
	was := w.Setup.People["oda"]
	w.Setup.People["oda"] = setup.Person{Key: was.Key, Roles: []string{"dpo"}}
	found, err = engines.Read(t.Context(), w.Setup, nil)
	require.NoError(t, err)
	require.Contains(t, found[0].Void, "no operator", "who is none any more")
	w.Setup.People["oda"] = was
	err = w.tryApply(oda)
	require.NoError(t, err)
	require.Len(t, w.Rows("people"), 1)
}

// tryApply applies what is approved, as an operator where one is given.
func (w *world) tryApply(as *setup.Witness) error {
	w.T.Helper()
	_, err := pipeline.Run(w.T.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true,
		Operator: as})
	return err
}

// operator gives somebody new a key and that role.
func (w *world) operator(name string) *setup.Witness {
	w.T.Helper()
	file := filepath.Join(w.Dir, name+".key")
	public, err := keystore.NewPerson(file)
	require.NoError(w.T, err)
	key, err := keystore.ParsePublic(public)
	require.NoError(w.T, err)
	signer, err := keystore.LoadPerson(file)
	require.NoError(w.T, err)
	w.Setup.People[name] = setup.Person{Key: key, Roles: []string{"operator"}}
	w.Setup.Hold(w.Setup.People[name])
	return &setup.Witness{Name: name, Signer: signer}
}
