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
	"lethe/pipeline/registry/keystore"
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
		Use: "consent", Short: "Bring consents into the registry, and look at what it holds",
		Long: `The registry keeps, per silo, what people agreed to: an append-only log of events. An import is a CSV file with a header (or JSON Lines with the same
names), one event a line:

  email,purpose,type,occurred_at,notice,method,evidence,id
  ada@example.org,newsletter,given,2025-03-01T10:00:00Z,privacy-v3,form,form-8812,ev-1

The person is named by one or more identifier columns: ` + "email, phone, customer-number, username, national-id:CC" + `. They are turned into keyed references and not stored.
method is one of ` + strings.Join(registry.AffirmativeActs, ", ") + `.
Types: given, renewed, withdrawn, refused, objected, restricted, erasure_requested and more. given and renewed need a notice. Consent by 'continued
browsing' or a pre-ticked box is refused (GDPR Art. 4(11)). Importing a file again does no harm.`,
	}
	var in struct {
		silo, source, format, notice, country string
		principal                             string
		purposes                              map[string]string
		dryRun                                bool
	}
	imp := &cobra.Command{
		Use: "import <file>", Short: "Import events from a CSV or JSON Lines file, or from consent receipts", Args: cobra.ExactArgs(1),
		Example: "  lethe consent import --silo newsletter --source crm consents.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), in.silo, func(p *pipeline.Pipeline, r *registry.Registry, key *keystore.SiloKey) (err error) {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				format := registry.Format(in.format)
				if format == "" {
					format = registry.CSV
					if ext := filepath.Ext(args[0]); ext == ".jsonl" || ext == ".ndjson" {
						format = registry.JSONL
					}
				}
				silo := p.Silos[slices.IndexFunc(p.Silos, func(s *policy.Compiled) bool { return s.Silo.Name == in.silo })]
				var purposes []string
				for _, rule := range silo.Silo.Rules {
					purposes = append(purposes, rule.Purpose)
				}
				report, err := r.Import(cmd.Context(), registry.Import{Keys: key, Reader: f, Format: format, Source: in.source, Zone: p.Zone, Country: in.country, Purposes: purposes,
					Notice: in.notice, Principal: in.principal, PurposeNames: in.purposes, DryRun: in.dryRun})
				fmt.Fprintf(c.Out, "%d lines: %d recorded, %d were there before, %d refused\n", report.Lines, report.Events, report.Duplicates, report.Refused)
				c.printRejects(report)
				if err == nil && report.Refused > 0 {
					err = fmt.Errorf("%w: %d lines were refused; the others are recorded: correct them and import the file again", registry.ErrRefused, report.Refused)
				}
				return err
			})
		},
	}
	imp.Flags().StringVar(&in.silo, "silo", "", "the silo that receives the events")
	imp.Flags().StringVar(&in.source, "source", "", "who delivers them; part of what recognises a repeated event")
	imp.Flags().StringVar(&in.format, "format", "", "csv, jsonl, kantara (consent receipts 1.1) or iso27560 (records); default csv, or jsonl by the file's ending")
	imp.Flags().StringVar(&in.principal, "principal", "", "kind of the person's id in receipts and records; default email")
	imp.Flags().StringToStringVar(&in.purposes, "purpose", nil, "purpose as receipts write it=purpose of the silo")
	imp.Flags().StringVar(&in.notice, "notice", "", "notice for lines that name none")
	imp.Flags().StringVar(&in.country, "country", "", "country of phone numbers without a prefix")
	imp.Flags().BoolVar(&in.dryRun, "dry-run", false, "check everything, record nothing")

	var ev struct {
		silo, subject, purpose, typ, at, notice, method, evidence, id string
		marketing                                                     bool
	}
	record := &cobra.Command{
		Use: "record", Short: "Record one event: given, withdrawn, objected, erasure_requested, ...", Args: cobra.NoArgs,
		Example: "  lethe consent record --silo newsletter --subject email=ada@example.org --purpose newsletter --type withdrawn",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, value, ok := strings.Cut(ev.subject, "=")
			if !ok {
				return fmt.Errorf("%w: --subject: write kind=value, for example email=ada@example.org", errUsage)
			}
			return c.withRegistry(cmd.Context(), ev.silo, func(p *pipeline.Pipeline, r *registry.Registry, key *keystore.SiloKey) error {
				e := registry.Event{Type: registry.EventType(ev.typ), Subjects: []registry.Subject{{Kind: kind, Value: value}}, Purpose: ev.purpose, OccurredAt: c.Now(), Notice: ev.notice,
					Method: ev.method, Evidence: ev.evidence, Source: "lethe consent record", ID: ev.id, Marketing: ev.marketing}
				if ev.at != "" {
					at, err := time.Parse(time.RFC3339, ev.at)
					if err != nil {
						return fmt.Errorf("%w: --at: write an instant as 2026-11-21T10:00:00Z", errUsage)
					}
					e.OccurredAt = at
				}
				seq, err := r.Append(cmd.Context(), key, e)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "recorded as event %d of silo %s\n", seq, ev.silo)
				return nil
			})
		},
	}
	record.Flags().StringVar(&ev.silo, "silo", "", "the silo")
	record.Flags().StringVar(&ev.subject, "subject", "", "the person: kind=value")
	record.Flags().StringVar(&ev.purpose, "purpose", "", "the purpose it is about")
	record.Flags().StringVar(&ev.typ, "type", "", "type of event")
	record.Flags().StringVar(&ev.at, "at", "", "when the person acted (RFC 3339); default now")
	record.Flags().StringVar(&ev.notice, "notice", "", "id of the notice that was shown")
	record.Flags().StringVar(&ev.method, "method", "", "how the person acted")
	record.Flags().StringVar(&ev.evidence, "evidence", "", "reference to the proof; only its salted commitment is stored")
	record.Flags().StringVar(&ev.id, "id", "", "id of the event where it came from")
	record.Flags().BoolVar(&ev.marketing, "marketing", false, "the objection is to direct marketing (Art. 21(2))")

	verify := &cobra.Command{
		Use: "verify", Short: "Recompute every silo's hash chain", Args: cobra.NoArgs,
		Example: "  lethe consent verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withRegistry(cmd.Context(), "", func(p *pipeline.Pipeline, r *registry.Registry, _ *keystore.SiloKey) error {
				heads, err := r.Heads(cmd.Context())
				if err != nil {
					return err
				}
				for _, h := range heads {
					if err := r.Verify(cmd.Context(), h.Silo, registry.Head{}); err != nil {
						return err
					}
					fmt.Fprintf(c.Out, "%s: %d events, chain holds, head %x\n", h.Silo, h.Seq, h.Hash[:8])
				}
				return nil
			})
		},
	}
	receipt := c.receiptCommand()
	for flag, of := range map[string][]*cobra.Command{"silo": {imp, record, receipt}, "source": {imp}, "subject": {record, receipt}, "type": {record}} {
		for _, sub := range of {
			if err := sub.MarkFlagRequired(flag); err != nil {
				panic(err)
			}
		}
	}
	cmd.AddCommand(imp, record, verify, receipt, c.syncCommand(), c.verifyCopyCommand())
	return cmd
}

func (c *Command) receiptCommand() *cobra.Command {
	var silo, subject, country, language string
	cmd := &cobra.Command{
		Use: "receipt", Short: "Print a person's consents of one silo as ISO/IEC TS 27560 records", Args: cobra.NoArgs,
		Long: "Print, as JSON, a record of each time that a person consented, refused or withdrew in one silo. Give it only to somebody whose identity was verified. What the standard\n" +
			"makes mandatory and neither the registry nor the configuration says is named at the end: add it to controller in the configuration.",
		Example: "  lethe consent receipt --silo newsletter --subject email=ada@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, value, ok := strings.Cut(subject, "=")
			if !ok {
				return fmt.Errorf("%w: --subject: write kind=value, for example email=ada@example.org", errUsage)
			}
			config, err := Load(c.config)
			if err != nil {
				return err
			}
			return c.withRegistry(cmd.Context(), silo, func(_ *pipeline.Pipeline, r *registry.Registry, key *keystore.SiloKey) error {
				receipts, err := r.Receipts(cmd.Context(), key, registry.Subject{Kind: kind, Value: value}, country, config.receiptTerms(silo, language))
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
	return cmd
}

// receiptTerms is what the configuration knows of a silo's consents.
func (c *Config) receiptTerms(name, language string) registry.ReceiptTerms {
	silo := c.Silos[name]
	terms := registry.ReceiptTerms{Language: language, Purposes: silo.Rules, Jurisdiction: cmp.Or(silo.Jurisdiction, c.Controller.Jurisdiction), Recipients: c.Controller.Recipients,
		WithdrawalMethod: c.Controller.Withdrawal, Controller: registry.ReceiptParty{ID: c.Controller.Name, Name: c.Controller.Name, Address: c.Controller.Address,
			Contact: c.Controller.Contact, Role: "PII controller"}}
	for _, records := range silo.Records {
		if at := c.Sources[records.Source].Location; at != "" && !slices.Contains(terms.StorageLocations, at) {
			terms.StorageLocations = append(terms.StorageLocations, at)
		}
	}
	return terms
}

// rejectLines is how many refused lines are printed one by one.
const rejectLines = 20

// printRejects says why lines were refused: the first ones one by one, all of them counted by reason.
func (c *Command) printRejects(report registry.ImportReport) {
	counts := map[string]int{}
	for i, reject := range report.Rejects {
		if i < rejectLines {
			fmt.Fprintln(c.Out, "  "+reject.String())
		}
		counts[string(reject.Reason)+" "+reject.Column]++
	}
	if len(report.Rejects) > rejectLines {
		for _, reason := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(c.Out, "  in all %d lines: %s\n", counts[reason], strings.TrimSpace(reason))
		}
	}
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
