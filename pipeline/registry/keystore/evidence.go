package keystore

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// loadEvidence reads what is left of a key that was destroyed. Where it cannot be read, the key counts as destroyed
// all the same, so that none comes back under its name, and only what needs that very key fails.
func (k *Keystore) loadEvidence(file, name string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var e Evidence
	if err := json.Unmarshal(data, &e); err == nil && e.Name == name {
		k.destroyed[name] = e
		return nil
	}
	next := "restore the file from a copy"
	if strings.HasPrefix(name, planKind) {
		next += ", or move it out of the keystore: a plan's key is never made again"
	}
	k.destroyed[name] = Evidence{Name: name}
	k.unread[name] = fmt.Errorf("evidence %s/%s.json: %w: %s", destroyed, name, ErrDamaged, next)
	return nil
}

// Destroyed reports whether a key was destroyed, by what is left of it.
func (k *Keystore) Destroyed(name string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, gone := k.destroyed[name]
	return gone
}

// Unread lists the keys that were destroyed and of which the evidence cannot be read any more, sorted.
func (k *Keystore) Unread() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Sorted(maps.Keys(k.unread))
}
