package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/duties"
	"lethe/pipeline/intake"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// origin is where events come from, and how they are written.
type origin struct {
	silo, source, from, format, notice, country, principal, encoding, dates, zone string
	purposes, columns, defaults, words                                            map[string]string
	dryRun                                                                        bool
	by                                                                            enterFlags
}

func consentImportCommand(c *Command) *cobra.Command {
	var in origin
	cmd := &cobra.Command{
		Use:   "import [file]",
		Short: "Import events from a file, from consent receipts, or from the table of an application",
		Args:  cobra.MaximumNArgs(1),
		Long: `Import events into a silo: from a CSV file with a header, from JSON Lines with the same names, from
Kantara consent receipts or ISO/IEC TS 27560 records, or from a table that the configuration names under
the silo's consents (--from). The file - is the standard input.

Columns: ` + strings.Join(delivery.Columns, ", ") + `, and the identifiers
email, phone, customer-number, username, national-id:CC. A file has at least one identifier, type and
occurred_at; --default gives what it leaves out.
  type         ` + strings.Join(event.ImportedTypes(), ", ") + `
  occurred_at  2025-03-01T10:00:00Z, with any offset, or without one in the time zone of --zone, else the
               controller's; 01/03/2025 with --dates dmy, 03/01/2025 with --dates mdy; also 1 March 2025, 3:04 PM,
               and seconds or milliseconds since 1970
  method       ` + strings.Join(event.AffirmativeActs, ", ") + `
  evidence     a reference to the proof, or the proof itself: only a salted hash of it is stored. Without,
               a consent is recorded and does not count
  collection   the id of the form or order by which the data came, where you have one
  record       the row in a governed table that came of it, as SOURCE.TABLE:KEY: the row is then known by
               it, whatever its identifiers become
  id           of the event where it comes from: delivered twice, it is recorded once. Without, its
               content is its id

Files of other systems are read as they are: --column says what their columns are, --word what their words mean,
--dates, --zone and --encoding how they write. The separator is found by itself: comma, semicolon, tab or bar.

A line is recorded whole or refused; what is refused is listed with its line and the reason, and the others are
recorded. An import that was cut off is resumed by the same command.

Who withdraws from marketing, or objects to it, goes onto the suppression list in the same command; a consent
to marketing of somebody on it is refused (E_SUPPRESSED), unless it is of a later day and has evidence. A
list of addresses to be kept out is imported into the suppression list itself.`,
		Example: `  lethe consent import --silo newsletter --source crm consents.csv
  lethe consent import --silo newsletter --source shop --column E-Mail=email --column Date=occurred_at \
    --default type=given --default purpose=newsletter shop.csv
  lethe consent import --silo newsletter --source crm --column Mail=email,Datum=occurred_at,Einwilligung=type \
    --word type:Ja=given,type:Nein=withdrawn --dates dmy --encoding windows-1252 \
    --default purpose=newsletter --notice privacy-v3 kunden.csv
  lethe consent import --silo newsletter --from crm.newsletter_signups --dry-run
  lethe consent import --silo suppression --source robinson-list addresses.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { return importEvents(cmd.Context(), c, in, args) },
	}
	cmd.Flags().StringVar(&in.silo, "silo", "", "the silo that receives the events")
	cmd.Flags().StringVar(&in.source, "source", "", "who delivers the file; part of what recognises a repeated event")
	cmd.Flags().StringVar(&in.from, "from", "", "instead of a file: source.table, as under the silo's consents")
	cmd.Flags().StringVar(&in.format, "format", "",
		"csv, jsonl, kantara (consent receipts 1.1) or iso27560 (records); default csv, or jsonl by the file's ending")
	cmd.Flags().StringVar(&in.principal, "principal", "",
		"kind of the person's id in receipts and records; default email")
	cmd.Flags().StringToStringVar(&in.columns, "column", nil,
		"column as the file names it=column, or nothing to ignore it")
	cmd.Flags().StringToStringVar(&in.defaults, "default", nil, "column=value, for lines that leave it out")
	cmd.Flags().StringToStringVar(&in.words, "word", nil, "column:word as the file writes it=what it means")
	cmd.Flags().StringVar(&in.dates, "dates", "",
		"dmy where the file writes 31/12/2026, mdy for 12/31/2026; with /, . or -")
	cmd.Flags().StringVar(&in.zone, "zone", "",
		"time zone of what has no offset, as UTC or America/New_York; default the controller's")
	cmd.Flags().StringVar(&in.encoding, "encoding", "",
		"of the text, as windows-1252; default UTF-8, or UTF-16 where the file says so")
	cmd.Flags().StringToStringVar(&in.purposes, "purpose", nil, "purpose as the file writes it=purpose of the silo")
	cmd.Flags().StringVar(&in.notice, "notice", "", "notice for lines that name none")
	cmd.Flags().StringVar(&in.country, "country", "",
		"country of phone numbers without a prefix; default the silo's jurisdiction")
	cmd.Flags().BoolVar(&in.dryRun, "dry-run", false, "check everything, record nothing")
	cmd.MarkFlagsMutuallyExclusive("from", "source")
	cmd.MarkFlagsMutuallyExclusive("from", "zone") // a source says so itself
	in.by.register(cmd)
	required(cmd, "silo")
	return cmd
}

func importEvents(ctx context.Context, c *Command, in origin, args []string) error {
	switch {
	case in.from == "" && len(args) == 0:
		return fmt.Errorf("%w: name a file, or a table with --from", setup.ErrUsage)
	case in.from != "" && len(args) > 0:
		return fmt.Errorf("%w: name either a file or, with --from, a table", setup.ErrUsage)
	case in.from == "" && in.source == "":
		return fmt.Errorf("%w: --source is missing: say who delivers the file", setup.ErrUsage)
	}
	return c.withIntake(ctx, in.silo, true, func(o opened) error {
		taken, err := takeEntered(ctx, c, o, in, args)
		if taken.Silo == "" || err != nil && taken.Lines == 0 {
			return err
		}
		if c.json {
			err = errors.Join(err, c.printJSON(jsonTaken(taken)))
		} else {
			printTaken(c, taken, in.dryRun)
		}
		if err == nil && taken.Refused > 0 {
			what, others, next := "lines", "the others are recorded", ": correct them and import the file again"
			if in.from != "" {
				what, next = "statements", ""
			}
			if in.dryRun {
				others = "the others would be recorded"
			}
			what += " were"
			if taken.Refused == 1 {
				what = strings.TrimSuffix(what, "s were") + " was"
			}
			err = fmt.Errorf("%w: %d %s refused; %s%s%s", registry.ErrRefused, taken.Refused, what, others, next,
				foreignHints(taken))
		}
		return err
	})
}

// takeEntered takes events in, which whoever brings them has signed.
func takeEntered(ctx context.Context, c *Command, o opened, in origin, args []string) (taken intake.Taken, err error) {
	if in.from == "" && slices.Contains(duties.Taken(o.p, in.silo), in.source) {
		return taken, fmt.Errorf("%w: --source %q: under this name Lethe itself takes in what is said there: name who "+
			"delivers the file, or read the table with --from", setup.ErrConfig, in.source)
	}
	signed := false
	take := func() (err error) {
		if in.from != "" {
			taken, err = takeTable(ctx, o.p, o.intake, in)
		} else {
			taken, err = takeFile(ctx, c, o.cfg, o.intake, in, args[0], signed)
		}
		return err
	}
	if in.dryRun {
		err = take()
		return taken, err
	}
	who, err := c.operator(ctx, o.p, o.cfg, true, in.by.as, in.by.key)
	if err != nil {
		return taken, err
	}
	signed = who != nil
	digest := ""
	if who != nil && len(args) > 0 {
		digest = digestOfFile(args[0])
	}
	err = duties.EnteredBy(ctx, o.p, duties.Import(in.silo, in.source, in.from, digest), who, take)
	return taken, err
}

func takeTable(ctx context.Context, p *setup.Setup, to *intake.Intake, in origin) (intake.Taken,
	error) {
	i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == in.silo })
	if i < 0 {
		return intake.Taken{}, fmt.Errorf("%w: --from: the suppression list has no tables", setup.ErrConfig)
	}
	if p.Misread[in.silo] && !in.dryRun { // it would stay, whatever the configuration says later
		return intake.Taken{}, fmt.Errorf("%w: silo %s: the configuration reads its consents otherwise than people "+
			"adopted: adopt it with `lethe policy adopt`, or put the configuration back", setup.ErrConfig, in.silo)
	}
	var all intake.Taken
	for j := range p.Silos[i].Silo.Consents {
		m := &p.Silos[i].Silo.Consents[j]
		if m.Source+"."+m.Table != in.from {
			continue
		}
		taken, err := to.FromTable(ctx, p.Silos[i], m, in.dryRun)
		all = all.Plus(taken)
		if err != nil {
			return all, err
		}
	}
	if all.Silo == "" {
		return all, fmt.Errorf("%w: silo %s: %s is not under its consents: map its fields there", setup.ErrConfig,
			in.silo, in.from)
	}
	return all, nil
}

func takeFile(ctx context.Context, c *Command, cfg *config.Config, intake *intake.Intake, in origin,
	path string, signed bool) (taken intake.Taken, err error) {
	file, err := input(ctx, path)
	if err != nil {
		return taken, fmt.Errorf("%w: %w", setup.ErrUsage, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	format := delivery.Format(in.format)
	if format == "" {
		format = delivery.CSV
		if ext := filepath.Ext(path); ext == ".jsonl" || ext == ".ndjson" {
			format = delivery.JSONL
		}
	}
	words := map[string]map[string]string{}
	for theirs, ours := range in.words {
		column, word, ok := strings.Cut(theirs, ":")
		if !ok {
			return taken, fmt.Errorf("%w: --word: write column:word=what it means, for example type:Ja=given",
				setup.ErrUsage)
		}
		if words[column] == nil {
			words[column] = map[string]string{}
		}
		words[column][word] = ours
	}
	var zone *time.Location
	if in.zone != "" {
		if zone, err = config.TimesZone(in.zone); err != nil {
			return taken, fmt.Errorf("%w: --zone: %w", setup.ErrUsage, err)
		}
	}
	return intake.Import(ctx, in.silo, delivery.Import{Reader: file, Format: format, Source: in.source,
		Signed: signed, Columns: in.columns, Default: in.defaults, Notice: in.notice,
		Words: words, Dates: instant.Order(in.dates), Zone: zone, Encoding: in.encoding,
		Country: cmp.Or(in.country, cfg.Country(in.silo)), Principal: in.principal, PurposeNames: in.purposes,
		DryRun: in.dryRun})
}
