package judge

// Change is what a decision changes in a source.
type Change string

// The changes. Block and unblock are reversible; the others destroy.
const (
	None      Change = ""
	Block     Change = "block"
	Unblock   Change = "unblock"
	Clear     Change = "clear"
	Anonymize Change = "anonymize"
	Delete    Change = "delete"
	SetNull   Change = "set_null" // the foreign key of a row that stays when the row it refers to goes
)

// Reversible reports whether a change destroys nothing.
func (c Change) Reversible() bool { return c == Block || c == Unblock }
