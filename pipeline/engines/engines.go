// Package engines says on which database engines rows may be changed: those that the suite of the connectors was
// run on.
//
//   - A Proof says that it was, on the operator's own server, and that all of it held; it is signed and stands in the
//     state folder. [Leave] puts it there, [Read] finds all.
//   - [Changes] is asked before anything is changed: an engine and series of the program's own tests, or with a Proof.
package engines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

const (
	folder = "engines"      // in the state folder
	under  = "engine proof" // keeps a signature under a proof from being taken for one under anything else
)

// Holds is for how long a proof counts.
const Holds = 365 * 24 * time.Hour

// Proof says that the suite was run on an engine and held.
type Proof struct {
	Connector  string    `json:"connector"`
	Product    string    `json:"product"`
	Series     string    `json:"series"`
	Version    string    `json:"version"`
	Collations []string  `json:"collations"` // by which texts were compared
	Suite      string    `json:"suite"`      // which one
	Cases      int       `json:"cases"`
	Program    string    `json:"program"` // the version of Lethe
	Actor      string    `json:"actor"`   // who ran it; "" nobody is an operator
	ProvedAt   time.Time `json:"proved_at"`
}

// Until is the instant from which the proof counts no more.
func (p Proof) Until() time.Time { return p.ProvedAt.Add(Holds) }

// Engine is what was tried.
func (p Proof) Engine() connectors.Engine {
	return connectors.Engine{Product: p.Product, Series: p.Series, Version: p.Version}
}

// signed is a proof as it stands in its file.
type signed struct {
	Proof     json.RawMessage `json:"proof"`
	Signature []byte          `json:"signature"` // of the runner, over the proof's JSON
}

// path is the file of an engine's proof.
func path(p *setup.Setup, connector string, e connectors.Engine) string {
	sum := sha256.Sum256([]byte(connector + "\x00" + e.Product + "\x00" + e.Series))
	return filepath.Join(p.State, folder, connector+"-"+hex.EncodeToString(sum[:6])+".json")
}

// Leave signs a proof and puts it into the state folder, in the place of an earlier one of its engine. Where somebody
// is an operator, it takes one of them: they sign it in the chain of answers, before it stands.
func Leave(ctx context.Context, p *setup.Setup, proof Proof, who *setup.Witness) (err error) {
	if err := May(p, who); err != nil {
		return err
	}
	runner, err := p.Keys.Runner()
	if err != nil {
		return err
	}
	if who != nil {
		proof.Actor = who.Name
	}
	proof.Suite, proof.Program, proof.ProvedAt = p.Suite, p.Version, p.Now().UTC().Truncate(time.Second)
	body, err := json.Marshal(proof)
	if err != nil {
		return err
	}
	file, err := json.Marshal(signed{Proof: body, Signature: runner.Sign(under, body)})
	if err != nil {
		return err
	}
	to := path(p, proof.Connector, proof.Engine())
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("keep proof: %w", err)
	}
	if who != nil {
		j, book, err := state.Book(ctx, p)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.Close()) }()
		a := answers.Answer{Act: answers.Prove, About: answers.AboutEngine(proof.Engine().String()),
			Digest: digest(body), Actor: who.Name,
			Comment: fmt.Sprintf("%d promises held on version %s", proof.Cases, proof.Version)}
		if _, err := state.Say(ctx, p, book, a, who.Signer, nil); err != nil {
			return err
		}
	}
	return state.WriteFile(to, file)
}

// May refuses who may leave no proof, before anything is tried.
func May(p *setup.Setup, who *setup.Witness) error {
	if who == nil && p.Held["operator"] {
		return fmt.Errorf("%w: an engine is proved by an operator: name one with --as NAME and --key FILE, or under "+
			"`operator:` in the configuration", setup.ErrConfig)
	}
	if who == nil {
		return nil
	}
	person, err := p.Signs(who.Name, who.Signer)
	if err == nil && !person.Is("operator") && p.Held["operator"] {
		err = fmt.Errorf("%w: %s is no operator: an engine is proved by somebody with that role under people",
			setup.ErrConfig, who.Name)
	}
	return err
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Withdraw removes the proof of an engine on which something did not hold.
func Withdraw(p *setup.Setup, connector string, e connectors.Engine) error {
	err := os.Remove(path(p, connector, e))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Found is a proof with what keeps it from counting.
type Found struct {
	Proof
	Path string
	Void string // "" it counts
}

// Read finds the proofs of the state folder, by engine. j is the open journal; nil: it is opened where it is needed.
func Read(ctx context.Context, p *setup.Setup, j *journal.Journal) ([]Found, error) {
	files, err := filepath.Glob(filepath.Join(p.State, folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	var chain answers.Chain
	if p.Held["operator"] {
		if chain, err = said(ctx, p, j); err != nil {
			return nil, err
		}
	}
	var list []Found
	for _, file := range files {
		list = append(list, read(p, chain, file))
	}
	slices.SortFunc(list, func(a, b Found) int { return strings.Compare(a.Engine().String(), b.Engine().String()) })
	return list, nil
}

// said is the chain of answers as it stands.
func said(ctx context.Context, p *setup.Setup, j *journal.Journal) (c answers.Chain, err error) {
	if j == nil {
		if j, err = p.Journal(ctx); err != nil {
			return c, err
		}
		defer func() { err = errors.Join(err, j.Close()) }()
	}
	book, err := answers.Open(ctx, j, p.Reports)
	if err != nil {
		return c, err
	}
	return book.Chain, nil
}

// read reads one proof and says whether it counts: as it was signed by this machine's runner, by an operator where
// there are any, of the suite of this program, and not too old.
func read(p *setup.Setup, chain answers.Chain, file string) Found {
	f := Found{Path: file}
	body, err := os.ReadFile(file)
	if err != nil {
		f.Void = "it cannot be read"
		return f
	}
	var s signed
	if json.Unmarshal(body, &s) != nil || json.Unmarshal(s.Proof, &f.Proof) != nil {
		f.Proof, f.Void = Proof{}, "it is no proof"
		return f
	}
	runner, err := p.Keys.Runner()
	if err != nil || !holds(runner, s) || filepath.Base(path(p, f.Connector, f.Engine())) != filepath.Base(file) {
		f.Void = "it is not as the runner of this keystore signed it"
		return f
	}
	f.Void = f.void(p, chain, s.Proof)
	return f
}

func holds(runner *keystore.Signer, s signed) bool {
	return runner.PublicKey().Verify(under, s.Proof, s.Signature) == nil
}

// void says why a proof that is as it was signed does not count; "" it does.
func (p Proof) void(s *setup.Setup, chain answers.Chain, body []byte) string {
	now := s.Now()
	switch {
	case p.Suite != s.Suite:
		return "it is of another suite than this version of lethe has: prove the server again"
	case !now.Before(p.Until()):
		return "it is older than a year: prove the server again"
	case p.ProvedAt.After(now.Add(24 * time.Hour)):
		return "it is of a day to come: set the clock right"
	}
	if !s.Held["operator"] {
		return ""
	}
	given, _ := chain.Given(s.People, answers.AboutEngine(p.Engine().String()), digest(body), now)
	for _, g := range given {
		if g.Answer.Act == answers.Prove && s.People[g.Answer.Actor].Is("operator") {
			return ""
		}
	}
	return "no operator has signed it whose signature counts: one proves the server again"
}

// Changes says why nothing may be changed in a source; nil where it may. An engine that is part of the program is what
// its tests were run on. The error wraps [setup.ErrSource], and says what leads on.
func Changes(ctx context.Context, p *setup.Setup, j *journal.Journal, src setup.Source, conn connectors.Source) error {
	server, ok := conn.(connectors.Versioned)
	if !ok {
		return nil
	}
	e, err := server.Engine(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrSource, err)
	}
	why := ""
	if !Ships(src.Connector, e) {
		if why, err = unproved(ctx, p, j, src.Connector, e); err != nil {
			return err
		}
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("%w: source %s: nothing is changed in it, as it is kept by %s, which %s: run `lethe connectors "+
		"prove %[2]s`, or name another server of that version there (reading and planning go on)", setup.ErrSource,
		src.Name, e, why)
}

// unproved says why no proof counts for an engine; "" one does.
func unproved(ctx context.Context, p *setup.Setup, j *journal.Journal, connector string, e connectors.Engine) (string,
	error) {
	found, err := Read(ctx, p, j)
	if err != nil {
		return "", err
	}
	place := filepath.Base(path(p, connector, e))
	for _, f := range found {
		if filepath.Base(f.Path) == place && e.Series != "" {
			if f.Void == "" {
				return "", nil
			}
			return fmt.Sprintf("has a proof (%s) that does not count: %s", f.Path, f.Void), nil
		}
	}
	return "lethe was never tried on", nil
}

// Ships reports whether the program's own tests are run on an engine.
func Ships(connector string, e connectors.Engine) bool {
	return slices.ContainsFunc(connectors.Proved(), func(s connectors.Shipped) bool {
		return s.Connector == connector && s.Product == e.Product && s.Series == e.Series
	})
}
