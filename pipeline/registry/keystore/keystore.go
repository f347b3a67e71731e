// Package keystore keeps the keys of Lethe: one age-encrypted file for each key in a folder of its own,
// opened once a run with an identity file that only the service account can read. It protects copies and
// backups of the folder, not against root: who can read the identity file can read the keys.
//
// What it holds, by name:
//
//	silo/NAME          K_silo, 32 random bytes; references of the registry derive from it (SiloKey)
//	silo/NAME@2        its second version, and so on: the highest is in use, the one before is still looked up
//	audit/SILO/EPOCH   K_audit, 32 random bytes of its own for the references of the reports (AuditKey)
//	plan/ID            an age identity; the row keys of one plan are encrypted to it
//	runner             the Ed25519 seed that signs manifests
//
// Keys are created explicitly (Ensure..., NewPlan) and never by looking them up. Destroying one makes all
// that was keyed with it unlinkable or unreadable at once; what stays is a file under destroyed/ with the
// evidence. The signing keys of people are never in the keystore: each is a file of its own (NewPerson,
// LoadPerson).
package keystore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"lethe/pipeline/registry/keystore/private"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrMissing: the keystore, its identity or the key asked for is not there. The message names the
	// command that creates it.
	ErrMissing = errors.New("no such key")
	// ErrDestroyed: the key existed and was destroyed on purpose. It never comes back under the same name.
	ErrDestroyed = errors.New("key was destroyed")
	// ErrReadable: a secret file can be read by others than its owner.
	ErrReadable = private.ErrReadable
	// ErrDamaged: a key file is not what its name says, or the identity does not open it.
	ErrDamaged = errors.New("key file cannot be used")
	// ErrSignature: a signature does not verify.
	ErrSignature = errors.New("signature does not verify")
)

const (
	suffix    = ".age"
	header    = "lethe-key-v1"
	keyLen    = 32
	destroyed = "destroyed"
	siloKind  = "silo/"
	auditKind = "audit/"
	planKind  = "plan/"
	runner    = "runner"
)

// Keystore is an opened keystore. It is safe for concurrent use; the SiloKey and AuditKey it hands out are not.
type Keystore struct {
	path      string
	identity  *age.X25519Identity
	mu        sync.RWMutex
	keys      map[string][]byte
	damaged   map[string]error // plans' keys whose file cannot be used: the plan is lost, and nothing else is
	destroyed map[string]Evidence
	unread    map[string]error // keys that were destroyed and of which the evidence cannot be read any more
}

// Evidence says that a key was destroyed: what stays of it. KeyID commits to the key without helping to
// find it.
type Evidence struct {
	Name string `json:"name"`
	// hex SHA-256 of "lethe-key-id", the name and the key; "" of a plan's key that could not be read any more
	KeyID       string    `json:"key_id"`
	DestroyedAt time.Time `json:"destroyed_at"`
	Because     string    `json:"because,omitempty"`
	Witnesses   []string  `json:"witnesses,omitempty"` // as Witness gives them
}

// Digest is the SHA-256 of the key's id and the signatures of its witnesses, for who keeps it elsewhere.
func (e Evidence) Digest() [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(append([]string{e.KeyID}, e.Witnesses...), "\n")))
}

// Create makes an empty keystore in a new or empty folder (mode 0700) and, unless it exists, a new identity
// file (mode 0600).
func Create(path, identityFile string) error {
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create keystore %s: %w", path, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("create keystore %s: the folder is not empty; open it, or name another", path)
	}
	switch _, err := loadIdentity(identityFile); {
	case errors.Is(err, fs.ErrNotExist):
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return fmt.Errorf("create keystore identity: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(identityFile), 0o700); err != nil {
			return fmt.Errorf("create keystore identity: %w", err)
		}
		text := fmt.Sprintf("# identity of the Lethe keystore: keep a copy where the keystore is not\n# public key: "+
			"%s\n%s\n", id.Recipient(), id)
		if err := private.New(identityFile, []byte(text)); err != nil {
			return fmt.Errorf("create keystore identity %s: %w", identityFile, err)
		}
	case err != nil:
		return err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("create keystore %s: %w", path, err)
	}
	return nil
}

// Open decrypts every key of the keystore with the identity file. It returns ErrMissing when folder or
// identity are not there, ErrReadable when the identity or a key file can be read by others, ErrDamaged
// when a file does not open; but for the key of a plan, and for what is left of a key that was destroyed
// ([Keystore.Unread]), which keep nothing else from being used.
func Open(ctx context.Context, path, identityFile string) (*Keystore, error) {
	id, err := loadIdentity(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open keystore: identity file %s: %w; create both with `lethe keys create`",
			identityFile, ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open keystore: folder %s: %w; create it with `lethe keys create`", path, ErrMissing)
	}
	k := &Keystore{path: path, identity: id, keys: map[string][]byte{}, damaged: map[string]error{},
		destroyed: map[string]Evidence{}, unread: map[string]error{}}
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(path, file)
		if err != nil {
			return err
		}
		err = k.load(file, filepath.ToSlash(rel))
		if name := strings.TrimSuffix(filepath.ToSlash(rel), suffix); errors.Is(err, ErrDamaged) &&
			strings.HasPrefix(name, planKind) {
			k.damaged[name], err = err, nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open keystore %s: %w", path, err)
	}
	return k, nil
}

// load reads one file of the folder. Others than keys and evidence (temporary files of an interrupted
// creation) are left alone.
func (k *Keystore) load(file, rel string) error {
	if name, ok := strings.CutPrefix(rel, destroyed+"/"); ok {
		if name, ok = strings.CutSuffix(name, ".json"); !ok {
			return nil
		}
		return k.loadEvidence(file, name)
	}
	name, ok := strings.CutSuffix(rel, suffix)
	if !ok {
		return nil
	}
	if err := private.OwnerOnly(file); err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r, err := age.Decrypt(bytes.NewReader(data), k.identity)
	if err != nil {
		return fmt.Errorf("key %s: %w: the identity file does not open it; give the identity the keystore was "+
			"created with", name, ErrDamaged)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("key %s: %w: restore the file from a copy", name, ErrDamaged)
	}
	f := strings.Fields(string(plain))
	if len(f) != 3 || f[0] != header || f[1] != name {
		return fmt.Errorf("key %s: %w: the content belongs to another name; restore the file from a copy", name,
			ErrDamaged)
	}
	key, err := base64.RawStdEncoding.DecodeString(f[2])
	if err != nil || len(key) == 0 {
		return fmt.Errorf("key %s: %w: restore the file from a copy", name, ErrDamaged)
	}
	k.keys[name] = key
	return nil
}

// EnsureSilo creates the first version of the silo's key unless it has one. A destroyed key is not created
// again (ErrDestroyed).
func (k *Keystore) EnsureSilo(silo string) error {
	if live, _ := k.siloVersions(silo); len(live) > 0 {
		return nil
	}
	if strings.Contains(silo, versionMark) {
		return errName(siloKind + silo)
	}
	return k.ensure(siloKind+silo, random)
}

// SiloVersion is one version of a silo's key, there or destroyed.
type SiloVersion struct {
	Silo      string
	Version   int
	KeyID     string
	Destroyed *Evidence // nil: it is there
}

// SiloVersions lists the keys of all silos, by silo and version.
func (k *Keystore) SiloVersions() []SiloVersion {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var list []SiloVersion
	for name, key := range k.keys {
		if silo, version, ok := parseSilo(name); ok && k.destroyed[name].Name == "" {
			list = append(list, SiloVersion{Silo: silo, Version: version, KeyID: keyID(name, key)})
		}
	}
	for name, e := range k.destroyed {
		if silo, version, ok := parseSilo(name); ok {
			list = append(list, SiloVersion{Silo: silo, Version: version, KeyID: e.KeyID, Destroyed: &e})
		}
	}
	slices.SortFunc(list, func(a, b SiloVersion) int {
		return cmp.Or(strings.Compare(a.Silo, b.Silo), cmp.Compare(a.Version, b.Version))
	})
	return list
}

const versionMark = "@"

// siloName names a version of a silo's key; the first one has no mark.
func siloName(silo string, version int) string {
	if version == 1 {
		return siloKind + silo
	}
	return siloKind + silo + versionMark + strconv.Itoa(version)
}

func parseSilo(name string) (silo string, version int, ok bool) {
	silo, ok = strings.CutPrefix(name, siloKind)
	silo, text, marked := strings.Cut(silo, versionMark)
	version = 1
	if marked {
		var err error
		version, err = strconv.Atoi(text)
		ok = ok && err == nil && version > 1
	}
	return silo, version, ok
}

// siloVersions are the versions of a silo's key that are there, and those that were destroyed, each in order.
func (k *Keystore) siloVersions(silo string) (live, gone []int) {
	for _, v := range k.SiloVersions() {
		if v.Silo != silo {
			continue
		}
		if v.Destroyed == nil {
			live = append(live, v.Version)
		} else {
			gone = append(gone, v.Version)
		}
	}
	return live, gone
}

// Current is the version in use of the key of each silo that has one.
func (k *Keystore) Current() map[string]int {
	current := map[string]int{}
	for _, v := range k.SiloVersions() {
		if v.Destroyed == nil {
			current[v.Silo] = v.Version // they come in order
		}
	}
	return current
}

// RotateSilo creates the next version of a silo's key and returns its number. It is in use as soon as it is
// there.
func (k *Keystore) RotateSilo(silo string) (int, error) {
	current, err := k.SiloKey(silo)
	if err != nil {
		return 0, err
	}
	next := current.Version() + 1
	return next, k.ensure(siloName(silo, next), current.rotated)
}

// DestroySilo destroys one version of a silo's key before witnesses, as Destroy does.
func (k *Keystore) DestroySilo(silo string, version int, at time.Time, because string, witnesses ...string) (Evidence,
	error) {
	return k.destroy(siloName(silo, version), Evidence{DestroyedAt: at, Because: because, Witnesses: witnesses})
}

// EnsureAudit creates the audit key of a silo and epoch unless it is there.
func (k *Keystore) EnsureAudit(silo, epoch string) error {
	return k.ensure(auditKind+silo+"/"+epoch, random)
}

// EnsureRunner creates the key that signs manifests unless it is there.
func (k *Keystore) EnsureRunner() error { return k.ensure(runner, random) }

// SiloKey is the silo's key for references. A silo without one gives ErrMissing, or ErrDestroyed.
func (k *Keystore) SiloKey(silo string) (*SiloKey, error) {
	version := 1
	switch live, gone := k.siloVersions(silo); {
	case len(live) > 0:
		version = live[len(live)-1]
	case len(gone) > 0:
		version = gone[len(gone)-1]
	}
	secret, err := k.get(siloName(silo, version), fmt.Sprintf("silo %q", silo), "lethe keys create")
	if errors.Is(err, ErrDestroyed) {
		err = fmt.Errorf("%w: take the silo, its records and the roles of its owners out of the configuration", err)
	}
	if err != nil {
		return nil, err
	}
	return newSiloKey(silo, version, secret)
}

// AuditKey is the key for the audit references of one silo and epoch.
func (k *Keystore) AuditKey(silo, epoch string) (*AuditKey, error) {
	secret, err := k.get(auditKind+silo+"/"+epoch, fmt.Sprintf("the audit of silo %q, epoch %s", silo, epoch),
		"lethe check")
	if err != nil {
		return nil, err
	}
	return &AuditKey{mac: newMAC(secret)}, nil
}

// Runner is the signer of manifests.
func (k *Keystore) Runner() (*Signer, error) {
	seed, err := k.get(runner, "the runner", "lethe keys create")
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("key %s: %w", runner, ErrDamaged)
	}
	return &Signer{key: ed25519.NewKeyFromSeed(seed)}, nil
}

// NewPlan creates the identity of a plan, durably, and returns the recipient its segments are encrypted to.
// An id that was used before is refused.
func (k *Keystore) NewPlan(id string) (age.Recipient, error) {
	name := planKind + id
	k.mu.RLock()
	_, used := k.keys[name]
	damaged := k.damaged[name] != nil
	k.mu.RUnlock()
	if used || damaged {
		return nil, fmt.Errorf("create key %s: a plan of this id has one already", name)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("create key %s: %w", name, err)
	}
	if err := k.ensure(name, func() ([]byte, error) { return []byte(identity.String()), nil }); err != nil {
		return nil, err
	}
	return identity.Recipient(), nil
}

// PlanIdentity is the identity that decrypts a plan's segments: ErrMissing for an unknown plan,
// ErrDestroyed for a settled one, ErrDamaged where its file cannot be used.
func (k *Keystore) PlanIdentity(id string) (age.Identity, error) {
	text, err := k.get(planKind+id, "the key of its rows", "")
	if err != nil {
		return nil, err
	}
	identity, err := age.ParseX25519Identity(string(text))
	if err != nil {
		return nil, fmt.Errorf("key %s%s: %w", planKind, id, ErrDamaged)
	}
	return identity, nil
}

// Names lists the keys that exist, unordered; with the prefix "silo/", "audit/" or "plan/" only those, "" all.
func (k *Keystore) Names(prefix string) []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var names []string
	for name := range k.keys {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	for name := range k.damaged {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// Destroy removes a key for good. The evidence is written first, so that an interrupted destruction is
// finished by asking again; asking for a key that was destroyed returns the evidence of then. at is the
// time to be recorded; witnesses are signatures over KeyID, kept as they are.
func (k *Keystore) Destroy(name string, at time.Time, witnesses ...string) (Evidence, error) {
	return k.destroy(name, Evidence{DestroyedAt: at, Witnesses: witnesses})
}

func (k *Keystore) destroy(name string, evidence Evidence) (Evidence, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, exists := k.keys[name]
	exists = exists || k.damaged[name] != nil
	e, had := k.destroyed[name]
	if err := k.unread[name]; err != nil && !strings.HasPrefix(name, planKind) {
		return Evidence{}, fmt.Errorf("destroy key: %w", err)
	}
	if !exists {
		if had {
			return e, nil
		}
		return Evidence{}, fmt.Errorf("destroy key %s: %w", name, ErrMissing)
	}
	if !had {
		e = evidence
		if e.Name, e.DestroyedAt = name, e.DestroyedAt.UTC(); key != nil {
			e.KeyID = keyID(name, key)
		}
		data, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			return Evidence{}, fmt.Errorf("destroy key %s: %w", name, err)
		}
		if err := private.New(filepath.Join(k.path, destroyed, filepath.FromSlash(name)+".json"),
			append(data, '\n')); err != nil && !errors.Is(err, fs.ErrExist) {
			return Evidence{}, fmt.Errorf("destroy key %s: %w", name, err)
		}
		k.destroyed[name] = e
	}
	file := k.file(name)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Evidence{}, fmt.Errorf("destroy key %s: %w", name, err)
	}
	if err := syncDir(filepath.Dir(file)); err != nil {
		return Evidence{}, fmt.Errorf("destroy key %s: %w", name, err)
	}
	clear(key)
	delete(k.keys, name)
	delete(k.damaged, name)
	return e, nil
}

// KeyID is the identification of an existing key that Destroy will write, for witnesses to sign beforehand.
func (k *Keystore) KeyID(name string) (string, error) {
	key, err := k.get(name, name, "lethe keys create")
	if err != nil {
		return "", err
	}
	return keyID(name, key), nil
}

func keyID(name string, key []byte) string {
	h := sha256.New()
	h.Write(appendName([]byte("lethe-key-id"), name))
	h.Write(key)
	return hex.EncodeToString(h.Sum(nil))
}

func (k *Keystore) get(name, what, hint string) ([]byte, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if err := k.unread[name]; err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	e, ok := k.destroyed[name]
	if ok && strings.HasPrefix(name, planKind) {
		return nil, fmt.Errorf("%s: %w on %s, when the plan ended: the state folder is older than that", what,
			ErrDestroyed, e.DestroyedAt.Format(time.DateOnly))
	}
	if ok {
		return nil, fmt.Errorf("%s: %w on %s; its references cannot be computed any more", what, ErrDestroyed,
			e.DestroyedAt.Format(time.DateOnly))
	}
	if err := k.damaged[name]; err != nil {
		return nil, err
	}
	key, ok := k.keys[name]
	if !ok && hint == "" {
		return nil, fmt.Errorf("%s: %w", what, ErrMissing)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w; create it with `%s`", what, ErrMissing, hint)
	}
	return key, nil
}

var nameRE = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*(/[A-Za-z0-9_][A-Za-z0-9_.:-]*)*(@[0-9]+)?$`)

func errName(name string) error {
	return fmt.Errorf("create key %q: a name has letters, digits, '_', '-', '.' and ':' only", name)
}

func (k *Keystore) ensure(name string, secret func() ([]byte, error)) error {
	if !nameRE.MatchString(name) {
		return errName(name)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.destroyed[name]; ok {
		return fmt.Errorf("create key %s: %w; choose another name", name, ErrDestroyed)
	}
	if _, ok := k.keys[name]; ok {
		return nil
	}
	key, err := secret()
	if err != nil {
		return fmt.Errorf("create key %s: %w", name, err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, k.identity.Recipient())
	if err != nil {
		return fmt.Errorf("create key %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(w, "%s %s %s\n", header, name, base64.RawStdEncoding.EncodeToString(key)); err != nil {
		return fmt.Errorf("create key %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("create key %s: %w", name, err)
	}
	switch err := private.New(k.file(name), out.Bytes()); {
	case errors.Is(err, fs.ErrExist): // another process was first
		return k.load(k.file(name), name+suffix)
	case err != nil:
		return fmt.Errorf("create key %s: %w", name, err)
	}
	k.keys[name] = key
	return nil
}

// Encrypt writes what nobody reads who has not opened this keystore.
func (k *Keystore) Encrypt(to io.Writer) (io.WriteCloser, error) {
	return age.Encrypt(to, k.identity.Recipient())
}

// Decrypt reads what Encrypt wrote.
func (k *Keystore) Decrypt(from io.Reader) (io.Reader, error) { return age.Decrypt(from, k.identity) }

func (k *Keystore) file(name string) string {
	return filepath.Join(k.path, filepath.FromSlash(name)+suffix)
}

func random() ([]byte, error) {
	key := make([]byte, keyLen)
	_, err := rand.Read(key)
	return key, err
}
