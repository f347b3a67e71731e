package jobs

import (
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"lethe/pipeline/setup"
)

// bar shows how far long work has come: a progress bar on a terminal, nothing elsewhere.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

func (c *Command) bar(name string) *bar {
	if !c.terminal() {
		return &bar{}
	}
	p := mpb.New(mpb.WithOutput(c.screen), mpb.WithRefreshRate(120*time.Millisecond))
	return &bar{p, p.AddBar(0, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(name+" ", decor.WCSyncSpaceR), decor.CountersNoUnit("%d / %d rows")),
		mpb.AppendDecorators(decor.AverageSpeed(0, " %.0f rows/s"), decor.Elapsed(decor.ET_STYLE_MMSS)))}
}

// update moves the bar; of is -1 where the total is not known.
func (b *bar) update(rows, of int64) {
	if b.bar == nil {
		return
	}
	b.bar.SetTotal(max(rows, of), false)
	b.bar.SetCurrent(rows)
}

func (b *bar) done() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.progress.Wait()
	}
}

// progress lets the pipeline show how far each source is; the returned function takes the bars away.
func (c *Command) progress(p *setup.Setup) (stop func()) {
	if !c.terminal() {
		last := ""
		p.Progress = func(phase, source string, rows, of int64) {
			if k := phase + source; k != last {
				last = k
				p.Log.Info(phase, "source", source, "rows_expected", of)
			}
		}
		return func() {}
	}
	var mu sync.Mutex
	bars := map[string]*bar{}
	p.Progress = func(phase, source string, rows, of int64) {
		mu.Lock()
		defer mu.Unlock()
		k := phase + " " + source
		if bars[k] == nil {
			for _, b := range bars {
				b.done()
			}
			clear(bars)
			bars[k] = c.bar(k)
		}
		bars[k].update(rows, of)
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		for _, b := range bars {
			b.done()
		}
		clear(bars)
	}
}
