package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/keystore/private"
	"lethe/pipeline/registry/person"
	"lethe/pipeline/setup"
)

// takePassphrases gives every command that takes the file of a signing key a flag that says where its passphrase stands.
func takePassphrases(c *Command, cmd *cobra.Command) {
	if f := cmd.Flags().Lookup("key"); f != nil && strings.Contains(f.Usage, "signing key") {
		cmd.Flags().StringArrayVar(&c.passphrases, "passphrase", nil, "where the passphrase of --key stands, if it has one: "+
			"file:PATH or env:NAME; without it a terminal is asked. Given as often as --key, in that order")
	}
	for _, sub := range cmd.Commands() {
		takePassphrases(c, sub)
	}
}

// signer opens the file of a signing key, the i-th on the command line.
func (c *Command) signer(ctx context.Context, p *setup.Setup, path string, i int) (*keystore.Signer, error) {
	f, err := person.Read(path)
	if err != nil {
		return nil, err
	}
	signer, _, err := c.unlock(ctx, p, f, i)
	return signer, err
}

// unlock opens a file that was read, the i-th on the command line, by the passphrase that it gives back; "" of one that is
// not encrypted.
func (c *Command) unlock(ctx context.Context, p *setup.Setup, f person.File, i int) (*keystore.Signer, string, error) {
	if !f.Encrypted() {
		signer, err := f.Open("")
		return signer, "", err
	}
	t := tries{}
	if p != nil {
		var err error
		if t.journal, err = p.Journal(ctx); err != nil {
			return nil, "", err
		}
		defer t.journal.Close()
		t.file, t.now = f, p.Now
	}
	if err := t.may(ctx); err != nil {
		return nil, "", err
	}
	passphrase, err := c.passphraseOf(ctx, f.Path, i)
	if err != nil {
		return nil, "", err
	}
	if err := t.begin(ctx); err != nil {
		return nil, "", err
	}
	signer, err := f.Open(passphrase)
	switch {
	case errors.Is(err, person.ErrPassphrase):
		return nil, "", fmt.Errorf("%w: %w: %d wrong ones in a row lock the key for an hour", setup.ErrConfig, err,
			journal.LockAfter)
	case err != nil:
		return nil, "", err
	}
	return signer, passphrase, t.fits(ctx)
}

// tries remembers which passphrases of a file were tried, each before it is; without a journal, which is a company's,
// nothing is remembered.
type tries struct {
	journal *journal.Journal
	file    person.File
	now     func() time.Time
	id      int64
}

func (t *tries) may(ctx context.Context) error {
	if t.journal == nil {
		return nil
	}
	return t.refused(t.journal.Unlocked(ctx, t.file.Public, t.now()))
}

func (t *tries) begin(ctx context.Context) (err error) {
	if t.journal == nil {
		return nil
	}
	t.id, err = t.journal.Try(ctx, t.file.Public, t.now())
	return t.refused(err)
}

func (t *tries) fits(ctx context.Context) error {
	if t.journal == nil {
		return nil
	}
	return t.journal.Fits(ctx, t.id)
}

func (t *tries) refused(err error) error {
	if !errors.Is(err, journal.ErrLocked) {
		return err
	}
	return fmt.Errorf("%w: %s: %w: wait until then; was it somebody else, `lethe keys revoke` ends the key", setup.ErrConfig,
		t.file.Path, err)
}

// passphraseOf reads the passphrase of the i-th key file from where the command line says that it stands, or asks.
func (c *Command) passphraseOf(ctx context.Context, path string, i int) (string, error) {
	if i < len(c.passphrases) {
		return secretAt("--passphrase", c.passphrases[i])
	}
	text, asked, err := c.hidden(ctx, "passphrase of "+path)
	if err == nil && !asked {
		err = fmt.Errorf("%w: %s is encrypted with a passphrase: ask for it on a terminal, or say where it stands, with "+
			"--passphrase file:PATH or env:NAME", setup.ErrUsage, path)
	}
	return text, err
}

// secretAt is the secret that stands in a file or in the environment. It is no argument itself, and never printed.
func secretAt(flag, at string) (string, error) {
	if path, ok := strings.CutPrefix(at, "file:"); ok {
		if err := private.OwnerOnly(path); err != nil {
			return "", fmt.Errorf("%w: %s: %w", setup.ErrConfig, flag, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", setup.ErrConfig, flag, err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	name, ok := strings.CutPrefix(at, "env:")
	if !ok {
		return "", fmt.Errorf("%w: %s: say where it stands, file:PATH or env:NAME: other processes see what is given as an "+
			"argument", setup.ErrUsage, flag)
	}
	text, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("%w: %s: the environment variable %s is not set", setup.ErrConfig, flag, name)
	}
	return text, nil
}

// newPassphrase is the one for a new file: from where the flag says, or asked for twice; "" none.
func (c *Command) newPassphrase(ctx context.Context, flag, at, path string) (text string, asked bool, err error) {
	if at != "" {
		text, err := secretAt(flag, at)
		if err == nil && text == "" {
			err = fmt.Errorf("%w: %s: it is empty", setup.ErrConfig, flag)
		}
		return text, true, err
	}
	if !c.terminal() { // nobody would see what is asked
		return "", false, nil
	}
	text, asked, err = c.hidden(ctx, fmt.Sprintf("passphrase for %s (%d characters or more; empty for none)", path,
		person.Shortest))
	if err != nil || text == "" {
		return "", asked, err
	}
	again, _, err := c.hidden(ctx, "the same once more")
	if err == nil && again != text {
		err = fmt.Errorf("%w: the two are not the same: nothing was written", setup.ErrConfig)
	}
	return text, true, err
}

// hidden asks on the terminal for what is not shown there; it was not asked for where there is none.
func (c *Command) hidden(ctx context.Context, what string) (text string, asked bool, err error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", false, nil
	}
	before, err := term.GetState(fd)
	if err != nil {
		return "", false, err
	}
	fmt.Fprintf(c.Err, "%s: ", what)
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		p, err := term.ReadPassword(fd)
		answered <- answer{p, err}
	}()
	var a answer
	select {
	case a = <-answered:
	case <-ctx.Done(): // who interrupts wants the terminal back as it was
		a.err = errors.Join(ctx.Err(), term.Restore(fd, before))
	}
	fmt.Fprintln(c.Err)
	return string(a.text), true, a.err
}
