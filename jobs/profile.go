package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"runtime/pprof"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/setup"
)

// The files of a profile. They name functions of the program, with times and sizes; nothing of a record, of the
// configuration or of a key is in them.
const (
	cpuProfile  = "cpu.pprof"
	heapProfile = "heap.pprof" // of the moment at which most was held
)

const (
	heapLook  = 200 * time.Millisecond
	heapFirst = 8 << 20 // bytes, below which no moment is worth looking at
)

// registerProfile adds the folder that a run is measured into.
func (f *nightFlags) registerProfile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.profile, "profile", "", "write where time and memory go into this folder, as "+cpuProfile+
		" and "+heapProfile+", for a report of what is slow; no value of a record is in them")
}

// profile measures a command into a folder, if one is named, until the function that it returns is called.
func profile(dir string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	wrong := func(err error) error {
		return fmt.Errorf("%w: --profile: %w: name a folder that can be written to", setup.ErrUsage, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, wrong(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, cpuProfile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, wrong(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("profile: %w", err), f.Close())
	}
	quit, most := make(chan struct{}), make(chan []byte)
	go func() { most <- largestHeap(quit) }()
	return func() error {
		pprof.StopCPUProfile()
		close(quit)
		return errors.Join(f.Close(), os.WriteFile(filepath.Join(dir, heapProfile), <-most, 0o600))
	}, nil
}

// largestHeap is the profile of the memory in use when it was greatest, as looked at now and then and at the end.
func largestHeap(quit <-chan struct{}) []byte {
	tick := time.NewTicker(heapLook)
	defer tick.Stop()
	held := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	var most bytes.Buffer
	highest := uint64(heapFirst)
	for {
		ended := false
		select {
		case <-quit:
			ended = true
		case <-tick.C:
		}
		metrics.Read(held)
		if now := held[0].Value.Uint64(); now > highest+highest/8 || ended && most.Len() == 0 {
			highest = now
			most.Reset()
			if err := pprof.Lookup("heap").WriteTo(&most, 0); err != nil {
				most.Reset() // a buffer takes everything: this cannot be
			}
		}
		if ended {
			return most.Bytes()
		}
	}
}
