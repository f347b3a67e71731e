package adopted

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// TestTheStricterAgeCounts: of how old the registry and backups may be, the policy in force and the configuration both
// have a say, and what is stricter holds.
func TestTheStricterAgeCounts(t *testing.T) {
	days := func(n int) calendar.Period { return calendar.Period{Days: n} }
	for name, c := range map[string]struct {
		adopted               string
		configured, in, other calendar.Period // in force: of source crm, of another one
	}{
		"nobody has said":         {"", days(0), days(0), days(0)},
		"only the policy":         {"P2D", days(0), days(2), days(0)},
		"the policy is stricter":  {"P2D", days(9), days(2), days(9)},
		"the file is stricter":    {"P9D", days(2), days(2), days(2)},
		"only the file":           {"", days(2), days(2), days(2)},
		"the file is as the rule": {"P2D", days(2), days(2), days(2)},
	} {
		o := newOffice(t)
		o.configure(t, age(c.adopted))
		require.Empty(t, o.sign(t, "anna", "carl"))
		o.configure(t, age(""))
		o.p.RegistryAge = c.configured
		o.p.Sources = []setup.Source{{Name: "crm", MaxBackupAge: c.configured}, {Name: "log", MaxBackupAge: c.configured}}
		judged := o.judged(t)
		require.Equal(t, c.in, judged.RegistryAge, name)
		require.Equal(t, c.in, judged.Sources[0].MaxBackupAge, name)
		require.Equal(t, c.other, judged.Sources[1].MaxBackupAge, name)
		require.Equal(t, c.configured, o.p.Sources[0].MaxBackupAge, "the setup of before stays as it is")
	}
}
