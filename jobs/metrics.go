package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/jobs/metrics"
	"lethe/pipeline/setup"
)

func metricsCommand(c *Command) *cobra.Command {
	var alerts, dashboard bool
	cmd := &cobra.Command{
		Use: "metrics", Short: "Print how the nights stand, for Prometheus; alert rules; a dashboard", Args: cobra.NoArgs,
		Long: `Print how the nights stand as metrics of Prometheus. With metrics.file in the configuration each run writes them to a
file for the node exporter when it ends, and with metrics.listen ` + "`lethe schedule`" + ` answers scrapes while it stays.
Labels hold names of the configuration and codes, never an identifier.`,
		Example: "  lethe metrics\n  lethe metrics --alerts > /etc/prometheus/rules/lethe.yaml\n" +
			"  lethe metrics --dashboard > lethe.json   # to import into Grafana",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case alerts && dashboard:
				return fmt.Errorf("%w: --alerts and --dashboard are two files: ask for one", setup.ErrUsage)
			case alerts:
				_, err := fmt.Fprint(c.Out, metrics.Alerts)
				return err
			case dashboard:
				_, err := fmt.Fprint(c.Out, metrics.Dashboard)
				return err
			}
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			r, err := metrics.Read(cmd.Context(), p)
			if err != nil {
				return err
			}
			return r.Write(c.Out)
		},
	}
	cmd.Flags().BoolVar(&alerts, "alerts", false, "print alert rules instead")
	cmd.Flags().BoolVar(&dashboard, "dashboard", false, "print a dashboard of Grafana instead")
	return cmd
}

// measure writes how the nights stand to the file of the configuration. What keeps it from that is logged: it never
// changes a run's own result, and the file that stands grows old, which alerts look at.
func measure(ctx context.Context, log *slog.Logger, p *setup.Setup, cfg *config.Config) {
	file := cfg.MetricsFile()
	if file == "" {
		return
	}
	r, err := metrics.Read(context.WithoutCancel(ctx), p)
	if err == nil {
		err = r.WriteFile(file)
	}
	if err != nil {
		log.Warn("metrics were not written", "file", file, "error", err.Error())
	}
}
