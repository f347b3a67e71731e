package registry

// The names by which other packages knew what has a package of its own now.

import (
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/receipt"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/registry/standings"
)

type Ref = keystore.Ref

const BadLine = event.BadLine
const BadRecord = event.BadRecord
const BadTermination = event.BadTermination
const BadText = event.BadText
const BadTime = event.BadTime
const BadType = event.BadType
const BasisStarted = event.BasisStarted
const CSV = delivery.CSV
const Expired = event.Expired
const Given = event.Given
const ImpliedConsent = event.ImpliedConsent
const JSONL = delivery.JSONL
const KeyActive = chain.KeyActive
const KeyDestroyed = chain.KeyDestroyed
const KeyRetiring = chain.KeyRetiring
const MaxRejects = delivery.MaxRejects
const NoNotice = event.NoNotice
const NoPurpose = event.NoPurpose
const Objected = event.Objected
const OpenQuote = event.OpenQuote
const Refused = event.Refused
const Renewed = event.Renewed
const RequestAccess = cases.RequestAccess
const RequestErasure = cases.RequestErasure
const RequestObjection = cases.RequestObjection
const RequestPortability = cases.RequestPortability
const RequestRectification = cases.RequestRectification
const RequestRestriction = cases.RequestRestriction
const RequestWithdrawal = cases.RequestWithdrawal
const Restricted = event.Restricted
const Suppressed = event.Suppressed
const UnknownMethod = event.UnknownMethod
const UnknownPurpose = event.UnknownPurpose
const Withdrawn = event.Withdrawn

type DayOrder = delivery.DayOrder
type Event = event.Event
type EventType = event.Type
type ExpiryEnds = retention.ExpiryEnds
type Forget = retention.Forget
type Format = delivery.Format
type Found = standings.Found
type Head = chain.Head
type Hold = cases.Hold
type Import = delivery.Import
type ImportReport = delivery.Report
type KeyVersion = chain.KeyVersion
type Link = event.Link
type Match = standings.Match
type Reason = event.Reason
type ReceiptParty = receipt.Party
type ReceiptTerms = receipt.Terms
type RefusedError = event.RefusedError
type Reject = delivery.Reject
type Request = cases.Request
type Row = standings.Row
type Standings = standings.Standings
type Subject = event.Subject

var Affirmative = event.Affirmative
var AffirmativeActs = event.AffirmativeActs
var CollectionRef = chain.CollectionRef
var DecodeText = delivery.DecodeText
var ExtensionReasons = cases.ExtensionReasons
var ImportColumns = delivery.Columns
var ImportedTypes = event.ImportedTypes
var KnownKind = identifier.Known
var Normalise = identifier.Normalise
var ParseEventType = event.ParseType
var ParseInstant = delivery.ParseInstant
var ReadEvents = delivery.Read
var Reasons = event.Reasons
var Separator = delivery.Separator
