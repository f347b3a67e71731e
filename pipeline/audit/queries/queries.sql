-- q1: Open requests, the latest first
SELECT request_id, kind, silo, received_at, coalesce(extended_to, due_on) AS due,
       date_diff('day', coalesce(extended_to, due_on), getvariable('night')) AS days_late, status
FROM requests WHERE date = getvariable('night') AND status <> 'closed' ORDER BY days_late DESC;

-- q2: Plans that wait, with rows, copies, people, answers and until when
SELECT plan_id, silo, change, reason, sum(rows) FILTER (environment <> 'backup') AS rows,
       sum(rows) FILTER (environment = 'backup') AS copies, plan_people, valid_until, breakers,
       (SELECT list({'actor': actor, 'roles': roles, 'decision': decision, 'signed_at': signed_at})
        FROM approvals a WHERE a.digest = p.digest AND a.date = p.date) AS answers
FROM plan p JOIN sources USING (source, date)
WHERE date = getvariable('night') AND p.state = 'waiting' GROUP BY ALL ORDER BY valid_until, silo, change, reason;

-- q3: Sources that were not read, and since when
SELECT source, state, error_code, last_read, date_diff('day', last_read, getvariable('night')) AS nights
FROM sources WHERE date = getvariable('night') AND state <> 'scanned' ORDER BY source;

-- q4: Rows and people the registry does not know
SELECT silo, rows, people, first_seen, owner
FROM exceptions WHERE date = getvariable('night') AND code = 'X_NO_MATCH' ORDER BY rows DESC;

-- q5: Tables no rule covers
SELECT source, object, count AS rows, first_seen
FROM findings WHERE date = getvariable('night') AND kind = 'F_UNMAPPED' ORDER BY rows DESC;

-- q6: What else needs a person: holds to review, objections, rows in doubt
SELECT 'hold' AS kind, silo, NULL AS rows, review_by AS needed_on
FROM holds WHERE date = getvariable('night') AND status <> 'released'
UNION ALL SELECT 'objection', silo, NULL, due_on
FROM requests WHERE date = getvariable('night') AND kind = 'objection' AND status <> 'closed'
UNION ALL SELECT code || CASE environment WHEN 'backup' THEN ', copies in backups' ELSE '' END, silo, sum(rows), NULL
FROM exceptions LEFT JOIN sources USING (source, date)
WHERE date = getvariable('night') AND (code LIKE 'E_%' OR code = 'K_OBJECTION_PENDING') GROUP BY ALL
ORDER BY needed_on, kind, silo;

-- q7: What was checked of the evidence, with the result
SELECT what, silo, checked, missing, result, checked_at
FROM verification WHERE date = getvariable('night') ORDER BY what, silo;

-- q8: The last cosignature by the DPO's own key
SELECT size AS position, actor, key_id, signed_at,
       (SELECT max(size) FROM log WHERE signer = 'log') - size AS positions_since
FROM log WHERE date = getvariable('night') AND signer = 'dpo' ORDER BY size DESC LIMIT 1;

-- q9: Time stamps over the checkpoint
SELECT size AS position, signed_at, signer AS authority
FROM log WHERE date = getvariable('night') AND signer LIKE 'tsa:%' ORDER BY size DESC LIMIT 1;

-- q10: Hints of an incident that nobody has closed
SELECT hint_id, kind, source, object, rows, sensitivity, noticed_at, clock_72h_until
FROM incident_hints WHERE date = getvariable('night') AND closed_at IS NULL ORDER BY clock_72h_until, kind, object;

-- q11: People, by silo (NULL: its rows name nobody): held, without a ground, of them blocked, unknown to the registry
SELECT silo, CASE WHEN nameless THEN NULL ELSE people END AS people, people_without_ground, people_blocked, people_unknown
FROM silos WHERE date = getvariable('night') ORDER BY people DESC;

-- q12: People without a ground, 30 nights
SELECT date, sum(people_without_ground) AS people
FROM silos WHERE date > getvariable('night') - 30 AND date <= getvariable('night') GROUP BY date ORDER BY date;

-- q13: Rows ended tonight, by what became of them, and rows that went with them
SELECT silo, change, status, count(*) FILTER (record = root) AS rows, count(*) FILTER (record <> root) AS with_them,
       count(*) FILTER (record = root AND verified_absent) AS read_again
FROM actions JOIN sources USING (source, date)
WHERE date = getvariable('night') AND change IN ('delete', 'anonymize') AND environment <> 'backup'
GROUP BY ALL ORDER BY ALL;

-- q14: Rows ended, 30 nights
SELECT date, sum(rows_ended) AS rows
FROM silos WHERE date > getvariable('night') - 30 AND date <= getvariable('night') GROUP BY date ORDER BY date;

-- q15: Erased people still in backups, by silo, and until when
SELECT silo, erased_people, last_copy_on FROM silos WHERE date = getvariable('night') ORDER BY silo;

-- q16: Requests in term: open, and closed in 90 days
SELECT status = 'closed' AS closed, count(*) AS requests, count(*) FILTER (overdue_days = 0) AS in_term,
       median(date_diff('day', received_at, closed_at)) AS days
FROM requests
WHERE date = getvariable('night') AND (closed_at IS NULL OR closed_at > getvariable('night') - INTERVAL 90 DAY)
GROUP BY 1 ORDER BY 1;

-- q17: Rows without a ground, 30 nights
SELECT date, sum(in_grace) AS in_grace, sum(waiting + not_done) AS wait_for_people, sum(unknown) AS unknown
FROM silos WHERE date > getvariable('night') - 30 AND date <= getvariable('night') GROUP BY date ORDER BY date;

-- q18: Rows decided, by reason
SELECT reason, words, article, sum(rows) AS rows
FROM summary JOIN sources USING (source, date)
WHERE date = getvariable('night') AND environment <> 'backup' GROUP BY ALL ORDER BY rows DESC, reason;

-- q19: Age of rows as a share of their term
SELECT silo, tenth, sum(rows) AS rows, max(days_past) AS days_past
FROM ages WHERE date = getvariable('night') GROUP BY ALL ORDER BY silo, tenth;

-- q20: Backups that hold erased people, by the day the last copy goes
SELECT source_set, goes_on, count(DISTINCT source) AS files, sum(last_copies) AS people_whose_last_copy_goes
FROM backups WHERE date = getvariable('night') AND erased_people > 0 GROUP BY ALL ORDER BY goes_on;

-- q21: Open requests against their term
SELECT request_id, kind, silo, received_at, due_on, extended_to, paused_hours
FROM requests WHERE date = getvariable('night') AND status <> 'closed' ORDER BY coalesce(extended_to, due_on);

-- q22: Rows by silo at the end of the night, and what lets them stand
SELECT silo, rows, with_ground, kept_blocked, in_doubt, in_grace + waiting + not_done + unknown AS without_ground,
       read_on
FROM silos WHERE date = getvariable('night') ORDER BY silo;

-- q23: Copies: rows in backup files, by silo
SELECT silo, copies FROM silos WHERE date = getvariable('night') ORDER BY silo;

-- q24: What was planned for tonight, and its outcome
SELECT status, a.error_code, count(*) FILTER (environment <> 'backup' AND record = root) AS rows,
       count(*) FILTER (environment <> 'backup' AND record <> root) AS with_them,
       count(*) FILTER (environment = 'backup') AS copies, count(*) FILTER (verified_absent) AS read_again
FROM actions a JOIN sources USING (source, date)
WHERE date = getvariable('night') AND change IN ('delete', 'anonymize') GROUP BY ALL ORDER BY ALL;

-- q25: Blocked and unblocked tonight
SELECT change, count(*) AS rows
FROM actions WHERE date = getvariable('night') AND change IN ('block', 'unblock') GROUP BY ALL ORDER BY ALL;

-- q26: What the applications know
SELECT target, silo, lag_seconds, drift_missing + drift_extra + drift_different AS drift
FROM consent_sync WHERE date = getvariable('night') ORDER BY target, silo;

-- q27: What was done under a standing order
SELECT p.standing_order, a.silo, count(*) AS rows
FROM actions a JOIN approvals p USING (plan_id, date)
WHERE date = getvariable('night') AND p.standing_order IS NOT NULL AND a.status = 'done'
  AND starts_with(p.standing_order, a.silo || ' ') GROUP BY ALL ORDER BY ALL;

-- q28: Fields in doubt
SELECT source, object, field, category, confidence
FROM inventory WHERE date = getvariable('night') AND confidence BETWEEN 0.5 AND 0.8 AND reviewed_by IS NULL
ORDER BY confidence, source, object, field;

-- q29: Tables not read, or read and never changed
SELECT source, object, rows, state, reason
FROM inventory WHERE date = getvariable('night') AND field IS NULL AND state <> 'scanned'
UNION ALL SELECT source, object, rows, 'no key', words
FROM exceptions JOIN sources USING (source, date)
WHERE date = getvariable('night') AND code = 'E_NO_KEY' AND environment <> 'backup' ORDER BY source, object;

-- q30: The night: times, digests, exit
SELECT run_id, phases, started_at, ended_at, tool_version, policy_digest, exit_code, stop_reason
FROM runs WHERE date = getvariable('night') ORDER BY started_at;

-- q31: A month, night by night (the board's report): the 31 days to the night
SELECT date, sum(in_grace + waiting + not_done + unknown) AS without_ground, sum(rows_ended) AS ended,
       sum(erased_people) AS in_backups
FROM run_rollup WHERE date > getvariable('night') - 31 AND date <= getvariable('night') GROUP BY date ORDER BY date;

-- q32: Twelve months (the board's report), to the night
SELECT date_trunc('month', date) AS month, max_by(people_without_ground, date) AS without_ground,
       sum(rows_ended) AS ended, max_by(erased_people, date) AS in_backups, sum(requests_closed) AS closed,
       sum(requests_in_term) AS in_term
FROM run_rollup WHERE date > getvariable('night') - INTERVAL 12 MONTH AND date <= getvariable('night')
GROUP BY 1 ORDER BY 1;

-- q33: What changed in the policy, and by whose signatures: the 31 days to the night
SELECT date, changed_at, silo, place, before, after, effect, effect_rows, adopted_by
FROM policy_changes WHERE date > getvariable('night') - 31 AND date <= getvariable('night') ORDER BY changed_at, place;

-- q34: What somebody should look at, by weight
SELECT kind, severity, source, object, field, count AS rows, first_seen, words
FROM findings WHERE date = getvariable('night') AND severity <> 'low' ORDER BY severity, rows DESC;

-- q35: Attestations and reviews, those that are due first
SELECT name, kind, owner, status, due_on, last_on, said_by
FROM attestations WHERE date = getvariable('night') ORDER BY due_on NULLS FIRST, name;

-- q36: What was decided of each record: the list of the night, and the lists on which it goes on
SELECT * EXCLUDE ("table", date, run) REPLACE (lower(hex(record)) AS record) FROM (
  WITH RECURSIVE lists AS (
    SELECT max(run_id) AS run_id FROM runs WHERE date = getvariable('night') AND phases IN ('night', 'plan')
    UNION ALL SELECT r.decisions_after FROM lists l JOIN runs r USING (run_id) WHERE r.decisions_after IS NOT NULL)
  SELECT * FROM decisions WHERE run IN (SELECT run_id FROM lists)
  QUALIFY row_number() OVER (PARTITION BY source, object, record ORDER BY run DESC) = 1)
WHERE action <> 'over' ORDER BY silo, source, object, record;

-- q37: Rows in backups that should be gone, by file: due, also where no night has ended the live ones yet
SELECT source_set, source, pending AS rows, oldest_due, goes_on, strategy, status
FROM backups WHERE date = getvariable('night') AND pending > 0 ORDER BY rows DESC, source;

-- q38: Rows past their end that their application may go on using
SELECT silo, source, object, reason, oldest_due,
       CASE usage WHEN 'blocked' THEN least(in_use, rows - ended) ELSE rows - ended END AS rows
FROM (
  SELECT s.*, count(a.record) AS ended
  FROM summary s JOIN sources USING (source, date)
  LEFT JOIN actions a ON a.date = s.date AND a.silo = s.silo AND a.source = s.source AND a.object = s.object
    AND a.change = s.change AND a.reason = s.reason AND a.status IN ('done', 'recovered')
    -- not of plans that a night carried out before it read
    AND (a.run NOT IN (SELECT run_id FROM runs WHERE phases = 'night')
      OR a.plan_id NOT IN (SELECT plan_id FROM plan WHERE date = getvariable('night') AND early))
  WHERE s.date = getvariable('night') AND environment <> 'backup'
    AND (s.action IN ('delete', 'anonymize') OR s.action = 'keep' AND starts_with(s.reason, 'D_')) GROUP BY ALL)
WHERE rows > ended AND (usage <> 'blocked' OR in_use > 0) ORDER BY rows DESC, silo, source, object;
