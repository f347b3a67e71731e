package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// stream runs a query with parameters, as text both ways, and hands over each row; nil is NULL, and the values are the
// driver's own until row returns. What row leaves unread costs the connection: draining it could take the rest of the
// table.
func stream(ctx context.Context, conn *sql.Conn, query string, params [][]byte, row func([][]byte) error) error {
	var rowErr error
	err := conn.Raw(func(dc any) error {
		pc := dc.(*stdlib.Conn).Conn().PgConn()
		rows := pc.ExecParams(ctx, query, params, nil, nil, nil)
		for rows.NextRow() {
			if rowErr = row(rows.Values()); rowErr != nil {
				_ = pc.Conn().Close()
				return driver.ErrBadConn
			}
		}
		_, err := rows.Close()
		return err
	})
	if rowErr != nil {
		return rowErr
	}
	return because(ctx, err)
}

// because returns the context's error for whatever the driver made of it.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// exec runs a statement and returns how many rows it met, and its tag: UPDATE 3, COMMIT.
func exec(ctx context.Context, conn *sql.Conn, statement string, params [][]byte) (rows int64, tag string, err error) {
	err = conn.Raw(func(dc any) error {
		t, err := dc.(*stdlib.Conn).Conn().PgConn().ExecParams(ctx, statement, params, nil, nil, nil).Close()
		rows, tag = t.RowsAffected(), t.String()
		return err
	})
	return rows, tag, because(ctx, err)
}

// collect runs a query of the catalog and hands over each row as text; NULL is "".
func collect(ctx context.Context, conn *sql.Conn, query string, params [][]byte, row func([]string) error) error {
	var texts []string
	return stream(ctx, conn, query, params, func(values [][]byte) error {
		texts = texts[:0]
		for _, v := range values {
			texts = append(texts, string(v))
		}
		return row(texts)
	})
}

// transact runs do in a READ COMMITTED transaction, which is committed unless do fails. An error of do is returned as it
// is.
func (s *source) transact(ctx context.Context, op, table string, do func(*sql.Conn) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.fail(op, table, err)
	}
	defer func() { _ = conn.Close() }()
	if _, _, err := exec(ctx, conn, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", nil); err != nil {
		return s.fail(op, table, err)
	}
	committed := false
	defer func() {
		if !committed {
			rollBack(ctx, conn)
		}
	}()
	if err := do(conn); err != nil {
		return err
	}
	_, tag, err := exec(ctx, conn, "COMMIT", nil)
	if err == nil && tag != "COMMIT" { // a transaction that failed answers ROLLBACK, and no error
		err = errors.New("the server rolled the transaction back")
	}
	if err != nil {
		return s.fail(op, table, err)
	}
	committed = true
	return nil
}

// rollBack ends the transaction, by closing the connection if nothing else works.
func rollBack(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, _, err := exec(ctx, conn, "ROLLBACK", nil); err != nil {
		_ = conn.Raw(closed)
	}
}

// closed closes the connection of the driver, for sql.Conn.Raw: nobody gets it again.
func closed(dc any) error {
	_ = dc.(*stdlib.Conn).Conn().PgConn().Conn().Close()
	return driver.ErrBadConn
}

// quoteName writes a name as SQL.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteText writes a text as SQL, whatever standard_conforming_strings says.
func quoteText(s string) string {
	if strings.Contains(s, `\`) {
		return " E'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// list builds the text of an array of texts.
type list []byte

func (l *list) add(v []byte) {
	*l = append(*l, l.glue(), '"')
	for _, c := range v {
		if c == '"' || c == '\\' {
			*l = append(*l, '\\')
		}
		*l = append(*l, c)
	}
	*l = append(*l, '"')
}

func (l *list) addNull() { *l = append(append(*l, l.glue()), "NULL"...) }

func (l *list) glue() byte {
	if len(*l) == 0 {
		return '{'
	}
	return ','
}

// text is the whole array.
func (l *list) text() []byte {
	if len(*l) == 0 {
		return []byte("{}")
	}
	return append(*l, '}')
}
