package schedule

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPathsInUnits(t *testing.T) {
	for _, c := range []struct{ path, cron, systemd string }{
		{"/etc/lethe/lethe.yaml", "/etc/lethe/lethe.yaml", "/etc/lethe/lethe.yaml"},
		{"/srv/my files/a.yaml", "'/srv/my files/a.yaml'", `"/srv/my files/a.yaml"`},
		{"/srv/100%/a.yaml", `'/srv/100\%/a.yaml'`, `"/srv/100%%/a.yaml"`},
		{"/srv/it's $HOME/a.yaml", `'/srv/it'\''s $HOME/a.yaml'`, `"/srv/it's $$HOME/a.yaml"`},
	} {
		require.Equal(t, c.cron, cronQuote(c.path))
		require.Equal(t, c.systemd, systemdQuote(c.path))
	}
}

func TestTimesForKubernetes(t *testing.T) {
	for expression, want := range map[string]string{
		"15 1 * * *": "15 1 * * *", "15 1 * * 7": "15 1 * * 0", "15 1 * * fri-sun": "15 1 * * 0,5,6",
		"15 1 * * */2": "15 1 * * */2", "15 1 */2 * *": "15 1 */2 * *", "15 1 1 * 7": "15 1 1 * 0", "15 1 ? * ?": "15 1 ? * ?",
	} {
		times, err := kubernetesTimes(expression)
		require.NoError(t, err)
		require.Equal(t, want, times)
	}
	for _, expression := range []string{"15 1 */2 * 7", "15 1 1 * */2"} {
		_, err := kubernetesTimes(expression)
		require.ErrorContains(t, err, "write the days of the month or of the week as a list")
	}
}
