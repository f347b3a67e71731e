package metrics

import _ "embed"

// Alerts are rules for Prometheus: silent on a good night.
//
//go:embed alerts.yaml
var Alerts string

// Dashboard is a dashboard of Grafana.
//
//go:embed dashboard.json
var Dashboard string
