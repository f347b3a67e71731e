package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// discard has people, parted by spaces, sign together that the plan is discarded.
func (d *desk) discard(t *testing.T, names, comment string) error {
	t.Helper()
	var people []setup.Witness
	for name := range strings.FieldsSeq(names) {
		people = append(people, setup.Witness{Name: name, Signer: d.signers[name]})
	}
	_, done, err := Discard(t.Context(), d.p, d.plan.PlanID, comment, people)
	if err == nil {
		require.Equal(t, d.state(t, d.plan.PlanID) == journal.Rejected, done)
	}
	return err
}

// approve has everybody approve whose approval is missing.
func (d *desk) approve(t *testing.T) {
	t.Helper()
	for _, name := range []string{"anna", "bo", "carl"} {
		_, err := d.answer(t, name, approve)
		require.NoError(t, err)
	}
	require.Equal(t, journal.Approved, d.state(t, d.plan.PlanID))
}

func TestAnyPlanIsDiscardedWhateverItsFolderLooksLike(t *testing.T) {
	for name, damage := range map[string]func(d *desk) error{
		"sound":     func(*desk) error { return nil },
		"no folder": func(d *desk) error { return os.RemoveAll(d.plan.Folder) },
		"edited": func(d *desk) error {
			return os.WriteFile(filepath.Join(d.plan.Folder, "plan.json"), []byte("{}"), 0o600)
		},
		"no key": func(d *desk) (err error) {
			dir := filepath.Dir(d.p.State)
			if err = os.Remove(filepath.Join(dir, "keys", "plan", d.plan.PlanID+".age")); err == nil {
				d.p.Keys, err = keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id.age"))
			}
			return err
		},
		"key is destroyed": func(d *desk) error { return destroyKey(d.p, d.plan.PlanID) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			_, err := d.answer(t, "anna", approve)
			require.NoError(t, err)
			require.NoError(t, damage(d))
			files, err := filepath.Glob(filepath.Join(d.plan.Folder, "*"))
			require.NoError(t, err)

			before := d.state(t, d.plan.PlanID)
			require.NoError(t, d.discard(t, "anna", "a flipped bit"), "who answered before may, too")
			require.Equal(t, before, d.state(t, d.plan.PlanID), "one alone ends nothing")
			require.ErrorContains(t, d.discard(t, "anna", "again"), "another person has to")
			require.NoError(t, d.discard(t, "dora", "a flipped bit"))
			require.Equal(t, journal.Rejected, d.state(t, d.plan.PlanID))
			_, err = d.p.Keys.PlanIdentity(d.plan.PlanID)
			require.Error(t, err)
			left, err := filepath.Glob(filepath.Join(d.plan.Folder, "*"))
			require.NoError(t, err)
			require.Equal(t, files, left, "the folder is evidence")

			book, err := answers.Open(t.Context(), d.j, d.p.Reports)
			require.NoError(t, err)
			got := book.About(answers.AboutPlan(d.entry.ID), d.entry.Digest)
			require.Len(t, got, 3)
			require.Equal(t, []string{"anna", "discard", "a flipped bit"},
				[]string{got[1].Answer.Actor, string(got[1].Answer.Act), got[1].Answer.Comment})
			require.ErrorContains(t, d.discard(t, "carl", "again"), "is rejected: there is nothing to discard")
		})
	}
}

func TestWhoMayDiscard(t *testing.T) {
	for name, may := range map[string]bool{"anna carl": true, "carl dora": true, "dora anna": true, "anna emil": false,
		"anna anna": false, "emil dora": false} {
		d := newDesk(t)
		err := d.discard(t, name, "lost")
		if may {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, setup.ErrConfig, name)
		require.Equal(t, journal.Waiting, d.state(t, d.plan.PlanID), name)
	}
	d := newDesk(t)
	require.ErrorContains(t, d.discard(t, "anna", " "), "say why")
	d.p.People["emil"] = setup.Person{Key: d.p.People["emil"].Key}
	require.NoError(t, os.RemoveAll(d.plan.Folder))
	require.ErrorIs(t, d.discard(t, "emil dora", "lost"), setup.ErrConfig, "somebody without a role")
	d.p.People["emil"] = setup.Person{Key: d.p.People["emil"].Key, Roles: roles["emil"]}
	require.NoError(t, d.discard(t, "emil dora", "lost"), "whose rows were in it nobody can say")
}

func TestAnApprovedPlanIsTakenBack(t *testing.T) {
	d := newDesk(t)
	d.approve(t)
	state, err := d.answer(t, "dora", object)
	require.NoError(t, err)
	require.Equal(t, journal.Waiting, state)
	require.Equal(t, journal.Waiting, d.state(t, d.plan.PlanID))
	missing, err := StillMissing(t.Context(), d.p, d.j, d.plan.PlanID)
	require.NoError(t, err)
	require.Len(t, missing, 1)
	require.Contains(t, missing[0], "objection")
	_, err = d.answer(t, "cleo", approve)
	require.ErrorContains(t, err, "dora objected to it on 2026-11-20")
	require.Equal(t, journal.Waiting, d.state(t, d.plan.PlanID), "an objection holds it")

	d = newDesk(t)
	d.approve(t)
	state, err = d.answer(t, "anna", reject)
	require.NoError(t, err)
	require.Equal(t, journal.Rejected, state)
	_, err = d.p.Keys.PlanIdentity(d.plan.PlanID)
	require.ErrorIs(t, err, keystore.ErrDestroyed)
	require.NoError(t, d.j.SetPlanState(t.Context(), d.plan.PlanID, journal.Approved, ""))
	require.Equal(t, journal.Rejected, d.state(t, d.plan.PlanID), "what has ended stays as it ended")
}

func TestAPlanThatHasBegunIsNotTakenBack(t *testing.T) {
	d := newDesk(t)
	d.approve(t)
	lock, err := state.TakeLock(d.p, "a night")
	require.NoError(t, err)
	require.ErrorIs(t, d.discard(t, "anna", "lost"), setup.ErrHeld)
	require.NoError(t, lock.Close())

	_, err = d.j.Intend(t.Context(), journal.Chunk{PlanID: d.plan.PlanID, RunID: "run2", Rows: 1, IntentAt: noon})
	require.NoError(t, err)
	require.ErrorContains(t, d.discard(t, "anna", "lost"), "it has to be finished: `lethe apply` goes on with it")
	_, err = d.answer(t, "anna", reject)
	require.ErrorContains(t, err, "has begun")
	_, err = d.answer(t, "dora", object)
	require.ErrorContains(t, err, "has begun")
	_, err = d.answer(t, "anna", withdraw)
	require.ErrorContains(t, err, "has begun")
	require.Equal(t, journal.Approved, d.state(t, d.plan.PlanID))
	book, err := answers.Open(t.Context(), d.j, d.p.Reports)
	require.NoError(t, err)
	require.Len(t, book.All(), 3, "and nothing is recorded")
}

// A plan that has begun and that no night can finish is ended by people, and what is on record of it stays.
func TestAPlanThatHasBegunAndCannotBeFinishedIsDiscarded(t *testing.T) {
	for name, stuck := range map[string]func(t *testing.T, d *desk){
		"no folder":        func(t *testing.T, d *desk) { require.NoError(t, os.RemoveAll(d.plan.Folder)) },
		"key is destroyed": func(t *testing.T, d *desk) { require.NoError(t, destroyKey(d.p, d.plan.PlanID)) },
		"a source gone":    func(_ *testing.T, d *desk) { d.p.Sources = nil },
		"a person gone":    func(_ *testing.T, d *desk) { delete(d.p.People, "bo") },
		"another key": func(_ *testing.T, d *desk) {
			d.p.People["bo"] = setup.Person{Key: d.p.People["dora"].Key, Roles: d.p.People["bo"].Roles}
		},
		"rows of a set": func(t *testing.T, d *desk) {
			require.NoError(t, os.Truncate(filepath.Join(d.plan.Folder, d.plan.Sets[0].Changes), 3))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.approve(t)
			c, err := d.j.Intend(t.Context(), journal.Chunk{PlanID: d.plan.PlanID, RunID: "run2", Rows: 1, IntentAt: noon})
			require.NoError(t, err)
			require.NoError(t, d.j.Settle(t.Context(), "run2", noon, journal.Outcomes{Chunk: c.ID, Of: []byte{Done}}))
			require.ErrorContains(t, d.discard(t, "anna", "sound"), "it has to be finished")
			stuck(t, d)
			require.NoError(t, d.discard(t, "anna carl", "lost"))
			require.Equal(t, journal.Rejected, d.state(t, d.plan.PlanID))
			chunks, err := d.j.Chunks(t.Context(), d.plan.PlanID)
			require.NoError(t, err)
			require.Len(t, chunks, 1)
			require.Equal(t, []byte{Done}, chunks[0].Outcome)
		})
	}
}
