package postgres

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lethe/connectors/internal/paging"
)

const (
	// idleMost is how long a snapshot is kept while the caller works, where the server bears more: it holds back VACUUM,
	// and whoever waits to change the table's definition
	idleMost = 5 * time.Second
	// lookEvery is how often it is asked whether anybody waits for the table
	lookEvery = 10 * time.Second
	// lostMost is how often in a row a page is asked for again: connections that wait to be used may have gone, too
	lostMost = 6
)

// snapshot is the cursor from which the pages of a table are read, so that all of them show the rows of one instant. A
// cursor, as its snapshot is taken behind the lock on the table: that of a REPEATABLE READ transaction is taken before, and
// whoever waits behind one that rewrites the table then finds it empty. It is left while the caller works for longer than
// it may be idle, and where somebody waits for the table, and what is read after that is of another instant: rows that were
// written between are as they are by then, and one that was given another key between may be read twice or not at all.
type snapshot struct {
	source *source
	table  *table

	mu     sync.Mutex
	conn   *sql.Conn // nil: none
	open   bool      // there is a transaction with the cursor
	busy   bool      // a page is being read
	began  time.Time
	looked time.Time
	bears  limits
	timer  *time.Timer
}

// limits are what the server bears of a transaction.
type limits struct {
	idle  time.Duration // of one that waits for its client
	whole time.Duration // 0: for ever
	asked bool
}

// limitsQuery asks for the server's limits, in milliseconds, 0 for none. PostgreSQL 16 has no transaction_timeout.
const limitsQuery = "SELECT COALESCE(max(setting) FILTER (WHERE name <> 'transaction_timeout'), '0'), " +
	"COALESCE(max(setting) FILTER (WHERE name = 'transaction_timeout'), '0') FROM pg_catalog.pg_settings WHERE name IN " +
	"('idle_in_transaction_session_timeout', 'transaction_timeout')"

// fetch reads the next page: so many rows behind a place.
func (s *snapshot) fetch(ctx context.Context, r *reader, at paging.Place, rows int, row func([][]byte) error) error {
	conn, err := s.enter(ctx, r, at)
	if err != nil {
		return err
	}
	return stream(ctx, conn, "FETCH FORWARD "+strconv.Itoa(rows)+" FROM lethe", nil, row)
}

// enter returns the connection with the cursor that stands at a place; where it is over, there is a new one.
func (s *snapshot) enter(ctx context.Context, r *reader, at paging.Place) (*sql.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return nil, err
		}
	}
	if s.open && (s.bears.whole > 0 && time.Since(s.began) > s.bears.whole/2 || s.waitedFor(ctx)) {
		if err := s.end(ctx); err != nil {
			return nil, err
		}
	}
	if !s.open {
		if _, _, err := exec(ctx, s.conn, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", nil); err != nil {
			return nil, err
		}
		s.open, s.began = true, time.Now()
		s.looked = s.began
		text, params := r.statement(at, 0, "")
		if _, _, err := exec(ctx, s.conn, "DECLARE lethe NO SCROLL CURSOR FOR "+text, params); err != nil {
			return nil, err
		}
	}
	s.busy = true
	return s.conn, nil
}

func (s *snapshot) connect(ctx context.Context) error {
	conn, err := s.source.db.Conn(ctx)
	if err != nil {
		return err
	}
	s.conn = conn
	s.bears, err = s.source.bears(ctx, conn)
	return err
}

// bears asks once what the server bears.
func (s *source) bears(ctx context.Context, conn *sql.Conn) (l limits, err error) {
	s.mu.Lock()
	l = s.limits
	s.mu.Unlock()
	if l.asked {
		return l, nil
	}
	l = limits{idle: idleMost, asked: true}
	err = collect(ctx, conn, limitsQuery, nil, func(r []string) error {
		idle, err := strconv.Atoi(r[0])
		whole, err2 := strconv.Atoi(r[1])
		if idle > 0 {
			l.idle = min(l.idle, time.Duration(idle)*time.Millisecond/2)
		}
		l.whole = time.Duration(whole) * time.Millisecond
		return errors.Join(err, err2)
	})
	if err == nil {
		s.mu.Lock()
		s.limits = l
		s.mu.Unlock()
	}
	return l, err
}

// waitedFor reports whether somebody waits for a lock on the table, or a partition of it, that the snapshot keeps.
func (s *snapshot) waitedFor(ctx context.Context) (waited bool) {
	if time.Since(s.looked) < s.source.looks {
		return false
	}
	s.looked = time.Now()
	var l list
	for _, oid := range append(slices.Clone(s.table.Stands), s.table.oid) {
		l.add([]byte(oid))
	}
	err := collect(ctx, s.conn, "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE NOT granted AND locktype = 'relation' "+
		"AND relation = ANY ($1::oid[]))", [][]byte{l.text()}, func(r []string) error {
		waited = r[0] == "t"
		return nil
	})
	return waited || err != nil
}

// leave lets the caller work: the snapshot is kept for as long as it may be idle.
func (s *snapshot) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if s.open {
		s.timer = time.AfterFunc(s.bears.idle, s.lapse)
	}
}

// lapse ends a snapshot that was idle for too long.
func (s *snapshot) lapse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.busy && s.open {
		_ = s.end(context.Background()) // the next page tells
	}
}

// end ends the transaction, and with it the snapshot.
func (s *snapshot) end(ctx context.Context) error {
	s.open = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _, err := exec(ctx, s.conn, "ROLLBACK", nil)
	if err != nil {
		s.drop()
	}
	return err
}

// drop gives up the connection.
func (s *snapshot) drop() {
	if s.conn != nil {
		_ = s.conn.Raw(closed)
		_ = s.conn.Close()
	}
	s.conn, s.open, s.busy = nil, false, false
}

// close ends it all.
func (s *snapshot) close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.open {
		_ = s.end(ctx)
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// lost gives up what a page failed on, and reports whether it may be asked for again, in a new snapshot: the server ended
// the transaction because it was idle or old, or somebody had it end it, or as a standby had to go on, or the connection
// went meanwhile.
func (s *snapshot) lost(err error) bool {
	var server *pgconn.PgError
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.As(err, &server) && !slices.Contains([]string{"25P03", "25P04", "57P05", "57P01", "40001"}, server.Code) ||
		server == nil && (!lost(err) || s.source.dialer.Silence() != nil) {
		return false
	}
	s.drop()
	return true
}
