package main_test

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
)

// forge puts an answer into both copies of the chain, past all that the commands refuse, as who reads the identity of the
// keystore and has somebody's key could: its place, its signature and its seal hold. About a plan it is over the plan's
// digest, unless told otherwise. With -approved the journal has the plan as approved besides:
//
//	forge [-digest HEX] [-at INSTANT] [-approved] ACT ABOUT ACTOR KEYFILE
func forge(ts *testscript.TestScript, _ bool, args []string) {
	var a answers.Answer
	var at time.Time
	approved := false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-digest":
			a.Digest, args = args[1], args[1:]
		case "-at":
			var err error
			at, err = time.Parse(time.RFC3339, args[1])
			ts.Check(err)
			args = args[1:]
		case "-approved":
			approved = true
		default:
			ts.Fatalf("forge knows no %s", args[0])
		}
		args = args[1:]
	}
	a.Act, a.About, a.Actor = answers.Act(args[0]), args[1], args[2]
	ctx := context.Background()
	keys, err := keystore.Open(ctx, ts.MkAbs("var/keys"), ts.MkAbs("var/lethe.age"))
	ts.Check(err)
	sealer, err := keys.Journal()
	ts.Check(err)
	j, err := journal.Open(ctx, ts.MkAbs("var/state"), sealer)
	ts.Check(err)
	defer func() { ts.Check(j.Close()) }()
	id, about := strings.CutPrefix(a.About, "plan:")
	plans, err := j.Plans(ctx)
	ts.Check(err)
	for _, p := range plans {
		if about && p.ID == id && a.Digest == "" {
			a.Digest = p.Digest
		}
	}
	b, err := answers.Open(ctx, j, ts.MkAbs("var/reports"))
	ts.Check(err)
	if at.IsZero() {
		now, err := time.Parse(time.RFC3339, ts.Getenv(clockVariable))
		ts.Check(err)
		at = now
	}
	signer, err := keystore.LoadPerson(ts.MkAbs(args[3]))
	ts.Check(err)
	_, err = b.Sign(ctx, a, signer, at, nil)
	ts.Check(err)
	if approved {
		ts.Check(j.SetPlanState(ctx, id, journal.Approved, ""))
	}
}

// saved and again keep what stands below var, and the configuration, and put it back: what one forger did is not there
// when the next one comes.
func saved(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.RemoveAll(ts.MkAbs("saved")))
	ts.Check(copyFolder(ts.MkAbs("var"), ts.MkAbs("saved/var")))
	ts.Check(os.WriteFile(ts.MkAbs("saved/lethe.yaml"), []byte(ts.ReadFile("lethe.yaml")), 0o600))
}

func again(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.RemoveAll(ts.MkAbs("var")))
	ts.Check(copyFolder(ts.MkAbs("saved/var"), ts.MkAbs("var")))
	ts.Check(os.WriteFile(ts.MkAbs("lethe.yaml"), []byte(ts.ReadFile("saved/lethe.yaml")), 0o600))
}
