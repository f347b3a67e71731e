package mysql

import (
	"context"
	"errors"

	"github.com/go-sql-driver/mysql"
)

// The place of a database: its server, by what no two servers have alike, and its name as the server compares it.
// MySQL numbers its servers, but a copied machine has the number of the first. MariaDB does not; there the second at
// which the server began takes its part: the time of the statement less the server's age at it, which is exact.
const (
	placeHead = "SELECT CONCAT_WS('/', @@hostname, @@port, @@socket, @@datadir, @@server_id, " +
		"IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE())), "
	mysqlPlace   = placeHead + "@@server_uuid)"
	mariadbPlace = placeHead + "UNIX_TIMESTAMP() - (SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM " +
		"information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'))"
)

// unknownVariable is the server's error for a system variable that it does not have.
const unknownVariable = 1193

// Place asks the server, whichever name or user it was reached by.
func (s *source) Place(ctx context.Context) (place string, err error) {
	err = s.db.QueryRowContext(ctx, mysqlPlace).Scan(&place)
	if server := (*mysql.MySQLError)(nil); errors.As(err, &server) && server.Number == unknownVariable {
		err = s.db.QueryRowContext(ctx, mariadbPlace).Scan(&place)
	}
	if err != nil {
		return "", s.fail("open", "", because(ctx, err))
	}
	return place, nil
}
