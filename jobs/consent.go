package jobs

import "github.com/spf13/cobra"

func consentCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "consent", Short: "Bring consents into the registry, and see who may still be mailed",
		Long: consentHelp,
	}
	cmd.AddCommand(consentImportCommand(c), consentRecordCommand(c), consentAllowedCommand(c), consentShowCommand(c),
		consentVerifyCommand(c), consentReceiptCommand(c), consentSyncCommand(c), consentVerifyCopyCommand(c))
	return cmd
}

// consentHelp leads from nothing to a list of those who may be mailed.
var consentHelp = `The registry keeps, per silo (one kind of collecting: a form, a contract), what people agreed to: an
append-only log of events. Addresses are turned into keyed references and not stored.

From nothing to who may still be mailed:

  1. A key for the person who answers for the rules. It prints one line, for step 2:

       lethe keys new --out anna.key

  2. A file lethe.yaml. With ` + "`records`" + ` a silo also governs the tables in which its people are (see
     ` + "`lethe init`" + `); without, it only answers:

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
             - {purpose: suppression, basis: legal_obligation,
                because: "Art. 21(3)", owner: anna, review_by: 2027-12-31}

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

Columns: a person is named by one or more of email, phone, customer-number, username, national-id:CC. type is
given, renewed, withdrawn, refused, objected, restricted, erasure_requested or another of
` + "`lethe consent import --help`" + `. given and renewed need a notice (what was shown) and count only with
evidence (what proves it; a reference is enough). Consent by 'continued browsing' or a pre-ticked box is
refused (GDPR Art. 4(11)). Importing a file again does no harm.`
