package jobs

import (
	"errors"

	"github.com/spf13/cobra"
)

func (c *Command) initCommand() *cobra.Command {
	return &cobra.Command{Use: "init", RunE: func(*cobra.Command, []string) error { return errors.ErrUnsupported }}
}
