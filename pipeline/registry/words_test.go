package registry

// mysqlStatements are a schema and its guards in MySQL's words.
func mysqlStatements(schema []string) []string { return mysqlEngine.statements(schema) }
