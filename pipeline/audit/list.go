package audit

import "reflect"

// Table is one table of a night: its name and the type of its rows.
type Table struct {
	Name string
	Row  reflect.Type
}

// Tables lists the tables of a night, in the order in which they are written.
func Tables() []Table {
	return []Table{
		{"runs", reflect.TypeFor[Run]()},
		{"inventory", reflect.TypeFor[Inventory]()},
		{"findings", reflect.TypeFor[Finding]()},
		{"summary", reflect.TypeFor[Summary]()},
		{"starts", reflect.TypeFor[Start]()},
		{"plan", reflect.TypeFor[Plan]()},
		{"approvals", reflect.TypeFor[Approval]()},
		{"exceptions", reflect.TypeFor[Exception]()},
		{"backups", reflect.TypeFor[Backup]()},
		{"consent_sync", reflect.TypeFor[ConsentSync]()},
		{"requests", reflect.TypeFor[Request]()},
		{"holds", reflect.TypeFor[Hold]()},
		{"remnants", reflect.TypeFor[Remnant]()},
		{"log", reflect.TypeFor[LogLine]()},
		{"silos", reflect.TypeFor[Silo]()},
		{"run_rollup", reflect.TypeFor[Rollup]()},
		{"ages", reflect.TypeFor[Age]()},
		{"sources", reflect.TypeFor[Source]()},
		{"verification", reflect.TypeFor[Verified]()},
		{"answers", reflect.TypeFor[Answered]()},
		{"policy_changes", reflect.TypeFor[PolicyChange]()},
		{"restores", reflect.TypeFor[Restore]()},
		{"incident_hints", reflect.TypeFor[Hint]()},
		{"attestations", reflect.TypeFor[Attestation]()},
		{"decisions", reflect.TypeFor[Decision]()},
		{"actions", reflect.TypeFor[Action]()},
	}
}

// RowRollupTable stands in the folder of purges, in the place of rows whose term is over.
const RowRollupTable = "row_rollup"

// AllTables are those of a night, and the one that stands in the place of rows that are gone.
func AllTables() []Table {
	return append(Tables(), Table{RowRollupTable, reflect.TypeFor[RowRollup]()})
}

// TableNames are the names of all tables.
func TableNames() []string {
	var names []string
	for _, t := range AllTables() {
		names = append(names, t.Name)
	}
	return names
}
