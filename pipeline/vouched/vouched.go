// Package vouched keeps what the runner vouches for between nights: files of JSON in the state folder, each with the
// runner's signature. A [Kind] is what the files of one folder say.
package vouched

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Kind is a kind of thing that is vouched for.
type Kind[T any] struct {
	Folder string         // in the state folder
	Under  string         // keeps a signature under one kind from being taken for one under another
	Field  string         // of the file, in which the thing stands
	Name   func(T) string // by which one is known: a later one takes its place
}

const signature = "signature" // the field of the runner's signature, over the thing's JSON

func (k Kind[T]) path(p *setup.Setup, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(p.State, k.Folder, hex.EncodeToString(sum[:12])+".json")
}

// Leave signs a thing and puts it in the place of an earlier one of its name.
func (k Kind[T]) Leave(p *setup.Setup, thing T) error {
	runner, err := p.Keys.Runner()
	if err != nil {
		return err
	}
	body, err := json.Marshal(thing)
	if err != nil {
		return err
	}
	file, err := json.Marshal(map[string]any{k.Field: json.RawMessage(body), signature: runner.Sign(k.Under, body)})
	if err != nil {
		return err
	}
	to := k.path(p, k.Name(thing))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("keep %s: %w", k.Field, err)
	}
	return state.WriteFile(to, file)
}

// Forget removes the thing of a name; one that is not there is no error.
func (k Kind[T]) Forget(p *setup.Setup, name string) error {
	if err := os.Remove(k.path(p, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Read finds all, by name. One that is not as this keystore's runner signed it, or lies under another's name, is none.
func (k Kind[T]) Read(p *setup.Setup) ([]T, error) {
	files, err := filepath.Glob(filepath.Join(p.State, k.Folder, "*.json"))
	if err != nil || len(files) == 0 || p.Keys == nil {
		return nil, err
	}
	runner, err := p.Keys.Runner()
	if errors.Is(err, keystore.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []T
	for _, file := range files {
		if t, ok := k.read(runner, file); ok && k.path(p, k.Name(t)) == file {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(k.Name(a), k.Name(b)) })
	return list, nil
}

// read reads one; ok is false where it is not as the runner signed it.
func (k Kind[T]) read(runner *keystore.Signer, file string) (thing T, ok bool) {
	body, err := os.ReadFile(file)
	if err != nil {
		return thing, false
	}
	var fields map[string]json.RawMessage
	var by []byte
	if json.Unmarshal(body, &fields) != nil || json.Unmarshal(fields[signature], &by) != nil ||
		json.Unmarshal(fields[k.Field], &thing) != nil {
		return thing, false
	}
	return thing, runner.PublicKey().Verify(k.Under, fields[k.Field], by) == nil
}
