package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoticeTargetsAreResolved(t *testing.T) {
	t.Setenv("LETHE_TEST_HOOK", "https://hooks.ditta.it/x")
	targets, err := (&Config{Notify: []Secret{"${LETHE_TEST_HOOK}"}}).NoticeTargets()
	require.NoError(t, err)
	require.Len(t, targets, 1)
	require.Equal(t, "hooks.ditta.it", targets[0].Host)
	_, err = (&Config{Notify: []Secret{"https://a.it/", "hooks.ditta.it",
		"${LETHE_TEST_NO_SUCH_VARIABLE}"}}).NoticeTargets()
	require.ErrorContains(t, err, "notify 2: the target is no URL")
	require.ErrorContains(t, err, "notify 3: the environment variable LETHE_TEST_NO_SUCH_VARIABLE is not set")
}
