package notes

// The questions that a plan can raise. Two approvals of the plan's digest answer them.
const (
	AskRows      = "B_MAX_ROWS"
	AskPercent   = "B_MAX_PCT"
	AskSpike     = "B_SPIKE"
	AskNewSource = "B_NEW_SOURCE"
	AskPolicy    = "B_POLICY_CHANGED"
	AskEmpty     = "B_EMPTY_TABLE"
	AskTrigger   = "B_TRIGGER"
	AskRebuilt   = "B_STATE_REBUILT"
	AskClock     = "B_CLOCK_AHEAD"
)

// The stops. They have no override short of removing the cause.
const (
	StopNoMatch     = "B_NOMATCH_RATIO"
	StopUnparseable = "B_UNPARSEABLE_RATIO"
	StopShrunk      = "B_REGISTRY_SHRUNK"
)

// QuestionWords says a question of a plan in words.
func QuestionWords(code string) string {
	switch code {
	case AskRows:
		return "it changes more rows of a table than max_rows allows"
	case AskPercent:
		return "it changes a larger part of a table than max_percent allows"
	case AskSpike:
		return "it changes far more rows than the last nights did"
	case AskNewSource:
		return "a source is new: its first plans are looked at by people"
	case AskPolicy:
		return "the policy is another one than people adopted: `lethe policy adopt`"
	case AskEmpty:
		return "it would nearly empty a table"
	case AskTrigger:
		return "its changes run triggers that no plan before it showed as they are now"
	case AskRebuilt:
		return "nights before were forgotten, and nobody has approved a plan since"
	case AskClock:
		return "the clock went on by more days between two runs than pause_days, and nobody has approved a plan since"
	}
	return code
}
