package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/handover"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// exportFlags are what somebody decided about an answer, and where it goes.
type exportFlags struct {
	ask                          askFlags
	by                           enterFlags
	what, to, language, password string
	redact, include, recipients  []string
	incomplete                   bool
}

func requestExportCommand(c *Command) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export <request>",
		Short: "Write what a person is handed: all that is held of them, or what they gave",
		Args:  cobra.ExactArgs(1),
		Long: `Find what the stores hold of the person of a verified request, and write it as they are handed it: JSON with its
schema, CSV, and one page to read in their language. Of rows that may be others' only those are in it that somebody
confirmed with --include.

  access       all of it, with purposes, grounds and terms, consents, who has it, what lies in which backup until when,
               and the rights that remain (Art. 15)
  portability  what the person gave, where consent or a contract keeps it, in the types of schema.org (Art. 20)

A field that holds what is others' to keep is withheld with --redact and its reason, which the person is told:
` + strings.Join(withholdings(), ", ") + `. Passwords are withheld by themselves.

The files go into a folder that is not there yet, or, encrypted, into one file: --encrypt-to age1..., or --password-file
with a passphrase that the person is told by another way (age; inside is a zip). Nothing of them stays anywhere else:
the registry keeps their digest and how many rows they hold.`,
		Example: "  lethe request export request-1b9d6bcd --what access --language it --to answer\n" +
			"  lethe request export request-1b9d6bcd --redact crm.notes.body=third_party --include " +
			"crm.notes:17 --to answer.zip.age --password-file answer.pass",
		RunE: func(cmd *cobra.Command, args []string) error { return f.export(cmd, c, args[0]) },
	}
	f.ask.register(cmd)
	f.by.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.what, "what", "", "access or portability; default portability of a request for it, else access")
	flags.StringVar(&f.to, "to", "", "`folder`, or with encryption file, that is not there yet")
	flags.StringVar(&f.language, "language", "", "of the page: "+strings.Join(lang.Languages(), ", ")+
		"; default that of the reports")
	flags.StringArrayVar(&f.redact, "redact", nil, "source.table.field=REASON that is withheld; may be repeated")
	flags.StringArrayVar(&f.include, "include", nil,
		"source.table:key of a row that may be others' and is the person's; may be repeated")
	flags.StringArrayVar(&f.recipients, "encrypt-to", nil, "age1... of who may open it; may be repeated")
	flags.StringVar(&f.password, "password-file", "", "file with the passphrase that opens it")
	flags.BoolVar(&f.incomplete, "incomplete", false,
		"hand over what was found though a source could not be looked at; the request stays open")
	required(cmd, "to")
	return cmd
}

func withholdings() (names []string) {
	for _, w := range handover.Withholdings {
		names = append(names, string(w))
	}
	return names
}

// looks is how often a person is looked for anew whose rows changed while others were read.
const looks = 3

// errMoving says that rows of the person did not stand still.
var errMoving = errors.New("rows of the person changed while they were read, three times: export again when the " +
	"application is quiet")

// export finds, makes and writes the answer, and notes that it was.
func (f *exportFlags) export(cmd *cobra.Command, c *Command, id string) error {
	p, cfg, err := c.load(cmd.Context())
	if err != nil {
		return err
	}
	asks, err := f.ask.read(cmd, p, []string{id}, false)
	if err != nil {
		return err
	}
	if len(asks) != 1 {
		return fmt.Errorf("%w: several silos have a request %s: name one with --silo", setup.ErrUsage, id)
	}
	o, err := f.options(p, cfg, asks[0])
	if err != nil {
		return err
	}
	section, err := settled(cmd, c, p, asks)
	if err != nil {
		return err
	}
	doc, err := handover.Make(cmd.Context(), p, asks[0], section, o)
	if errors.Is(err, handover.ErrMissing) {
		return fmt.Errorf("%w: %w", setup.ErrSource, err)
	}
	if err != nil {
		return err
	}
	files, err := doc.Files()
	if err != nil {
		return err
	}
	if err := f.write(files); err != nil {
		return err
	}
	how := cases.Handed{As: o.As, Digest: files.Digest(), Rows: int64(len(doc.Records))}.String()
	if len(section.Missing) > 0 {
		how = "incomplete " + how
	}
	step := cases.Step{Name: cases.StepExported, How: how, By: f.by.as}
	err = c.withRegistry(cmd.Context(), asks[0].Silo, func(r opened) error {
		return f.by.request(cmd.Context(), c, r, asks[0].Silo, id, func() error {
			return r.registry.NoteRequest(cmd.Context(), asks[0].Silo, id, step)
		}, "export", step.How)
	})
	if err != nil {
		return errors.Join(err, os.RemoveAll(f.to)) // what nobody noted is not handed over
	}
	fmt.Fprintf(c.Out, "%s of request %s: %d rows in %s\ndigest  %s\n", o.As, id, len(doc.Records), f.to,
		files.Digest())
	if doc.Beside > 0 {
		fmt.Fprintf(c.Out, "%d more rows of the person are not in it: neither consent nor a contract is their ground, or the "+
			"person gave none of their fields (Art. 20(1)(a)); --what access has them\n", doc.Beside)
	}
	for _, w := range doc.Withheld {
		fmt.Fprintf(c.Out, "withheld: %s.%s.%s (%s)\n", w.Source, w.Table, w.Field, w.Code)
	}
	if n := len(section.Possible()); n > 0 {
		fmt.Fprintf(c.Out, "%d rows may be the person's (lethe request find %s --rows): those are in it that --include "+
			"names\n", n, id)
	}
	return nil
}

// settled finds the person of one request as they stand in the live sources at one time.
func settled(cmd *cobra.Command, c *Command, p *setup.Setup, asks []requests.Ask) (*requests.Section, error) {
	for range looks {
		stop := c.progress(p)
		sections, err := requests.Find(cmd.Context(), p, asks)
		stop()
		if err != nil {
			return nil, err
		}
		p.Crash("found")
		same, err := sections[0].Same(cmd.Context(), p)
		if err != nil || same {
			return sections[0], err
		}
	}
	return nil, fmt.Errorf("%w: %w", setup.ErrSource, errMoving)
}

// options are what somebody decided, checked before anything is read.
func (f *exportFlags) options(p *setup.Setup, cfg *config.Config, ask requests.Ask) (o handover.Options, err error) {
	o = handover.Options{As: f.what, Language: cmp.Or(f.language, p.Language), Include: f.include,
		Incomplete: f.incomplete, Company: answerer(cfg)}
	if o.As == "" {
		o.As = handover.Access
		if ask.Asked.Kind == cases.RequestPortability {
			o.As = handover.Portability
		}
	}
	if o.As != handover.Access && o.As != handover.Portability {
		return o, fmt.Errorf("%w: --what %q: use %s or %s", setup.ErrUsage, o.As, handover.Access, handover.Portability)
	}
	if _, err := lang.In(o.Language); err != nil {
		return o, fmt.Errorf("%w: --language: %w", setup.ErrUsage, err)
	}
	if _, err := os.Lstat(f.to); err == nil {
		return o, fmt.Errorf("%w: --to: %s is there already: name one that is not", setup.ErrUsage, f.to)
	}
	if f.password != "" && len(f.recipients) > 0 {
		return o, fmt.Errorf("%w: a file is encrypted to keys or with a passphrase, not both", setup.ErrUsage)
	}
	o.Withheld, err = handover.ParseWithheld(p, f.redact)
	return o, err
}

// answerer is who answers, as the configuration says.
func answerer(cfg *config.Config) handover.Company {
	return handover.Company{Name: cfg.Controller.Name, Address: cfg.Controller.Address, Contact: cfg.Controller.Contact,
		DPO: cfg.Controller.DPO, Withdrawal: cfg.Controller.Withdrawal, Recipients: cfg.Controller.Recipients}
}

// write writes the files where they go.
func (f *exportFlags) write(files handover.Files) error {
	switch {
	case len(f.recipients) > 0:
		to, err := sealed.Recipients(f.recipients)
		if err != nil {
			return fmt.Errorf("%w: --encrypt-to: %w", setup.ErrUsage, err)
		}
		return files.Seal(f.to, to...)
	case f.password != "":
		text, err := os.ReadFile(f.password)
		if err != nil {
			return fmt.Errorf("%w: --password-file: %w", setup.ErrConfig, err)
		}
		password := strings.TrimRight(string(text), "\r\n")
		if utf8.RuneCountInString(password) < leastPassword {
			return fmt.Errorf("%w: --password-file: the passphrase has less than %d characters", setup.ErrConfig,
				leastPassword)
		}
		to, err := age.NewScryptRecipient(password)
		if err != nil {
			return fmt.Errorf("%w: --password-file: %w", setup.ErrConfig, err)
		}
		return files.Seal(f.to, to)
	}
	return files.Write(f.to)
}

// leastPassword is how many characters a passphrase has at least that a person is told.
const leastPassword = 12
