package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/registry/keystore"
)

// Refusal is a row that the database would not have changed, and what of the database refused it. A row that a
// silo governs is set aside: no night plans it again before its next try.
type Refusal struct {
	PlanID  string
	Group   int       // position of the row's group in the plan
	Row     int64     // position of the row in the group
	Class   string    // FOREIGN_KEY, TRIGGER, ...
	By      string    // the constraint, field or table as the engine names it; "" where it does not
	At      time.Time // the day of it
	Aside   *Aside    // nil of a row that only follows another
	NextTry time.Time // of a row that is set aside
}

// Aside is a row that is set aside. Under another policy it is not: what refused the row may be what changed.
type Aside struct {
	Source   string
	Table    string
	Record   string // a keyed reference of it
	Destroys bool   // what was refused; what blocks the row is another matter
	Policy   string // digest of the policy that planned it
}

// A row that is refused is tried again after firstTry, and each time it is refused again after twice as long,
// at the most after lastTry.
const (
	firstTry = 7 * 24 * time.Hour
	lastTry  = 28 * 24 * time.Hour
)

// refuse records, with a chunk's outcomes, which of its rows were refused. A plan that is executed again after
// a crash does not count twice.
func (j *Journal) refuse(ctx context.Context, tx *sql.Tx, list []Refusal) error {
	for _, r := range list {
		var a Aside
		next := ""
		if r.Aside != nil {
			a = *r.Aside
			var before int
			clear := a.Record
			a.Record = veiled(j.seals.Sealer, clear)
			err := tx.QueryRowContext(ctx, `SELECT count(DISTINCT plan_id) FROM refusal WHERE source = ? AND tbl = ?
				AND record IN (?, ?) AND destroys = ? AND plan_id <> ?`, a.Source, a.Table, a.Record, clear, a.Destroys,
				r.PlanID).Scan(&before)
			if err != nil {
				return err
			}
			next = stamp(r.At.Add(min(firstTry<<min(before, 8), lastTry)))
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO refusal (plan_id, grp, row, class, by_name, at, source, tbl, record,
			destroys, policy, next_try) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, r.PlanID,
			r.Group, r.Row, r.Class, r.By, stamp(r.At), a.Source, a.Table, a.Record, a.Destroys, a.Policy, next)
		if err != nil {
			return err
		}
	}
	return nil
}

// veil is what a veiled reference begins with; one that an earlier build recorded does not.
const veil = "~"

// veiled is a row's reference as it stands in the journal: who has not the key cannot tell by it where in a plan, which
// is in the order of its table, somebody's row stands.
func veiled(s *keystore.Sealer, record string) string {
	ref, err := hex.DecodeString(record)
	if err != nil || s == nil {
		return record
	}
	return veil + hex.EncodeToString(halves(s, ref, (*keystore.Sealer).Name))
}

func unveiled(s *keystore.Sealer, record string) string {
	text, is := strings.CutPrefix(record, veil)
	ref, err := hex.DecodeString(text)
	if !is || err != nil || s == nil {
		return record
	}
	return hex.EncodeToString(halves(s, ref, (*keystore.Sealer).Named))
}

// halves turns a reference, which is the output of a hash, a block at a time.
func halves(s *keystore.Sealer, ref []byte, turn func(*keystore.Sealer, [16]byte) [16]byte) []byte {
	sealer := s.Clone()
	var out []byte
	for block := range slices.Chunk(ref, 16) {
		if len(block) < 16 {
			return append(out, block...)
		}
		turned := turn(sealer, [16]byte(block))
		out = append(out, turned[:]...)
	}
	return out
}

// Refusals returns the rows of a plan that the database refused.
func (j *Journal) Refusals(ctx context.Context, planID string) ([]Refusal, error) {
	return j.refusals(ctx, `plan_id = ?`, planID)
}

// SetAside returns the rows that are set aside at an instant, under a policy.
func (j *Journal) SetAside(ctx context.Context, at time.Time, policy string) ([]Refusal, error) {
	return j.refusals(ctx, `next_try > ? AND policy = ?`, stamp(at), policy)
}

// EndAside ends the setting aside of all rows: they are planned as any others.
func (j *Journal) EndAside(ctx context.Context) error {
	_, err := j.db.ExecContext(ctx, `UPDATE refusal SET next_try = '' WHERE next_try <> ''`)
	return j.wrap("end setting aside", err)
}

func (j *Journal) refusals(ctx context.Context, where string, args ...any) (list []Refusal, err error) {
	rows, err := j.db.QueryContext(ctx, `SELECT plan_id, grp, row, class, by_name, at, source, tbl, record,
		destroys, policy, next_try FROM refusal WHERE `+where+` ORDER BY plan_id, grp, row`, args...)
	if err != nil {
		return nil, j.wrap("read refusals", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Refusal
		var a Aside
		var day, next string
		err := rows.Scan(&r.PlanID, &r.Group, &r.Row, &r.Class, &r.By, &day, &a.Source, &a.Table, &a.Record,
			&a.Destroys, &a.Policy, &next)
		if err != nil {
			return nil, j.wrap("read refusals", err)
		}
		a.Record = unveiled(j.seals.Sealer, a.Record)
		if r.At = parse(day); next != "" {
			r.Aside, r.NextTry = &a, parse(next)
		}
		list = append(list, r)
	}
	return list, j.wrap("read refusals", rows.Err())
}
