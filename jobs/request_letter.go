package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/erased"
	"lethe/pipeline/letters"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// letterFlags are what somebody decided about a letter, and where it goes.
type letterFlags struct {
	ask                                    askFlags
	by                                     enterFlags
	kind, language, to, because, exception string
	others                                 bool
}

func requestLetterCommand(c *Command) *cobra.Command {
	var f letterFlags
	cmd := &cobra.Command{
		Use:   "letter <request>",
		Short: "Write what the person is told: received, more time, done, refused; or others are told of it",
		Args:  cobra.ExactArgs(1),
		Long: `Write a letter about a request, as text and as HTML, in the person's language.

  acknowledgement  it came, and is answered by a day (Art. 12(3))
  identity         who asks has to show who they are (Art. 12(6))
  extension        it takes two months longer: with --because, before it is recorded with extend
  answer           it was done as asked
  partial_refusal  part of it was; of an erasure, each record that stays, with its reason and end
  refusal          it is not done: --exception 12(5)
  third_parties    to those in controller.recipients, who have to do the same (Art. 19): --subject says by what they know
                   the person

Answer and partial_refusal look for the person again, and say what is so: which records are gone, which stay and why, what
lies in backups until when. Where that is not what the letter says, or not all could be looked at, there is no letter.
Without --to it is printed, to be looked at. With --to FOLDER it is written there, and the registry keeps its kind and
digest.`,
		Example: "  lethe request letter request-1b9d6bcd --kind acknowledgement --language it\n" +
			"  lethe request letter request-1b9d6bcd --kind partial_refusal --language pl --to letters/1b9d6bcd",
		RunE: func(cmd *cobra.Command, args []string) error { return f.letter(cmd, c, args[0]) },
	}
	f.ask.register(cmd)
	f.by.register(cmd)
	var kinds []string
	for _, k := range letters.Kinds {
		kinds = append(kinds, string(k))
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "kind", "", "which letter: "+strings.Join(kinds, ", "))
	flags.StringVar(&f.language, "language", "", "of the letter: "+strings.Join(lang.Languages(), ", ")+
		"; default that of the reports")
	flags.StringVar(&f.to, "to", "", "`folder`, made where there is none")
	flags.StringVar(&f.because, "because", "", "of an extension: "+strings.Join(cases.ExtensionReasons, " or "))
	flags.StringVar(&f.exception, "exception", "", "of a refusal: what allows it, such as 17(3)(e)")
	flags.BoolVar(&f.others, "others", false,
		"the rows that may be others' (lethe request find) were looked at, and none is the person's")
	required(cmd, "kind")
	return cmd
}

// letter makes the letter, prints or writes it, and notes that it was written.
func (f *letterFlags) letter(cmd *cobra.Command, c *Command, id string) error {
	ctx := cmd.Context()
	if f.exception != "" && !exceptionRE.MatchString(f.exception) {
		return fmt.Errorf("%w: --exception: name the place in the GDPR as 17(3)(e)", setup.ErrUsage)
	}
	p, cfg, err := c.load(ctx)
	if err != nil {
		return err
	}
	templates, err := cfg.LetterTemplates()
	if err != nil {
		return err
	}
	ask, err := f.about(ctx, p, id)
	if err != nil {
		return err
	}
	if err := f.by.may(ctx, c, p, ask.Silo, id); err != nil {
		return err
	}
	kind := letters.Kind(f.kind)
	var found *requests.Section
	if kind.Searched() {
		if found, err = f.look(ctx, c, p, ask); err != nil {
			return err
		}
	}
	o := letters.Options{Kind: kind, Company: answerer(cfg), Language: cmp.Or(f.language, p.Language),
		Authority: authority(cfg), Exception: f.exception, Because: f.because, Ends: answerEnds(cfg, p.Zone)}
	if erased.Receipted(ask.Asked.Kind, kind.Outcome()) && kind.Searched() {
		code, err := erased.CodeOf(p, ask.Silo, id)
		if err != nil {
			return err
		}
		o.Code = code.String()
	}
	letter, err := letters.Make(ctx, p, ask, found, o)
	if errors.Is(err, letters.ErrNotSo) {
		return fmt.Errorf("%w: %w", registry.ErrRefused, err)
	}
	if err != nil {
		return err
	}
	files, err := letter.Files(templates)
	if err != nil {
		return err
	}
	if f.to == "" && c.json {
		return c.printJSON(letter)
	}
	if f.to == "" {
		_, err := c.Out.Write(files[f.kind+"."+letter.Language+".txt"])
		return err
	}
	if err := letters.Write(files, f.to); err != nil {
		return fmt.Errorf("%w: --to: %w", setup.ErrConfig, err)
	}
	step := cases.Step{Name: cases.StepTold, How: fmt.Sprintf("%s %s sha256:%s", kind, letter.Language, files.Digest()),
		By: f.by.as}
	err = c.withRegistry(ctx, ask.Silo, func(o opened) error {
		return f.by.request(ctx, c, o, ask.Silo, id, func() error {
			return o.registry.NoteRequest(ctx, ask.Silo, id, step)
		}, "letter", step.How)
	})
	if err != nil {
		return errors.Join(err, letters.Remove(files, f.to)) // what nobody noted is not sent
	}
	fmt.Fprintf(c.Out, "%s of request %s, %s.%s.txt and .html, in %s\ndigest  %s\n", kind, id, kind, letter.Language, f.to,
		files.Digest())
	return nil
}

// about reads the request that the letter is about, which may be closed; how it was closed is what its answer says.
func (f *letterFlags) about(ctx context.Context, p *setup.Setup, id string) (ask requests.Ask, err error) {
	asks, err := requests.Any(ctx, p, requests.Which{Silo: f.ask.silo, IDs: []string{id}})
	if err != nil {
		return ask, err
	}
	if len(asks) != 1 {
		return ask, fmt.Errorf("%w: several silos have a request %s: name one with --silo", setup.ErrUsage, id)
	}
	ask = asks[0]
	if ask.Country = f.ask.country; len(f.ask.subjects) > 0 {
		for _, text := range f.ask.subjects {
			subject, err := parseSubject(text)
			if err != nil {
				return ask, err
			}
			ask.Given = append(ask.Given, subject)
		}
	}
	q, kind := ask.Asked, letters.Kind(f.kind)
	switch says := kind.Outcome(); {
	case q.Closed.IsZero():
	case says == "" && kind != letters.ThirdParties:
		err = fmt.Errorf("%w: request %s is closed (%s): --kind %s tells the person", registry.ErrRefused, id, q.Outcome,
			letters.Of(q.Outcome))
	case says != "" && says != q.Outcome:
		err = fmt.Errorf("%w: request %s is closed as %s: --kind %s", registry.ErrRefused, id, q.Outcome,
			letters.Of(q.Outcome))
	case says != "" && f.exception != "" && f.exception != q.Exception:
		err = fmt.Errorf("%w: request %s is closed by %s, and not by %s", registry.ErrRefused, id, q.Exception, f.exception)
	default:
		f.exception = q.Exception
	}
	if err == nil && kind == letters.ThirdParties && !q.Verified() {
		err = fmt.Errorf("%w: nobody noted that the person of request %s has shown who they are: lethe request verify %[2]s",
			registry.ErrRefused, id)
	}
	return ask, err
}

// look finds the person, and refuses a letter that would say more than is so.
func (f *letterFlags) look(ctx context.Context, c *Command, p *setup.Setup, ask requests.Ask) (*requests.Section, error) {
	if requests.NeedsProof(ask.Asked.Kind) && !ask.Asked.Verified() {
		return nil, fmt.Errorf("%w: nobody noted that the person of request %s has shown who they are: `lethe request "+
			"verify %[2]s --silo %s --by ...`", setup.ErrConfig, ask.Asked.ID, ask.Silo)
	}
	stop := c.progress(p)
	sections, err := requests.Find(ctx, p, []requests.Ask{ask})
	stop()
	if err != nil {
		return nil, err
	}
	kind := letters.Kind(f.kind)
	left := requests.Closing{Outcome: kind.Outcome(), Others: f.others}.Left(p, &ask.Asked, sections[0])
	if len(left) == 0 {
		return sections[0], nil
	}
	err = fmt.Errorf("%w: %w: %s of request %s:\n  %s", registry.ErrRefused, letters.ErrNotSo, kind, ask.Asked.ID,
		strings.Join(left, "\n  "))
	if len(sections[0].Missing) > 0 {
		err = fmt.Errorf("%w: %w", setup.ErrSource, err)
	}
	return nil, err
}

// authority is the supervisory authority of the controller's country, where it has one name.
func authority(cfg *config.Config) string {
	j, ok := law.Of(cfg.Controller.Jurisdiction)
	if !ok || j.Authority == "" || !unicode.IsUpper([]rune(j.Authority)[0]) {
		return ""
	}
	return j.Authority
}
