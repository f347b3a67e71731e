package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lethe/connectors"
	"lethe/pipeline"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// Command is the command line with what it touches of the outside.
type Command struct {
	Out, Err io.Writer
	Now      func() time.Time
	Crash    func(point string) // called at named points of a night; tests kill the process there
	config   string
	json     bool
	started  bool // the arguments are understood and a command is at work
}

// Main runs the command line and returns the exit code (decisions.md, 32).
func Main(args []string) int {
	return (&Command{Out: os.Stdout, Err: os.Stderr, Now: time.Now, Crash: func(string) {}}).Run(args)
}

// Run runs one command. Only here do errors become words, hints and exit codes.
func (c *Command) Run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := c.root()
	root.SetArgs(args)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && !c.started && !errors.Is(err, errUsage) {
		err = fmt.Errorf("%w: %w: see `lethe --help`", errUsage, err)
	}
	for _, line := range explained(err) {
		fmt.Fprintln(c.Err, "lethe: "+line)
	}
	return exitCode(err)
}

// explained is what an error says on the standard error, line by line.
func explained(err error) []string {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	if exitCode(err) == 130 {
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, context.Canceled.Error()) })
		lines = append(lines, "interrupted: what was recorded or changed before stays; the same command goes on from there")
	}
	return lines
}

// exitCode adds to the codes of a night those of errors that arise before one.
func exitCode(err error) int {
	code := pipeline.ExitCode(err)
	if code != 1 {
		return code
	}
	for _, k := range []struct {
		err  error
		code int
	}{
		{connectors.ErrConfig, 2}, {connectors.ErrPlaintext, 2}, {errors.ErrUnsupported, 2}, {keystore.ErrMissing, 2}, {keystore.ErrReadable, 2}, {keystore.ErrDestroyed, 2},
		{registry.ErrRefused, 2}, {registry.ErrDelivery, 2}, {registry.ErrKeyVersion, 10}, {registry.ErrTampered, 12}, {registry.ErrMissing, 10}, {registry.ErrUnreachable, 10}, {registry.ErrEmpty, 10}, {registry.ErrLocked, 11}, {registry.ErrUnknownSilo, 10},
		{connectors.ErrSchemaChanged, 13}, {connectors.ErrUnreachable, 3}, {connectors.ErrDenied, 3}, {connectors.ErrDamaged, 3}, {connectors.ErrTransient, 3},
		{errUsage, 2}, {pipeline.ErrWaiting, 4},
	} {
		if errors.Is(err, k.err) {
			return k.code
		}
	}
	return 1
}

var errUsage = errors.New("usage")

func (c *Command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lethe",
		Short: "Keep the stores of personal data true to what people agreed to",
		Long: `Lethe reads every connected database and its backups each night, finds the personal data in them, compares each record with the consent
registry, and expires, anonymizes or deletes what is out of consent. It leaves Parquet reports and one page that a data protection officer can prove.

Without --apply it never changes anything.`,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
				return fmt.Errorf("%w: %w: see `%s --help`", errUsage, err, cmd.CommandPath())
			}
			c.started = true
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w: see `%s --help`", errUsage, err, cmd.CommandPath())
	})
	root.PersistentFlags().StringVarP(&c.config, "config", "c", "lethe.yaml", "configuration file")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON where a program would read it")
	root.AddCommand(c.initCommand(), c.checkCommand(), c.discoverCommand(), c.planCommand(), c.approveCommand(), c.applyCommand(), c.runCommand(), c.scheduleCommand(),
		c.statusCommand(), c.explainCommand(), c.reportCommand(), c.auditCommand(), c.consentCommand(), c.registryCommand(), c.policyCommand(), c.keysCommand(), c.holdCommand(), c.requestCommand(),
		c.connectorsCommand(), c.classifiersCommand(), c.versionCommand())
	for _, group := range root.Commands() {
		refuseUnknown(group)
	}
	return root
}

// refuseUnknown makes a word that is none of a group's commands an error: cobra prints the group's help for it and ends with 0, which cron takes for success.
func refuseUnknown(group *cobra.Command) {
	if !group.HasSubCommands() || group.Runnable() {
		return
	}
	group.Args, group.DisableFlagsInUseLine = cobra.ArbitraryArgs, true
	group.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return fmt.Errorf("%w: unknown command %q: see `%s --help`", errUsage, args[0], cmd.CommandPath())
	}
}

// load builds the pipeline from the configuration, with progress on a terminal and log lines elsewhere.
func (c *Command) load(ctx context.Context) (*pipeline.Pipeline, *Config, error) {
	config, err := Load(c.config)
	if err != nil {
		return nil, nil, err
	}
	p, err := config.Build(ctx, c.logger())
	if err != nil {
		return nil, nil, err
	}
	p.Now, p.Crash, p.Registry.Now = c.Now, c.Crash, c.Now
	return p, config, nil
}

// logger writes structured lines; on a terminal only what went wrong, the rest is the progress bar's.
func (c *Command) logger() *slog.Logger {
	if c.terminal() {
		return slog.New(slog.NewTextHandler(c.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.NewJSONHandler(c.Err, nil))
}

func (c *Command) terminal() bool {
	f, ok := c.Err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// nightFlags are the flags that commands which run a night share.
type nightFlags struct {
	asOf, until, job string
	apply, again     bool
	detailed         bool
	full             bool // read every row
	sample           int  // of tables that no silo covers; 0 as configured
}

func (f *nightFlags) register(cmd *cobra.Command, apply bool) {
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "decide as of this civil date or instant (2006-01-02 or RFC 3339); default now")
	cmd.Flags().StringVar(&f.job, "job", "nightly", "name of the job, part of what makes a night unique")
	if apply {
		cmd.Flags().BoolVar(&f.apply, "apply", false, "change sources and registry; without it the run only says what it would do")
		cmd.Flags().BoolVar(&f.again, "again", false, "run although this night is already done")
		cmd.Flags().StringVar(&f.until, "until", "", "start nothing new after this time of day (15:04)")
		cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 4 when a plan waits for approval")
	}
}

// options resolves the flags in the controller's zone. A civil date means the last second of that day: what ends on it has ended.
func (f *nightFlags) options(p *pipeline.Pipeline) (pipeline.Options, error) {
	o := pipeline.Options{Job: f.job, Apply: f.apply, Again: f.again, Full: f.full}
	if f.sample > 0 {
		p.Sampling = pipeline.Sampling{Rows: f.sample}
	}
	if f.asOf != "" {
		if day, err := time.ParseInLocation(time.DateOnly, f.asOf, p.Zone); err == nil {
			o.AsOf = time.Date(day.Year(), day.Month(), day.Day(), 1, 15, 0, 0, p.Zone)
		} else if o.AsOf, err = time.Parse(time.RFC3339, f.asOf); err != nil {
			return o, fmt.Errorf("%w: --as-of %q: write 2006-01-02, or an instant as RFC 3339 has it", errUsage, f.asOf)
		}
	}
	if f.until != "" {
		at, err := time.Parse("15:04", f.until)
		if err != nil {
			return o, fmt.Errorf("%w: --until %q: write a time of day as 15:04", errUsage, f.until)
		}
		now := p.Now().In(p.Zone)
		o.Until = time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, p.Zone)
		if !o.Until.After(now) {
			o.Until = o.Until.AddDate(0, 0, 1)
		}
	}
	return o, nil
}

// night runs one night and prints its result.
func (c *Command) night(ctx context.Context, f nightFlags, phases pipeline.Phases) error {
	p, config, err := c.load(ctx)
	if err != nil {
		return err
	}
	o, err := f.options(p)
	if err != nil {
		return err
	}
	o.Phases = phases
	if phases == pipeline.ApplyOnly {
		o.Apply = true
	}
	stop := c.progress(p)
	result, err := p.Run(ctx, o)
	stop()
	c.printResult(p, result, o)
	if o.Apply && !result.AlreadyDone {
		config.notify(ctx, p.Log, p, o.Job, result, err)
	}
	if err == nil && f.detailed && len(result.Waiting) > 0 {
		return pipeline.ErrWaiting
	}
	return err
}

func (c *Command) runCommand() *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Do one night: discover, plan, apply what is approved, report", Args: cobra.NoArgs,
		Example: "  lethe run                        # says what it would do\n  lethe run --apply --until 05:00  # for cron and systemd",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.night(cmd.Context(), f, pipeline.WholeNight) },
	}
	f.register(cmd, true)
	return cmd
}

func (c *Command) applyCommand() *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "apply", Short: "Apply the plans that have been approved, and settle what a crash interrupted", Args: cobra.NoArgs,
		Example: "  lethe apply",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.night(cmd.Context(), f, pipeline.ApplyOnly) },
	}
	f.register(cmd, false)
	return cmd
}

func (c *Command) planCommand() *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "plan", Short: "Seal a plan and change nothing", Args: cobra.NoArgs,
		Example: "  lethe plan\n  lethe plan --as-of 2027-01-01   # what would be due by then\n  lethe plan show",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.night(cmd.Context(), f, pipeline.PlanOnly) },
	}
	f.register(cmd, false)
	show := &cobra.Command{
		Use: "show [plan]", Short: "List the plans, or one in full: counts, reasons, who has to answer", Args: cobra.MaximumNArgs(1),
		Example: "  lethe plan show\n  lethe plan show 0190f3",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			return c.showPlans(cmd.Context(), p, strings.Join(args, ""))
		},
	}
	cmd.AddCommand(show)
	return cmd
}

func (c *Command) approveCommand() *cobra.Command {
	var as, key, comment string
	var reject, object bool
	cmd := &cobra.Command{
		Use: "approve <plan>", Short: "Sign an answer to a waiting plan: approve, reject, or object", Args: cobra.ExactArgs(1),
		Example: "  lethe approve 0190f3 --as anna --key anna.key\n  lethe approve 0190f3 --as bo --key bo.key --reject --comment \"wrong table\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			signer, err := keystore.LoadPerson(key)
			if err != nil {
				return err
			}
			decision := "approve"
			if reject {
				decision = "reject"
			} else if object {
				decision = "object"
			}
			state, err := p.Approve(cmd.Context(), args[0], as, decision, comment, signer)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: %s recorded; the plan is %s\n", as, decision, state)
			if state == "waiting" {
				missing, err := p.WaitsFor(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "still needed: %s\n", strings.Join(missing, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who answers: a name under people")
	cmd.Flags().StringVar(&key, "key", "", "file with that person's signing key")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	cmd.Flags().BoolVar(&reject, "reject", false, "reject the plan: it is never applied")
	cmd.Flags().BoolVar(&object, "object", false, "object as data protection officer")
	cmd.MarkFlagsMutuallyExclusive("reject", "object")
	for _, f := range []string{"as", "key"} {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err)
		}
	}
	return cmd
}

func (c *Command) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, keys, registry and sources, and change nothing", Args: cobra.NoArgs,
		Example: "  lethe check",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, config, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			checks, err := p.Check(cmd.Context())
			for _, line := range append(checks, config.scheduleRemarks(c.Now())...) {
				fmt.Fprintln(c.Out, line)
			}
			return err
		},
	}
}

func (c *Command) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say when a night last succeeded, what waits, and who holds the lock", Args: cobra.NoArgs,
		Example: "  lethe status --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			s, err := p.Status(cmd.Context())
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(s)
			}
			c.printStatus(p, s)
			return nil
		},
	}
}

func (c *Command) explainCommand() *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "explain <source>.<table> <key>...", Short: "Say why a record was, or would be, kept or deleted", Args: cobra.MinimumNArgs(2),
		Example: "  lethe explain crm.customers 42\n  lethe explain crm.customers 42 --as-of 2028-01-01   # as things stand, what would be decided then",
		RunE: func(cmd *cobra.Command, args []string) error {
			source, table, ok := strings.Cut(args[0], ".")
			if !ok {
				return fmt.Errorf("%w: name the table as source.table", errUsage)
			}
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.decideAt(p); err != nil {
				return err
			}
			answers, err := p.Explain(cmd.Context(), source, table, args[1:])
			for _, l := range slices.Concat(answers...) {
				fmt.Fprintln(c.Out, l)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "decide as of this civil date or instant (2006-01-02 or RFC 3339); default now")
	return cmd
}

// decideAt makes --as-of the present of a pipeline that only looks.
func (f *nightFlags) decideAt(p *pipeline.Pipeline) error {
	o, err := f.options(p)
	if err == nil && !o.AsOf.IsZero() {
		p.Now = func() time.Time { return o.AsOf }
	}
	return err
}

func (c *Command) reportCommand() *cobra.Command {
	var fromJournal bool
	cmd := &cobra.Command{
		Use: "report [run]", Short: "Make the report of a run anew from the journal", Args: cobra.MaximumNArgs(1),
		Example: "  lethe report --from-journal",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			r, err := p.Republish(cmd.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "report    %s\nmanifest  %s\n", r.Report, r.Manifest)
			return nil
		},
	}
	cmd.Flags().BoolVar(&fromJournal, "from-journal", true, "the journal is what reports are made from")
	return cmd
}

func (c *Command) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		fmt.Fprintln(c.Out, "lethe "+version())
		return nil
	}}
}

// version is the one that the toolchain stamped into the binary: a tag, or the commit it was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (c *Command) connectorsCommand() *cobra.Command {
	return &cobra.Command{Use: "connectors", Short: "List what Lethe can open", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		for _, k := range Connectors() {
			fmt.Fprintf(c.Out, "%-10s %s\n", k.Name, k.About)
		}
		return nil
	}}
}

func (c *Command) printJSON(v any) error {
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// relative shortens a path for people.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if r, err := filepath.Rel(wd, path); err == nil && len(r) < len(path) {
		return r
	}
	return path
}
