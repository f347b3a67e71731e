package audit

import "time"

// LogLine is a signature under a checkpoint of the log of nights, as it stood when the night ended: the log's own under
// the newest checkpoint, which this night's manifest is not in yet; the last cosignature of each data protection
// officer; the last time stamp.
type LogLine struct {
	Size     int64     // how many entries of the log the checkpoint covers; 0 before the first
	Root     string    // what they hash to (RFC 6962), hex; "" before the first
	Signer   string    // log, dpo, or tsa: and the name of the authority
	Actor    string    // the data protection officer's name under people; "" of the others
	KeyID    string    // of the key under the checkpoint (C2SP signed-note), eight hex digits; "" of a time stamp
	Nights   int64     `col:"nights_since"` // published since a cosignature, with this one; else 0
	SignedAt time.Time // by the clock of who signed; NULL of the log's own
}

// Who signs checkpoints, as the table says it.
const (
	LogSigner     = "log"
	WitnessSigner = "dpo"
	StampSigner   = "tsa:"
)

// LateNights is after how many nights without a cosignature the data protection officer is asked for one.
const LateNights = 7

// Uncosigned is the kind of the finding that says so.
const Uncosigned = "F_NOT_COSIGNED"
