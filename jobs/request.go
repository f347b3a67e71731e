package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/cases"
)

// requestKinds are the kinds of request with what opening one does at once.
var requestKinds = map[string]string{
	cases.RequestAccess: "nothing of the person is erased before it is closed, or a month after it was due " +
		"(Art. 15)",
	cases.RequestPortability:   "as access (Art. 20)",
	cases.RequestRectification: "recorded; correct the data where they are (Art. 16)",
	cases.RequestErasure: "counts as a withdrawal of every earlier consent; what no other ground covers is " +
		"erased without a grace term (Art. 17)",
	cases.RequestRestriction: "use is blocked, and nothing is erased, until restriction_lifted is recorded (Art. " +
		"18)",
	cases.RequestObjection: "use is blocked while it is weighed; with --marketing it ends direct marketing for " +
		"good (Art. 21)",
	cases.RequestWithdrawal: "ends the consent to --purpose, or to all of the silo (Art. 7(3))",
}

func requestCommand(c *Command) *cobra.Command {
	var kinds strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(requestKinds)) {
		fmt.Fprintf(&kinds, "  %-14s %s\n", kind, requestKinds[kind])
	}
	cmd := &cobra.Command{
		Use:   "request",
		Short: "Open, verify, find, pause, extend, close and list the requests of people: access, erasure, ...",
		Long: `A person's request is answered within a month of its receipt (GDPR Art. 12(3)), counted by Regulation
1182/71: the day of receipt does not count, and an end on a Saturday, a Sunday or one of
controller.holidays moves to the next working day. A request is about one silo; open it in each silo
that holds the person. Verify who asks: while the person has not shown it, the term rests (pause,
resume; Art. 12(6)). It can be extended once by two months (extend).

Opening it takes effect at once:
` + kinds.String() + `
Requests that are overdue stand in ` + "`lethe status`" + ` and in every report until they are closed.`,
	}
	cmd.AddCommand(requestOpenCommand(c), requestImportCommand(c), requestVerifyCommand(c), requestFindCommand(c), requestExportCommand(c), requestFulfilCommand(c), requestWeighCommand(c), requestDoneCommand(c),
		requestPauseCommand(c), requestResumeCommand(c), requestExtendCommand(c),
		requestLetterCommand(c), requestCloseCommand(c), requestReceiptCommand(c), requestListCommand(c))
	return cmd
}
