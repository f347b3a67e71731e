package jobs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/registry/receipt"
)

func consentReceiptCommand(c *Command) *cobra.Command {
	var silo, subject, country, language string
	cmd := &cobra.Command{
		Use: "receipt", Short: "Print a person's consents of one silo as ISO/IEC TS 27560 records", Args: cobra.NoArgs,
		Long: "Print, as JSON, a record of each time that a person consented, refused or withdrew in one silo. Give " +
			"it only to somebody whose identity was verified. What the standard\n" +
			"makes mandatory and neither the registry nor the configuration says is named at the end: add it to " +
			"controller in the configuration.",
		Example: "  lethe consent receipt --silo newsletter --subject email=ada@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := parseSubject(subject)
			if err != nil {
				return err
			}
			return c.withRegistry(cmd.Context(), silo, func(o opened) error {
				terms := receiptTerms(o.cfg, silo, language)
				receipts, err := o.registry.Receipts(cmd.Context(), o.key, who, country, terms)
				if err != nil {
					return err
				}
				text, err := json.MarshalIndent(receipts, "", "  ")
				if err != nil {
					return err
				}
				fmt.Fprintf(c.data, "%s\n", text)
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
func receiptTerms(c *config.Config, name, language string) receipt.Terms {
	silo := c.Silos[name]
	terms := receipt.Terms{Language: language, Purposes: silo.Rules, Jurisdiction: c.Country(name),
		Recipients:       c.Controller.Recipients,
		WithdrawalMethod: c.Controller.Withdrawal, Controller: receipt.Party{ID: c.Controller.Name,
			Name: c.Controller.Name, Address: c.Controller.Address,
			Contact: c.Controller.Contact, Role: "PII controller"}}
	for _, records := range silo.Records {
		if at := c.Sources[records.Source].Location; at != "" && !slices.Contains(terms.StorageLocations, at) {
			terms.StorageLocations = append(terms.StorageLocations, at)
		}
	}
	return terms
}
