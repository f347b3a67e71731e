-- q1: Open requests, the latest first
SELECT request_id, kind, silo, received_at, coalesce(extended_to, due_on) AS due,
       date_diff('day', coalesce(extended_to, due_on), getvariable('night')) AS days_late, status
FROM requests WHERE date = getvariable('night') AND status <> 'closed' ORDER BY days_late DESC;

-- q5: Tables no rule covers
SELECT source, object, count AS rows, first_seen
FROM findings WHERE date = getvariable('night') AND kind = 'F_UNMAPPED' ORDER BY rows DESC;

-- q13: Rows ended tonight, by what became of them
SELECT silo, change, status, count(*) AS rows, count(*) FILTER (verified_absent) AS read_again
FROM actions WHERE date = getvariable('night') AND change IN ('delete', 'anonymize') GROUP BY ALL;

-- q16: Requests in term: open, and closed in 90 days
SELECT status = 'closed' AS closed, count(*) AS requests, count(*) FILTER (overdue_days = 0) AS in_term,
       median(date_diff('day', received_at, closed_at)) AS days
FROM requests WHERE date = getvariable('night') AND (closed_at IS NULL OR closed_at > getvariable('night') - 90)
GROUP BY 1;

-- q18: Rows decided, by reason
SELECT reason, words, article, sum(rows) AS rows
FROM summary WHERE date = getvariable('night') GROUP BY ALL ORDER BY rows DESC;

-- q21: Open requests against their term
SELECT request_id, kind, silo, received_at, due_on, extended_to, paused_hours
FROM requests WHERE date = getvariable('night') AND status <> 'closed' ORDER BY coalesce(extended_to, due_on);

-- q24: What was planned for tonight, and its outcome
SELECT status, error_code, count(*) AS rows, count(*) FILTER (verified_absent) AS read_again
FROM actions WHERE date = getvariable('night') AND change IN ('delete', 'anonymize') GROUP BY ALL;

-- q25: Blocked and unblocked tonight
SELECT change, count(*) AS rows
FROM actions WHERE date = getvariable('night') AND change IN ('block', 'unblock') GROUP BY ALL;

-- q26: What the applications know
SELECT target, silo, lag_seconds, drift_missing + drift_extra + drift_different AS drift
FROM consent_sync WHERE date = getvariable('night');

-- q28: Fields in doubt
SELECT source, object, field, category, confidence
FROM inventory WHERE date = getvariable('night') AND confidence BETWEEN 0.5 AND 0.8 AND reviewed_by IS NULL
ORDER BY confidence;

-- q30: The night: times, digests, exit
SELECT run_id, started_at, ended_at, tool_version, policy_digest, exit_code, stop_reason
FROM runs WHERE date = getvariable('night');
