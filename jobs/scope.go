package jobs

import (
	"cmp"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/registry/event"
)

// scope is the silo, and the people in it, that a command is about.
type scope struct {
	silo, country string
	subjects      []string
}

func (s *scope) register(cmd *cobra.Command, subjects string) {
	cmd.Flags().StringVar(&s.silo, "silo", "", "the silo")
	required(cmd, "silo")
	if subjects != "" {
		cmd.Flags().StringArrayVar(&s.subjects, "subject", nil, subjects)
		cmd.Flags().StringVar(&s.country, "country", "",
			"country of phone numbers without a prefix (ISO 3166-1); default the silo's")
	}
}

// people reads the subjects, and the country that their phone numbers are of.
func (s *scope) people(cfg *config.Config) (who []event.Subject, country string, err error) {
	for _, text := range s.subjects {
		subject, err := parseSubject(text)
		if err != nil {
			return nil, "", err
		}
		who = append(who, subject)
	}
	return who, cmp.Or(s.country, cfg.Country(s.silo)), nil
}

// listFlags say what a listing holds: one silo or all, and what is over too.
type listFlags struct {
	silo string
	all  bool
}

func (l *listFlags) register(cmd *cobra.Command, all string) {
	cmd.Flags().StringVar(&l.silo, "silo", "", "only this silo")
	cmd.Flags().BoolVar(&l.all, "all", false, all)
}

// nameOf is the name of a hold or request: the one that was given, or one that says nothing of anybody and is
// in no other silo.
func nameOf(given, prefix string) string {
	if given != "" {
		return given
	}
	return prefix + uuid.NewString()[:8]
}
