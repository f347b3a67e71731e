package jobs

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	audit "lethe/pipeline/audit/page"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
)

// renderFlags say in which language pages are made, and where they go.
type renderFlags struct {
	language, to string
	pdf          bool
}

func (r *renderFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.language, "language", "", "`code` of the language: en, es, it, nl, pl or sv (that of the configuration)")
	cmd.Flags().StringVar(&r.to, "to", ".", "`folder` that the pages are written to")
	cmd.Flags().BoolVar(&r.pdf, "pdf", false, "also print to PDF, by Chromium, where it is installed")
}

func reportRenderCommand(c *Command) *cobra.Command {
	var r renderFlags
	cmd := &cobra.Command{
		Use: "render [run]", Short: "Make the pages of a run again, in a language and as PDF, for somebody to read",
		Long: `Make the pages of a run again from the journal, the newest by default, in another language or as PDF. They are
written to a folder of yours; what was published and signed stays as it is, and these pages say the same.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  lethe report render --language it --to for-the-meeting --pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			language := cmp.Or(r.language, p.Language)
			pages, day, err := report.Again(cmd.Context(), p, strings.Join(args, ""), language)
			if err != nil {
				return err
			}
			to := filepath.Join(r.to, "night-"+day+"-"+cmp.Or(language, "en"))
			return c.writePages(cmd.Context(), pages, to, r.pdf)
		},
	}
	r.register(cmd)
	return cmd
}

func reportMonthCommand(c *Command) *cobra.Command {
	var r renderFlags
	cmd := &cobra.Command{
		Use: "month YYYY-MM", Short: "Make the report of a month for the board: two sheets", Args: cobra.ExactArgs(1),
		Long: `Make the report of a month for the board, on two sheets: what stands without a ground, what was ended, who is
erased but still in backups, whether people were answered in time, each over twelve months; the silos; what
people adopted; and the month night by night. Nights of more than a month and a half ago stand in one line.`,
		Example: "  lethe report month 2026-11 --language it --pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			first, err := time.Parse("2006-01", args[0])
			if err != nil {
				return fmt.Errorf("%w: %q is no month: write YYYY-MM", setup.ErrUsage, args[0])
			}
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			made, err := report.Month(cmd.Context(), p, first, cmp.Or(r.language, p.Language))
			if err != nil {
				return err
			}
			return c.writePages(cmd.Context(), []audit.Page{made}, r.to, r.pdf)
		},
	}
	r.register(cmd)
	return cmd
}

// writePages writes pages to a folder, and prints the first to PDF if that is asked for.
func (c *Command) writePages(ctx context.Context, pages []audit.Page, folder string, pdf bool) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	for i, made := range pages {
		path := filepath.Join(folder, made.Name)
		if err := os.WriteFile(path, made.Body, 0o600); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
		fmt.Fprintf(c.Out, "page      %s\n", path)
		if !pdf || i > 0 {
			continue
		}
		printed := strings.TrimSuffix(path, ".html") + ".pdf"
		if err := printPDF(ctx, path, printed); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "PDF       %s\n", printed)
	}
	return nil
}

// browsers are the names under which Chromium is installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// printPDF lets Chromium print a page, which it reads from the disk and nothing else.
func printPDF(ctx context.Context, path, printed string) error {
	for _, name := range browsers {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		from, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		profile, err := os.MkdirTemp("", "lethe-print.")
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		defer os.RemoveAll(profile)
		ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
		defer stop()
		args := []string{"--headless", "--disable-gpu", "--no-pdf-header-footer", "--user-data-dir=" + profile,
			"--print-to-pdf=" + printed, "file://" + from}
		if os.Geteuid() == 0 { // its sandbox does not run as root
			args = append([]string{"--no-sandbox"}, args...)
		}
		if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("print with %s: %w: %.200s", name, err, out)
		}
		if info, err := os.Stat(printed); err != nil || info.Size() == 0 {
			return fmt.Errorf("print with %s: it wrote nothing: open %s and print it from there", name, path)
		}
		return nil
	}
	return fmt.Errorf("%w: --pdf needs Chromium, and none is installed: open %s in any browser and print it from there",
		setup.ErrConfig, path)
}
