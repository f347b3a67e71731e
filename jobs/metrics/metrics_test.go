package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"lethe/jobs/metrics"
	"lethe/pipeline/ask"
	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
)

// full is a reading in which everything is there of which a gauge speaks.
func full() metrics.Reading {
	now := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	night := audit.Facts{
		Run: audit.Run{RunID: "n", StartedAt: now.Add(-5 * time.Hour), EndedAt: now.Add(-4 * time.Hour), RowsScanned: 70,
			SourcesFailed: 1},
		Summary: []audit.Summary{{Silo: "crm", Action: "delete", Use: "blocked", Rows: 3},
			{Silo: "crm", Action: "delete", Use: "blocked", Rows: 4}, {Silo: "crm", Action: "keep", Use: "allowed", Rows: 60}},
		Silos:      []audit.Silo{{Silo: "crm", InGrace: 2, Waiting: 5, NotDone: 1}},
		Exceptions: []audit.Exception{{Silo: "crm", Code: "E_ID_SHARED", Count: 9}},
		Findings: []audit.Finding{{Kind: "B_NOMATCH_RATIO", Severity: "high", Source: "crm"},
			{Kind: "F_UNMAPPED", Severity: "low", Source: "crm"}},
		Backups: []audit.Backup{{Application: "crm", Pending: 11, Status: "overdue"}, {Application: "crm", Pending: 1}},
		ConsentSync: []*audit.ConsentSync{{Target: "mail", Silo: "crm", LagSeconds: 7200, DriftMissing: 1,
			DriftDifferent: 2}},
	}
	last := audit.Facts{Run: audit.Run{RunID: "l", EndedAt: now.Add(-time.Hour)}, Requests: []audit.Request{
		{Silo: "crm", Kind: "access", DueOn: "2026-11-21"},
		{Silo: "crm", Kind: "erasure", DueOn: "2026-11-01", ExtendedTo: "2026-12-24"},
		{Silo: "crm", Kind: "access", DueOn: "2026-01-01", ClosedAt: now}}}
	return metrics.Reading{Now: now, Night: night, Last: last, Status: ask.Status{LastSuccess: now.Add(-28 * time.Hour),
		LastExit: 5, Waiting: []ask.WaitingPlan{{SealedAt: now.Add(-2 * time.Hour)}, {SealedAt: now.Add(-3 * time.Hour)}},
		Log: ask.Log{Nights: 4}, Running: &ask.Running{}}}
}

func text(t *testing.T, r metrics.Reading) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	return b.String()
}

// TestWhatAReadingSays adds up what the tables of the last night say, and counts time from now.
func TestWhatAReadingSays(t *testing.T) {
	got := text(t, full())
	for _, want := range []string{
		"lethe_last_success_timestamp_seconds 1.7950536e+09", "lethe_last_exit_code 5", "lethe_running 1",
		"lethe_run_duration_seconds 3600", "lethe_sources_failed 1", "lethe_rows_scanned 70",
		`lethe_decisions{action="delete",silo="crm",use="blocked"} 7`,
		`lethe_overdue_rows{silo="crm"} 6`, `lethe_rows_without_ground{silo="crm"} 8`,
		`lethe_exceptions{code="E_ID_SHARED",silo="crm"} 9`,
		`lethe_breaker_tripped{code="B_NOMATCH_RATIO",source="crm"} 1`,
		`lethe_findings{kind="F_UNMAPPED",severity="low"} 1`,
		"lethe_plan_pending_seconds 10800", "lethe_audit_log_nights_uncosigned 4",
		`lethe_requests_open{kind="access",silo="crm"} 1`, "lethe_requests_due_seconds 151200",
		`lethe_backup_tombstones_pending{application="crm"} 12`, `lethe_backups_overdue{application="crm"} 1`,
		`lethe_sync_lag_seconds{silo="crm",target="mail"} 7200`, `lethe_sync_drift_rows{silo="crm",target="mail"} 3`,
	} {
		require.Contains(t, got, "\n"+want+"\n")
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	_, err := parser.TextToMetricFamilies(strings.NewReader(got))
	require.NoError(t, err)
}

// TestNothingHappenedYet has a reading of a company that had no night, and no alarm of a plan.
func TestNothingHappenedYet(t *testing.T) {
	got := text(t, metrics.Reading{Now: time.Now(), Status: ask.Status{LastExit: -1}})
	require.Contains(t, got, "lethe_last_success_timestamp_seconds 0\n")
	require.Contains(t, got, "lethe_last_exit_code -1\n")
	require.Contains(t, got, "lethe_plan_pending_seconds 0\n")
	require.NotContains(t, got, "lethe_requests_due_seconds", "nothing is due")
}

// TestAFileIsWholeOrTheOneBefore writes a file anew, and one for nobody not at all.
func TestAFileIsWholeOrTheOneBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lethe.prom")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	require.NoError(t, full().WriteFile(path))
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text(t, full()), string(written))
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.ErrorIs(t, full().WriteFile(filepath.Join(t.TempDir(), "lethe.txt")), setup.ErrConfig)
}

// TestAScrapeIsAnswered with what stands then, or with why not.
func TestAScrapeIsAnswered(t *testing.T) {
	for _, failed := range []error{nil, setup.ErrTampered} {
		w := httptest.NewRecorder()
		metrics.Handler(func(context.Context) (metrics.Reading, error) { return full(), failed }).ServeHTTP(w,
			httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if failed != nil {
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.Contains(t, w.Body.String(), "lethe status")
			continue
		}
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "\nlethe_last_exit_code 5\n")
	}
}

// TestRulesAndPanelsSpeakOfWhatThereIs looks for every metric of the alert rules and of the dashboard in a reading.
func TestRulesAndPanelsSpeakOfWhatThereIs(t *testing.T) {
	got := text(t, full())
	require.True(t, json.Valid([]byte(metrics.Dashboard)))
	for name, file := range map[string]string{"alerts": metrics.Alerts, "dashboard": metrics.Dashboard} {
		spoken := regexp.MustCompile(`\blethe_[a-z_]+`).FindAllString(file, -1)
		require.Greater(t, len(spoken), 8, name)
		for _, metric := range spoken {
			require.Contains(t, got, "# TYPE "+metric+" gauge\n", name)
		}
	}
}

// TestPrometheusUnderstandsTheRules has Prometheus's own tool check the alert rules, and hold them against nights.
func TestPrometheusUnderstandsTheRules(t *testing.T) {
	promtool := os.Getenv("LETHE_TEST_PROMTOOL")
	require.NotEmpty(t, promtool, "run make test, or fixtures/servers/with-promtool go test ./jobs/metrics")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "testdata/nights.yaml"}} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}
