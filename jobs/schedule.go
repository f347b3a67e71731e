package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/jobs/metrics"
	"lethe/jobs/schedule"
	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/setup"
)

func scheduleCommand(c *Command) *cobra.Command {
	var print string
	cmd := &cobra.Command{
		Use:     "schedule",
		Short:   "Stay, and fire the configured jobs; or print them for cron, systemd or Kubernetes",
		Args:    cobra.NoArgs,
		Example: "  lethe schedule\n  lethe schedule --print systemd",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if len(cfg.Schedule) == 0 {
				return fmt.Errorf("%w: the configuration has no schedule", setup.ErrConfig)
			}
			if print != "" {
				path, err := cfg.Path()
				if err != nil {
					return err
				}
				return schedule.Units(c.Out, print, path, cfg.Schedule, cfg.Controller.Timezone)
			}
			return serve(cmd.Context(), c, p, cfg)
		},
	}
	cmd.Flags().StringVar(&print, "print", "", "print unit texts instead: systemd, cron or kubernetes")
	return cmd
}

// serve fires the jobs until the context ends. What a run cannot do is logged, and the next night tries again.
func serve(ctx context.Context, c *Command, p *setup.Setup, cfg *config.Config) error {
	log := c.logger()
	if cfg.Metrics.Listen != "" {
		end, err := answerScrapes(ctx, log, p, cfg.Metrics.Listen)
		if err != nil {
			return err
		}
		defer end()
	}
	return schedule.Server{
		Jobs: cfg.Schedule, Zone: cfg.Controller.Timezone, Now: c.Now, Log: log,
		Last: func(j schedule.Job) (time.Time, error) {
			status, err := ask.StatusOf(ctx, p)
			if j.Apply {
				return status.LastSuccess, err
			}
			return status.LastRun, err
		},
		Fire: func(j schedule.Job) { c.fire(ctx, p, cfg, j, log) },
	}.Serve(ctx)
}

// fire runs one night of a job, and logs how it ended.
func (c *Command) fire(ctx context.Context, p *setup.Setup, cfg *config.Config, j schedule.Job, log *slog.Logger) {
	f := nightFlags{job: j.Name, until: j.Until, apply: j.Apply}
	o, err := f.nightOptions(p, cfg)
	if err == nil {
		o.Operator, err = c.operator(ctx, p, cfg, o.Apply, "", "")
	}
	if err == nil {
		var r pipeline.Result
		r, err = pipeline.Run(ctx, p, o)
		log.Info("night ended", "job", j.Name, "run_id", r.RunID, "exit_code", setup.ExitCode(err),
			"already_done", r.AlreadyDone, "waiting", len(r.Waiting))
		ended(ctx, log, p, cfg, o, r, err)
	}
	if err != nil {
		log.Error("night failed", "job", j.Name, "error", err.Error())
	}
}

// answerScrapes answers /metrics until the function that it returns is called.
func answerScrapes(ctx context.Context, log *slog.Logger, p *setup.Setup, at string) (end func(), err error) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("%w: metrics.listen: %w", setup.ErrConfig, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(func(scrape context.Context) (metrics.Reading, error) {
		return metrics.Read(scrape, p)
	}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	log.Info("metrics are answered", "at", l.Addr().String())
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("metrics are answered no more", "error", err.Error())
		}
	}()
	return func() { server.Close() }, nil
}
