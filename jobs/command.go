// Package jobs is the command line around the night. Its nouns: the Command, which is what the command line
// touches of the outside, and one function a command that makes it, each in a file of its own name
// (keys_rotate.go is `lethe keys rotate`). What a configuration says is package config's, when jobs run
// package schedule's, and what an error ends with the pipeline's.
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
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lethe/jobs/config"
	"lethe/pipeline/adopted"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
	"lethe/pipeline/state"
)

// Command is the command line with what it touches of the outside.
type Command struct {
	Out, Err io.Writer
	Now      func() time.Time
	Shuffle  func(n int, swap func(i, j int)) // of the events of a delivery; nil: at random
	Crash    func(point string)               // called at named points of a night; tests kill the process there
	Grace    time.Duration                    // how long a command may go on that somebody stopped; 0 until it ends by itself
	names    *shown.Names                     // as the configuration, or what was named instead, has them; nil before it is read
	data     io.Writer                        // Out for programs: values of records, which are nobody's to alter
	screen   *os.File                         // the terminal that Err is, nil where it is none
	config   string
	// where the passphrases of the files of signing keys stand, in the order of the files
	passphrases []string
	json        bool
	started     bool // the arguments are understood and a command is at work
}

// Main runs the command line and returns the exit code.
func Main(args []string) int {
	return (&Command{Out: os.Stdout, Err: os.Stderr, Now: time.Now, Crash: func(string) {}, Grace: Grace}).Run(args)
}

// Grace is enough to roll back, to close and, mostly, to write the report of what was done; another report is written
// by the next start. What lasts longer waits for what no signal reaches: a file on a dead network share.
const Grace = 20 * time.Second

// Run runs one command. Only here do errors become words, hints and exit codes.
func (c *Command) Run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f, ok := c.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.screen = f
	}
	show := func(w io.Writer) io.Writer { return shown.Writer{To: w, Names: func() *shown.Names { return c.names }} }
	c.data, c.Out, c.Err = c.Out, show(c.Out), show(c.Err)
	defer c.stopped(ctx, stop)()
	root := root(c)
	root.SetArgs(args)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Canceled) {
		err = ctx.Err() // what was cut off failed in words of its own
	}
	if err != nil && !c.started && !errors.Is(err, setup.ErrUsage) {
		err = fmt.Errorf("%w: %w: see `lethe --help`", setup.ErrUsage, err)
	}
	for _, line := range explained(err) {
		fmt.Fprintln(c.Err, "lethe: "+line)
	}
	return setup.ExitCode(err)
}

// stopped lets a second signal end the program at once, and ends it when the command does not within the grace. Every
// moment is one at which a night may be killed. The command calls done when it ends.
func (c *Command) stopped(ctx context.Context, stop func()) (done func()) {
	ended := make(chan struct{})
	untold := context.AfterFunc(ctx, func() {
		stop() // the next signal does what signals do
		if c.Grace == 0 {
			return
		}
		select {
		case <-ended:
		case <-time.After(c.Grace):
			fmt.Fprintf(c.Err, "lethe: what was waited for did not end within %s: a file, or a terminal, that does not "+
				"answer?\nlethe: %s\n", c.Grace, interrupted)
			os.Exit(130)
		}
	})
	return func() { untold(); close(ended) }
}

// interrupted is what whoever stopped a command wants to know.
const interrupted = "interrupted: what was recorded or changed before stays; the same command goes on from there"

// explained is what an error says on the standard error, line by line.
func explained(err error) []string {
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !slices.Contains(lines, line) { // what several met at once is said once
			lines = append(lines, line)
		}
	}
	if setup.ExitCode(err) == 130 {
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return strings.Contains(line, context.Canceled.Error())
		})
		lines = append(lines, interrupted)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		lines = append(lines, "a disk is full: free space in the folder that is named above; what was recorded or "+
			"changed before stays, and the same command, or the next night, goes on from there")
	}
	return lines
}

func root(c *Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "lethe",
		Short: "Keep the stores of personal data true to what people agreed to",
		Long: `Lethe reads every connected database and its backups each night, finds the personal data in them,
compares each record with the consent registry, and expires, anonymizes or deletes what is out of
consent. It leaves Parquet reports and one page that a data protection officer can prove.

Without --apply it never changes anything.`,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
				return fmt.Errorf("%w: %w: see `%s --help`", setup.ErrUsage, err, cmd.CommandPath())
			}
			c.started = true
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w: see `%s --help`", setup.ErrUsage, err, cmd.CommandPath())
	})
	root.PersistentFlags().StringVarP(&c.config, "config", "c", "lethe.yaml", "configuration file")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON where a program would read it")
	root.AddCommand(initCommand(c), checkCommand(c), doctorCommand(c), discoverCommand(c), reviewCommand(c),
		planCommand(c), approveCommand(c),
		applyCommand(c), runCommand(c), scheduleCommand(c),
		statusCommand(c), metricsCommand(c), stateCommand(c), explainCommand(c), reportCommand(c), auditCommand(c), consentCommand(c),
		registryCommand(c), policyCommand(c), orderCommand(c), incidentCommand(c), attestCommand(c), backupCommand(c), sanitizeCommand(c), keysCommand(c), holdCommand(c), requestCommand(c),
		connectorsCommand(c), classifiersCommand(c), versionCommand(c))
	for _, group := range root.Commands() {
		refuseUnknown(group)
		takePassphrases(c, group)
	}
	return root
}

// refuseUnknown makes a word that is none of a group's commands an error: cobra prints the group's help for
// it and ends with 0, which cron takes for success.
func refuseUnknown(group *cobra.Command) {
	if !group.HasSubCommands() || group.Runnable() {
		return
	}
	group.Args, group.DisableFlagsInUseLine = cobra.ArbitraryArgs, true
	group.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return fmt.Errorf("%w: unknown command %q: see `%s --help`", setup.ErrUsage, args[0], cmd.CommandPath())
	}
}

// load builds the pipeline from the configuration, with progress on a terminal and log lines elsewhere.
func (c *Command) load(ctx context.Context) (*setup.Setup, *config.Config, error) {
	cfg, err := config.Load(c.config)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.build(ctx, cfg)
	if err != nil {
		return p, cfg, err
	}
	p, err = adopted.JudgeNow(ctx, p)
	return p, cfg, err
}

// build wires what a configuration says with what the command line touches of the outside.
func (c *Command) build(ctx context.Context, cfg *config.Config) (*setup.Setup, error) {
	p, err := cfg.Build(ctx, c.logger())
	if err != nil {
		return nil, err
	}
	c.names = p.Names
	p.Registry.Wrote = func(ctx context.Context, heads []chain.Head, anew bool) error {
		return state.NoteHeads(ctx, p, heads, anew)
	}
	p.Now, p.Crash, p.Registry.Now, p.Version = c.Now, c.Crash, c.Now, version()
	p.Registry.Shuffle = c.Shuffle
	return p, nil
}

// logger writes structured lines; on a terminal only what went wrong, the rest is the progress bar's.
func (c *Command) logger() *slog.Logger {
	if c.terminal() {
		return slog.New(slog.NewTextHandler(c.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.NewJSONHandler(c.Err, nil))
}

func (c *Command) terminal() bool { return c.screen != nil }

func (c *Command) printJSON(v any) error {
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
