package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"
)

// Server fires jobs when their time comes.
type Server struct {
	Jobs []Job
	Zone string // of jobs that name none
	Now  func() time.Time
	Log  *slog.Logger
	Last func(Job) (time.Time, error) // when the job last did its work; zero: never
	Fire func(Job)
}

// Serve fires the jobs until the context ends. A job that is still at work when its time comes again is not
// started twice. A start that was missed while nobody served is made up for once, at the beginning.
func (s Server) Serve(ctx context.Context) error {
	for _, remark := range Remarks(s.Jobs, s.Zone, s.Now()) {
		s.Log.Warn(remark)
	}
	runner := cron.New(cron.WithParser(cronParser), cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))
	for _, j := range s.Jobs {
		times, err := j.times(s.Zone)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", j.Name, err)
		}
		last, err := s.Last(j)
		if err != nil {
			return err
		}
		if at, missed := times.missed(j.Until, last, s.Now()); missed {
			s.Log.Warn("a start was missed: it is made up for now", "job", j.Name, "missed", at)
			s.Fire(j)
		}
		runner.Schedule(times, cron.FuncJob(func() { s.Fire(j) }))
		s.Log.Info("scheduled", "job", j.Name, "next", times.Next(s.Now()))
	}
	runner.Start()
	<-ctx.Done()
	<-runner.Stop().Done()
	return nil
}
