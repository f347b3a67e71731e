package keystore

import (
	"bytes"
	"fmt"
	"os"

	"filippo.io/age"

	"lethe/pipeline/registry/keystore/private"
)

func loadIdentity(file string) (*age.X25519Identity, error) {
	if err := private.OwnerOnly(file); err != nil {
		return nil, fmt.Errorf("keystore identity: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("keystore identity: %w", err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(data))
	if err == nil && len(ids) == 1 {
		if id, ok := ids[0].(*age.X25519Identity); ok {
			return id, nil
		}
	}
	return nil, fmt.Errorf("keystore identity %s: %w: it must hold one AGE-SECRET-KEY-1 line, as age-keygen writes it",
		file, ErrDamaged)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
