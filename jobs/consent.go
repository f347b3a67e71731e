package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/receipt"
)

// withRegistry opens the registry to write, and the key of a silo ("" none).
func (c *Command) withRegistry(ctx context.Context, silo string, do func(*pipeline.Pipeline, *registry.Registry, *keystore.SiloKey) error) (err error) {
	p, config, err := c.load(ctx)
	if err != nil {
		return err
	}
	var key *keystore.SiloKey
	if silo != "" {
		if _, ok := config.Silos[silo]; !ok {
			return fmt.Errorf("%w: silo %q is not under silos", pipeline.ErrConfig, silo)
		}
		if key, err = p.Keys.SiloKey(silo); err != nil {
			return err
		}
	}
	rc := p.Registry
	rc.AllowEmpty, rc.Now = true, c.Now
	r, err := registry.Open(ctx, rc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return do(p, r, key)
}

func (c *Command) consentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "consent", Short: "Bring consents into the registry, and see who may still be mailed",
		Long: consentHelp,
	}
	cmd.AddCommand(c.importCommand(), c.recordCommand(), c.allowedCommand(), c.showCommand(), c.verifyCommand(), c.receiptCommand(), c.syncCommand(), c.verifyCopyCommand())
	return cmd
}

// consentHelp leads from nothing to a list of those who may be mailed.
var consentHelp = `The registry keeps, per silo (one kind of collecting: a form, a contract), what people agreed to: an append-only log of events. Addresses are turned into
keyed references and not stored.

From nothing to who may still be mailed:

  1. A key for the person who answers for the rules. It prints one line, for step 2:

       lethe keys new --out anna.key

  2. A file lethe.yaml. With ` + "`records`" + ` a silo also governs the tables in which its people are (see ` + "`lethe init`" + `); without, it only answers:

       controller: {name: Example Ltd, timezone: Europe/Rome, jurisdiction: IT}
       state: var/state
       reports: var/reports
       keystore: {path: var/keys, identity: file:var/lethe.age}
       registry: {dsn: var/registry.db}
       people:
         anna: {key: "the line that step 1 printed", roles: ["owner:newsletter"]}
       silos:
         newsletter:
           records: []
           rules:
             - {purpose: newsletter, basis: consent, marketing: true, max_age: P24M, end: delete,
                because: "sign-up form", owner: anna, review_by: 2027-12-31}
         suppression:             # who said no to marketing is kept out of every later import
           suppression: true
           rules:
             - {purpose: suppression, basis: legal_obligation, because: "Art. 21(3)", owner: anna, review_by: 2027-12-31}

  3. The keys of the silos, and an empty registry:

       lethe keys create
       lethe registry init

  4. A file consents.csv, one event a line:

       email,type,occurred_at,notice,method,evidence
       ada@example.org,given,2026-03-01T10:00:00Z,privacy-v3,form,form-8812
       bea@example.org,given,2026-04-02 09:30,privacy-v3,double_opt_in,mail-104
       bea@example.org,withdrawn,2026-06-11,,,

       lethe consent import --silo newsletter --source crm --default purpose=newsletter consents.csv

  5. A mailing list with a column email, of which those lines are printed that may be mailed today:

       lethe consent allowed --silo newsletter --purpose newsletter list.csv > mail-these.csv
       lethe consent show --silo newsletter --subject email=bea@example.org

Columns: a person is named by one or more of email, phone, customer-number, username, national-id:CC. type is given, renewed, withdrawn, refused, objected,
restricted, erasure_requested or another of ` + "`lethe consent import --help`" + `. given and renewed need a notice (what was shown) and count only with evidence (what proves
it; a reference is enough). Consent by 'continued browsing' or a pre-ticked box is refused (GDPR Art. 4(11)). Importing a file again does no harm.`

// origin is where events come from, and how they are written.
type origin struct {
	silo, source, from, format, notice, country, principal, encoding, dates string
	purposes, columns, defaults, words                                      map[string]string
	dryRun                                                                  bool
}

func (c *Command) importCommand() *cobra.Command {
	var in origin
	cmd := &cobra.Command{
		Use: "import [file]", Short: "Import events from a file, from consent receipts, or from the table of an application", Args: cobra.MaximumNArgs(1),
		Long: `Import events into a silo: from a CSV file with a header, from JSON Lines with the same names, from Kantara consent receipts or ISO/IEC TS 27560 records, or
from a table that the configuration names under the silo's consents (--from). The file - is the standard input.

Columns: ` + strings.Join(delivery.Columns, ", ") + `, and the identifiers
email, phone, customer-number, username, national-id:CC. A file has at least one identifier, type and occurred_at; --default gives what it leaves out.
  type         ` + strings.Join(event.ImportedTypes(), ", ") + `
  occurred_at  2025-03-01T10:00:00Z, or without an offset in the controller's time zone; 01/03/2025 with --dates dmy, 03/01/2025 with --dates mdy
  method       ` + strings.Join(event.AffirmativeActs, ", ") + `
  evidence     a reference to the proof, or the proof itself: only a salted hash of it is stored. Without, a consent is recorded and does not count
  collection   the id of the form or order by which the data came, where you have one
  record       the row in a governed table that came of it, as SOURCE.TABLE:KEY: the row is then known by it, whatever its identifiers become
  id           of the event where it comes from: delivered twice, it is recorded once. Without, its content is its id

Files of other systems are read as they are: --column says what their columns are, --word what their words mean, --dates and --encoding how they write.
The separator is found by itself: comma, semicolon, tab or bar.

A line is recorded whole or refused; what is refused is listed with its line and the reason, and the others are recorded. An import that was cut off is
resumed by the same command.

Who withdraws from marketing, or objects to it, goes onto the suppression list in the same command; a consent to marketing of somebody on it is refused
(E_SUPPRESSED), unless it is of a later day and has evidence. A list of addresses to be kept out is imported into the suppression list itself.`,
		Example: `  lethe consent import --silo newsletter --source crm consents.csv
  lethe consent import --silo newsletter --source shop --column E-Mail=email --column Date=occurred_at --default type=given --default purpose=newsletter shop.csv
  lethe consent import --silo newsletter --source crm --column Mail=email,Datum=occurred_at,Einwilligung=type --word type:Ja=given,type:Nein=withdrawn --dates dmy \
    --encoding windows-1252 --default purpose=newsletter --notice privacy-v3 kunden.csv
  lethe consent import --silo newsletter --from crm.newsletter_signups --dry-run
  lethe consent import --silo suppression --source robinson-list addresses.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.importEvents(cmd.Context(), in, args) },
	}
	cmd.Flags().StringVar(&in.silo, "silo", "", "the silo that receives the events")
	cmd.Flags().StringVar(&in.source, "source", "", "who delivers the file; part of what recognises a repeated event")
	cmd.Flags().StringVar(&in.from, "from", "", "instead of a file: source.table, as under the silo's consents")
	cmd.Flags().StringVar(&in.format, "format", "", "csv, jsonl, kantara (consent receipts 1.1) or iso27560 (records); default csv, or jsonl by the file's ending")
	cmd.Flags().StringVar(&in.principal, "principal", "", "kind of the person's id in receipts and records; default email")
	cmd.Flags().StringToStringVar(&in.columns, "column", nil, "column as the file names it=column, or nothing to ignore it")
	cmd.Flags().StringToStringVar(&in.defaults, "default", nil, "column=value, for lines that leave it out")
	cmd.Flags().StringToStringVar(&in.words, "word", nil, "column:word as the file writes it=what it means")
	cmd.Flags().StringVar(&in.dates, "dates", "", "dmy where the file writes 31/12/2026, mdy for 12/31/2026; with /, . or -")
	cmd.Flags().StringVar(&in.encoding, "encoding", "", "of the text, as windows-1252; default UTF-8, or UTF-16 where the file says so")
	cmd.Flags().StringToStringVar(&in.purposes, "purpose", nil, "purpose as the file writes it=purpose of the silo")
	cmd.Flags().StringVar(&in.notice, "notice", "", "notice for lines that name none")
	cmd.Flags().StringVar(&in.country, "country", "", "country of phone numbers without a prefix; default the silo's jurisdiction")
	cmd.Flags().BoolVar(&in.dryRun, "dry-run", false, "check everything, record nothing")
	cmd.MarkFlagsMutuallyExclusive("from", "source")
	required(cmd, "silo")
	return cmd
}

func (c *Command) importEvents(ctx context.Context, in origin, args []string) error {
	switch {
	case in.from == "" && len(args) == 0:
		return fmt.Errorf("%w: name a file, or a table with --from", errUsage)
	case in.from != "" && len(args) > 0:
		return fmt.Errorf("%w: name either a file or, with --from, a table", errUsage)
	case in.from == "" && in.source == "":
		return fmt.Errorf("%w: --source is missing: say who delivers the file", errUsage)
	}
	return c.withIntake(ctx, in.silo, func(p *pipeline.Pipeline, config *Config, intake *pipeline.Intake) error {
		var taken pipeline.Taken
		var err error
		if in.from != "" {
			taken, err = takeTable(ctx, p, intake, in)
		} else {
			taken, err = c.takeFile(ctx, config, intake, in, args[0])
		}
		if taken.Silo == "" || err != nil && taken.Lines == 0 {
			return err
		}
		if c.json {
			err = errors.Join(err, c.printJSON(jsonTaken(taken)))
		} else {
			c.printTaken(taken, in.dryRun)
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
			err = fmt.Errorf("%w: %d %s refused; %s%s%s", registry.ErrRefused, taken.Refused, what, others, next, foreignHints(taken))
		}
		return err
	})
}

// foreignHints says what to write where most lines of a file are refused for one reason: the file is in order, and written in a way of its own.
func foreignHints(t pipeline.Taken) string {
	hints := map[event.Reason]string{
		event.BadTime:        "dates with the day first are read with --dates dmy, those with the month first with --dates mdy",
		event.BadType:        "words of the file's own are read with --word, for example --word type:Ja=given",
		event.UnknownPurpose: "purposes of the file's own are read with --purpose \"its purpose=the silo's\"",
		event.UnknownMethod:  "words of the file's own are read with --word, for example --word method:Formular=form",
		event.BadTermination: "say when such consents end, as --default effective_until=2027-12-31",
		event.BadText:        "text that is not UTF-8 is read with --encoding, for example --encoding windows-1252",
		event.NoNotice:       "a notice that all lines share is given with --notice",
	}
	var found string
	for _, r := range sortedReasons(t) {
		if hint := hints[r.Reason]; hint != "" && t.Table == "" && 2*t.Reasons[r] >= t.Lines && !strings.Contains(found, hint) {
			found += "; " + hint
		}
	}
	return found
}

// withIntake opens the registry for events to come in.
func (c *Command) withIntake(ctx context.Context, silo string, do func(*pipeline.Pipeline, *Config, *pipeline.Intake) error) (err error) {
	p, config, err := c.load(ctx)
	if err != nil {
		return err
	}
	if _, ok := config.Silos[silo]; !ok {
		return fmt.Errorf("%w: silo %q is not under silos", pipeline.ErrConfig, silo)
	}
	intake, err := p.OpenIntake(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, intake.Close()) }()
	return do(p, config, intake)
}

func takeTable(ctx context.Context, p *pipeline.Pipeline, intake *pipeline.Intake, in origin) (pipeline.Taken, error) {
	i := slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == in.silo })
	if i < 0 {
		return pipeline.Taken{}, fmt.Errorf("%w: --from: the suppression list has no tables", pipeline.ErrConfig)
	}
	var all pipeline.Taken
	for j := range p.Silos[i].Silo.Consents {
		m := &p.Silos[i].Silo.Consents[j]
		if m.Source+"."+m.Table != in.from {
			continue
		}
		taken, err := intake.FromTable(ctx, p.Silos[i], m, in.dryRun)
		all = all.Plus(taken)
		if err != nil {
			return all, err
		}
	}
	if all.Silo == "" {
		return all, fmt.Errorf("%w: silo %s: %s is not under its consents: map its fields there", pipeline.ErrConfig, in.silo, in.from)
	}
	return all, nil
}

func (c *Command) takeFile(ctx context.Context, config *Config, intake *pipeline.Intake, in origin, path string) (taken pipeline.Taken, err error) {
	file := os.Stdin
	if path != "-" {
		if file, err = os.Open(path); err != nil {
			return taken, fmt.Errorf("%w: %w", errUsage, err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
	}
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
			return taken, fmt.Errorf("%w: --word: write column:word=what it means, for example type:Ja=given", errUsage)
		}
		if words[column] == nil {
			words[column] = map[string]string{}
		}
		words[column][word] = ours
	}
	return intake.Import(ctx, in.silo, delivery.Import{Reader: file, Format: format, Source: in.source, Columns: in.columns, Default: in.defaults, Notice: in.notice,
		Words: words, Dates: delivery.DayOrder(in.dates), Encoding: in.encoding,
		Country: cmp.Or(in.country, config.Silos[in.silo].Jurisdiction, config.Controller.Jurisdiction), Principal: in.principal, PurposeNames: in.purposes, DryRun: in.dryRun})
}

// rejectLines is how many refused lines are printed one by one.
const rejectLines = 20

// printTaken says what became of a delivery: of a file the first refused lines one by one, and all that is refused or does not count by reason.
func (c *Command) printTaken(t pipeline.Taken, dryRun bool) {
	what := "line"
	if t.Table != "" {
		what = "statement"
	}
	count := func(n int) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	fmt.Fprintf(c.Out, "%s: %d recorded, %d were there before, %d refused\n", count(t.Lines), t.Events, t.Duplicates, t.Refused)
	if t.Table != "" && t.Lines == 0 {
		fmt.Fprintf(c.Out, "  no row of %s.%s is in a state that the mapping names: compare the values under `when` with those of the table\n", t.Source, t.Table)
	}
	if t.Suppressed > 0 {
		fmt.Fprintf(c.Out, "  %d identifiers are new on the suppression list\n", t.Suppressed)
	}
	if t.Table == "" {
		for i, reject := range t.Rejects {
			if i < rejectLines {
				fmt.Fprintln(c.Out, "  "+reject.String())
			}
		}
	}
	if more := t.Refused - rejectLines; t.Table == "" && more > 0 {
		fmt.Fprintf(c.Out, "  and %d more; --json lists the first %d\n", more, delivery.MaxRejects)
	}
	if t.Table != "" || len(t.Rejects) > rejectLines {
		for _, reason := range sortedReasons(t) {
			fmt.Fprintf(c.Out, "  in all %s: %s\n", count(t.Reasons[reason]), reason.Error())
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(t.Unproven)) {
		fmt.Fprintf(c.Out, "  %s: %s: %s\n", count(t.Unproven[reason]), reason, t.Words(reason))
	}
	if dryRun {
		fmt.Fprintln(c.Out, "nothing was recorded: this was a dry run")
	}
}

// jsonTaken is what became of a delivery, for programs.
func jsonTaken(t pipeline.Taken) any {
	type reason struct {
		Reason event.Reason `json:"reason"`
		Column string       `json:"column,omitempty"`
		Count  int          `json:"count"`
	}
	type reject struct {
		Line   int          `json:"line"`
		Reason event.Reason `json:"reason"`
		Column string       `json:"column,omitempty"`
	}
	out := struct {
		Silo       string               `json:"silo"`
		Source     string               `json:"source"`
		Table      string               `json:"table,omitempty"`
		Read       int                  `json:"read"`
		Recorded   int                  `json:"recorded"`
		Known      int                  `json:"known"`
		Refused    int                  `json:"refused"`
		Suppressed int                  `json:"suppressed"`
		Unproven   map[event.Reason]int `json:"unproven,omitempty"`
		Reasons    []reason             `json:"reasons,omitempty"`
		Rejects    []reject             `json:"rejects,omitempty"` // the first of them; of a table none
	}{Silo: t.Silo, Source: t.Source, Table: t.Table, Read: t.Lines, Recorded: t.Events, Known: t.Duplicates, Refused: t.Refused, Suppressed: t.Suppressed, Unproven: t.Unproven}
	for _, r := range sortedReasons(t) {
		out.Reasons = append(out.Reasons, reason{r.Reason, r.Column, t.Reasons[r]})
	}
	if t.Table == "" {
		for _, r := range t.Rejects {
			out.Rejects = append(out.Rejects, reject(r))
		}
	}
	return out
}

func sortedReasons(t pipeline.Taken) []event.RefusedError {
	return slices.SortedFunc(maps.Keys(t.Reasons), func(a, b event.RefusedError) int { return cmp.Compare(a.Error(), b.Error()) })
}

func (c *Command) recordCommand() *cobra.Command {
	var ev struct {
		silo, purpose, typ, at, notice, method, evidence, id, collection, country string
		subjects                                                                  []string
		marketing                                                                 bool
	}
	cmd := &cobra.Command{
		Use: "record", Short: "Record one event: given, withdrawn, objected, erasure_requested, ...", Args: cobra.NoArgs,
		Long: `Record one event of one person. Who withdraws from marketing, or objects to it, goes onto the suppression list as well; a consent to marketing of somebody
on it is refused, unless it is of a later day and has evidence.`,
		Example: `  lethe consent record --silo newsletter --subject email=ada@example.org --purpose newsletter --type withdrawn
  lethe consent record --silo newsletter --subject email=ada@example.org --purpose newsletter --type given --notice privacy-v3 --method form --evidence form-9001`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e := event.Event{Type: event.Type(ev.typ), Purpose: ev.purpose, OccurredAt: c.Now(), Notice: ev.notice, Method: ev.method, Evidence: ev.evidence,
				Source: "lethe consent record", ID: ev.id, Marketing: ev.marketing, Collection: ev.collection}
			for _, s := range ev.subjects {
				subject, err := parseSubject(s)
				if err != nil {
					return err
				}
				e.Subjects = append(e.Subjects, subject)
			}
			if !slices.Contains(event.ImportedTypes(), ev.typ) {
				return fmt.Errorf("%w: --type %q: write one of %s", errUsage, ev.typ, strings.Join(event.ImportedTypes(), ", "))
			}
			return c.withIntake(cmd.Context(), ev.silo, func(p *pipeline.Pipeline, config *Config, intake *pipeline.Intake) error {
				if ev.at != "" {
					var err error
					if e.OccurredAt, e.Zone, err = delivery.ParseInstant(ev.at, p.Zone); err != nil {
						return fmt.Errorf("%w: --at: write 2026-06-11, 2026-06-11 09:30, or an instant as 2026-06-11T09:30:00Z", errUsage)
					}
				}
				if e.OccurredAt.After(c.Now().Add(time.Minute)) {
					return fmt.Errorf("%w: --at: the instant lies in the future, so the event would never be relied on: say when the person acted", errUsage)
				}
				e.Country = cmp.Or(ev.country, config.Silos[ev.silo].Jurisdiction, config.Controller.Jurisdiction)
				seq, listed, err := intake.Record(cmd.Context(), ev.silo, e)
				var refused *event.RefusedError
				switch {
				case errors.As(err, &refused) && refused.Reason == event.UnknownMethod:
					return fmt.Errorf("%w: --method %q: write one of %s", errUsage, ev.method, strings.Join(event.AffirmativeActs, ", "))
				case err != nil:
					return err
				case seq == 0:
					fmt.Fprintln(c.Out, "was recorded before")
				default:
					fmt.Fprintf(c.Out, "recorded as event %d of silo %s%s\n", seq, ev.silo, newlyListed(listed))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&ev.silo, "silo", "", "the silo")
	cmd.Flags().StringArrayVar(&ev.subjects, "subject", nil, "the person: kind=value, once for each identifier")
	cmd.Flags().StringVar(&ev.purpose, "purpose", "", "the purpose it is about")
	cmd.Flags().StringVar(&ev.typ, "type", "", "type of event")
	cmd.Flags().StringVar(&ev.at, "at", "", "when the person acted: 2006-01-02, 2006-01-02 15:04, or RFC 3339; default now")
	cmd.Flags().StringVar(&ev.notice, "notice", "", "id of the notice that was shown")
	cmd.Flags().StringVar(&ev.method, "method", "", "how the person acted")
	cmd.Flags().StringVar(&ev.evidence, "evidence", "", "reference to the proof; only its salted commitment is stored")
	cmd.Flags().StringVar(&ev.id, "id", "", "id of the event where it came from")
	cmd.Flags().StringVar(&ev.collection, "collection", "", "id of the form or order by which the data came")
	cmd.Flags().StringVar(&ev.country, "country", "", "country of a phone number without a prefix; default the silo's jurisdiction")
	cmd.Flags().BoolVar(&ev.marketing, "marketing", false, "the objection is to direct marketing (Art. 21(2))")
	required(cmd, "silo", "subject", "type")
	return cmd
}

// newlyListed says that an event put somebody onto the suppression list.
func newlyListed(identifiers int) string {
	switch identifiers {
	case 0:
		return ""
	case 1:
		return "; 1 identifier is new on the suppression list"
	}
	return fmt.Sprintf("; %d identifiers are new on the suppression list", identifiers)
}

// parseSubject reads kind=value.
func parseSubject(text string) (event.Subject, error) {
	kind, value, ok := strings.Cut(text, "=")
	if !ok || !identifier.Known(kind) {
		return event.Subject{}, fmt.Errorf("%w: --subject: write kind=value, for example email=ada@example.org", errUsage)
	}
	return event.Subject{Kind: kind, Value: value}, nil
}

func (c *Command) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Recompute every silo's hash chain", Args: cobra.NoArgs,
		Long: `Recompute every silo's hash chain, and look whether it still has the head that the last night saw: an event that was changed, removed, added or cut off at the end
shows. Then compare what stands beside the chain with it: whose the identifiers are, the holds and who placed, approved and released them, the requests and their
terms. It ends with 12 when anything does not hold. Who can write the database, the state folder and the reports can make all of them anew; keep the
manifest digests that each run prints out of the operator's reach.`,
		Example: "  lethe consent verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withRegistry(cmd.Context(), "", func(p *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
				heads, err := r.Heads(cmd.Context())
				if err != nil {
					return err
				}
				seen, err := p.SeenHeads(cmd.Context())
				if err != nil {
					return err
				}
				for silo := range seen { // one that is gone altogether
					if !slices.ContainsFunc(heads, func(h chain.Head) bool { return h.Silo == silo }) {
						heads = append(heads, chain.Head{Silo: silo})
					}
				}
				var errs []error
				for _, h := range heads {
					err := r.Verify(cmd.Context(), h.Silo, seen[h.Silo])
					if err == nil {
						key, _ := p.Keys.SiloKey(h.Silo) // none of a silo that ended
						err = r.VerifyRows(cmd.Context(), h.Silo, key)
					}
					if err != nil {
						errs = append(errs, err)
						fmt.Fprintf(c.Out, "%s: does not hold\n", h.Silo)
						continue
					}
					fmt.Fprintf(c.Out, "%s: %d events, chain holds, head %x\n", h.Silo, h.Seq, h.Hash[:8])
				}
				return errors.Join(errs...)
			})
		},
	}
}

func (c *Command) receiptCommand() *cobra.Command {
	var silo, subject, country, language string
	cmd := &cobra.Command{
		Use: "receipt", Short: "Print a person's consents of one silo as ISO/IEC TS 27560 records", Args: cobra.NoArgs,
		Long: "Print, as JSON, a record of each time that a person consented, refused or withdrew in one silo. Give it only to somebody whose identity was verified. What the standard\n" +
			"makes mandatory and neither the registry nor the configuration says is named at the end: add it to controller in the configuration.",
		Example: "  lethe consent receipt --silo newsletter --subject email=ada@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := parseSubject(subject)
			if err != nil {
				return err
			}
			config, err := Load(c.config)
			if err != nil {
				return err
			}
			return c.withRegistry(cmd.Context(), silo, func(_ *pipeline.Pipeline, r *registry.Registry, key *keystore.SiloKey) error {
				receipts, err := r.Receipts(cmd.Context(), key, who, country, config.receiptTerms(silo, language))
				if err != nil {
					return err
				}
				text, err := json.MarshalIndent(receipts, "", "  ")
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "%s\n", text)
				var missing []string
				for i := range receipts {
					missing = append(missing, receipts[i].Missing()...)
				}
				slices.Sort(missing)
				if missing = slices.Compact(missing); len(missing) > 0 {
					fmt.Fprintf(c.Err, "the standard wants more than is known: %s\n", strings.Join(missing, ", "))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	cmd.Flags().StringVar(&subject, "subject", "", "the person: kind=value")
	cmd.Flags().StringVar(&country, "country", "", "country of phone numbers without a prefix")
	cmd.Flags().StringVar(&language, "language", "", "language of the notices (ISO 639)")
	required(cmd, "silo", "subject")
	return cmd
}

// receiptTerms is what the configuration knows of a silo's consents.
func (c *Config) receiptTerms(name, language string) receipt.Terms {
	silo := c.Silos[name]
	terms := receipt.Terms{Language: language, Purposes: silo.Rules, Jurisdiction: cmp.Or(silo.Jurisdiction, c.Controller.Jurisdiction), Recipients: c.Controller.Recipients,
		WithdrawalMethod: c.Controller.Withdrawal, Controller: receipt.Party{ID: c.Controller.Name, Name: c.Controller.Name, Address: c.Controller.Address,
			Contact: c.Controller.Contact, Role: "PII controller"}}
	for _, records := range silo.Records {
		if at := c.Sources[records.Source].Location; at != "" && !slices.Contains(terms.StorageLocations, at) {
			terms.StorageLocations = append(terms.StorageLocations, at)
		}
	}
	return terms
}

func (c *Command) registryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "Create the consent registry"}
	cmd.AddCommand(&cobra.Command{
		Use: "init", Short: "Create an empty registry where the configuration says", Args: cobra.NoArgs,
		Example: "  lethe registry init",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if err := registry.Create(cmd.Context(), p.Registry); err != nil {
				return err
			}
			fmt.Fprintln(c.Out, "created the registry: import consents with `lethe consent import`")
			return nil
		},
	})
	return cmd
}
