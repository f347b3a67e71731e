package registry

// The kinds of request.
const (
	RequestAccess        = "access"
	RequestRectification = "rectification"
	RequestErasure       = "erasure"
	RequestRestriction   = "restriction"
	RequestPortability   = "portability"
	RequestObjection     = "objection"
	RequestWithdrawal    = "withdrawal"
)
