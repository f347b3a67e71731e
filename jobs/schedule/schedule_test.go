package schedule

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScheduleThatCannotWork(t *testing.T) {
	for _, c := range []struct {
		job  Job
		want string
	}{
		{Job{Name: "", Cron: "15 1 * * *"}, "or no name"},
		{Job{Name: "Nightly run", Cron: "15 1 * * *"}, "of small letters"},
		{Job{Name: "x", Cron: "15 1 * *"}, "write minute, hour, day of month, month, day of week"},
		{Job{Name: "x", Cron: "15 25 * * *"}, "cron \"15 25 * * *\""},
		{Job{Name: "x", Cron: "15 1 30 2 *"}, "never fires: there is no such day"},
		{Job{Name: "x", Cron: "TZ= 15 1 * * *"}, "give the zone under zone"}, // robfig/cron panics
		{Job{Name: "x", Cron: "CRON_TZ=Europe/Rome"}, "give the zone under zone"},
		{Job{Name: "x", Cron: "@every 1h"}, "write minute, hour"},
		{Job{Name: "x", Cron: ""}, "write minute, hour"},
		{Job{Name: "x", Cron: "15 1 * * 8"}, "day of week 8: write 0 to 7 (0 and 7 are Sunday), or sun to sat"},
		{Job{Name: "x", Cron: "15 1 * * 6-1"}, "day of week 6-1 ends before it begins: write the days as a list"},
		{Job{Name: "x", Cron: "15 1 * * sat-mon"}, "day of week sat-mon ends before it begins: write the days as a list"},
		{Job{Name: "x", Cron: "15 1 * * sunday"}, "day of week sunday: write 0 to 7"},
		{Job{Name: "x", Cron: "15 1 * * 1-2-3"}, "day of week 1-2-3: write 0 to 7"},
		{Job{Name: "x", Cron: "15 1 * * */0"}, "day of week */0: write 0 to 7"},
		{Job{Name: "x", Cron: "15 1 * * 1,"}, "day of week : write 0 to 7"},
		{Job{Name: "x", Cron: "15 1 * * -1"}, "day of week -1: write 0 to 7"},
		{Job{Name: "x", Cron: "15 1 * * *", Zone: "Europe/Atlantis"}, "name an IANA zone"},
		{Job{Name: "x", Cron: "15 1 * * *", Until: "5 o'clock"}, "write a time of day as 15:04"},
	} {
		t.Run(c.job.Cron+" "+c.want, func(t *testing.T) {
			require.ErrorContains(t, Check([]Job{c.job}, "Europe/Rome"), c.want)
		})
	}
	twice := []Job{{Name: "x", Cron: "15 1 * * *"}, {Name: "x", Cron: "15 2 * * *"}}
	require.ErrorContains(t, Check(twice, "Europe/Rome"), `name "x" is taken`)
	require.NoError(t, Check([]Job{{Name: "x", Cron: "15 1 29 2 *"}}, "Europe/Rome"))
}
