package database

// MySQLStatements are a schema and its guards in MySQL's words.
func MySQLStatements(schema []string) []string { return mysqlEngine.statements(schema) }
