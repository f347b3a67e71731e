package evidence

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/audit/sealed"
)

// reader is somebody who reads the evidence of a silo.
func reader(t *testing.T) (recipient string, identities []age.Identity) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reader.key")
	recipient, err := sealed.NewIdentity(path)
	require.NoError(t, err)
	identities, err = sealed.Identities(path)
	require.NoError(t, err)
	return recipient, identities
}

// confidential is a night of which two silos have readers, hr and newsletter, and a third, suppliers, has none.
func confidential(t *testing.T, root string, readers map[string][]string) publish.Publication {
	t.Helper()
	s, _ := newSigner(t)
	facts := audittest.Facts(1, "")
	facts.Inventory = append(facts.Inventory, audit.Inventory{Source: "crm", Object: "staff", Column: "name", Silo: "hr",
		Shapes: "Aa{3,9}"}, audit.Inventory{Source: "crm", Object: "firms", Column: "name", Silo: "suppliers", Shapes: "A{2,4}"})
	decisions := audittest.Decisions(900)
	for i := range decisions {
		decisions[i].Silo = []string{"hr", "newsletter", "suppliers"}[i%3]
	}
	return publish.Publication{Facts: facts, Decisions: batches(7, decisions), Actions: batches(5, audittest.Actions(30)),
		Root: root, Date: "2026-11-21", Signer: s, Gate: &audittest.Gate{}, Readers: readers,
		Private: filepath.Join(t.TempDir(), "private")}
}

// TestTheReaderOfOneSiloCannotOpenAnothers, nothing of single rows of such a silo lies in the clear beside, and the
// folder verifies without any reader's key, and with one what it opens as well.
func TestTheReaderOfOneSiloCannotOpenAnothers(t *testing.T) {
	hr, hrOpens := reader(t)
	news, newsOpens := reader(t)
	root := t.TempDir()
	p := confidential(t, root, map[string][]string{"hr": {hr}, "newsletter": {news}, "suppliers": nil})
	_, err := publish.Publish(t.Context(), p)
	require.NoError(t, err)
	require.NoDirExists(t, p.Private)

	place := "table=decisions/date=2026-11-21/run=" + p.Facts.Run.RunID + "/silo="
	files := tree(t, root)
	require.Contains(t, files, place+"suppliers.parquet")
	require.Contains(t, files, place+"hr.parquet.age")
	require.NotContains(t, files, place+"hr.parquet")
	for _, row := range audittest.Decisions(900)[:9] {
		at := bytes.Contains([]byte(files[place+"suppliers.parquet"]), row.Record[:])
		require.Equal(t, row.Record == audittest.Decisions(900)[2].Record || row.Record == audittest.Decisions(900)[5].Record ||
			row.Record == audittest.Decisions(900)[8].Record, at, "the references of suppliers stand there, and no others")
		for name, body := range files {
			if !strings.Contains(name, "suppliers") {
				require.NotContains(t, body, string(row.Record[:]), name)
			}
		}
	}
	var shapes []string
	inventory := "table=inventory/date=2026-11-21/run=" + p.Facts.Run.RunID + "/silo=_.parquet"
	require.Contains(t, files, inventory)
	require.NotContains(t, files[inventory], "Aa{3,9}", "what the values of a silo with readers look like")
	require.Contains(t, files[inventory], "A{2,4}")

	// who opens what
	out := filepath.Join(t.TempDir(), "rows.parquet")
	_, _, err = sealed.Open(filepath.Join(root, place+"hr.parquet.age"), out, newsOpens)
	require.ErrorIs(t, err, sealed.ErrOther)
	require.NoFileExists(t, out)
	_, _, err = sealed.Open(filepath.Join(root, place+"hr.parquet.age"), out, hrOpens)
	require.NoError(t, err)
	require.NoError(t, parquet.Texts(t.Context(), out, []string{"silo"}, func(v []string) { shapes = append(shapes, v[0]) }))
	require.Len(t, shapes, 300)
	require.NotContains(t, shapes, "newsletter")

	// verified without a key, and with one
	key := p.Signer.PublicKey()
	lines := func(against Against) (string, error) {
		report, err := VerifyAgainst(t.Context(), root, key, against)
		return strings.Join(report.Lines(), "\n"), err
	}
	text, _ := lines(Against{})
	require.Contains(t, text, "of 3 only the digests of the files were checked")
	require.NotContains(t, text, "BROKEN ")
	text, _ = lines(Against{Identities: hrOpens})
	require.Contains(t, text, "3 files are encrypted for the readers of their silos; 1 were opened, and hold the rows that were signed")
	require.Contains(t, text, "of 2 only")

	// what they come to stands in the clear, and agrees
	total := map[string]int64{}
	for _, silo := range []string{"hr", "newsletter"} {
		counts := strings.Replace(place, "decisions", audit.RowRollupTable, 1) + silo + ".parquet"
		require.Contains(t, files, counts)
		require.NoError(t, (&expiry.Roller{}).Take(t.Context(), root, expiry.Gone{File: expiry.File{
			Path: place + silo + ".parquet.age", Rows: 300}}))
		require.ErrorContains(t, (&expiry.Roller{}).Take(t.Context(), root, expiry.Gone{File: expiry.File{
			Path: place + silo + ".parquet.age", Rows: 301}}), "300 rows are counted")
		total[silo]++
	}
	require.Len(t, total, 2)

	// a bit of it that changes is found
	file := filepath.Join(root, place+"hr.parquet.age")
	body := []byte(files[place+"hr.parquet.age"])
	body[len(body)/2] ^= 1
	require.NoError(t, os.WriteFile(file, body, 0o600))
	text, err = lines(Against{Identities: hrOpens})
	require.ErrorIs(t, err, ErrEdited)
	require.Contains(t, text, "hr.parquet.age was changed")
}

// TestWhatIsEncryptedIsPublishedAgainAsItStands: encrypted anew it would be other bytes, under whichever readers.
func TestWhatIsEncryptedIsPublishedAgainAsItStands(t *testing.T) {
	hr, _ := reader(t)
	other, _ := reader(t)
	root := t.TempDir()
	p := confidential(t, root, map[string][]string{"hr": {hr}, "newsletter": nil})
	first, err := publish.Publish(t.Context(), p)
	require.NoError(t, err)
	before := tree(t, root)
	for _, readers := range []map[string][]string{{"hr": {hr}}, {"hr": {other}}, nil, {"newsletter": {other}}} {
		p.Readers = readers
		again, err := publish.Publish(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, before, tree(t, root))
	}
	require.NoError(t, os.Remove(filepath.Join(root, "table=decisions/date=2026-11-21/run="+p.Facts.Run.RunID+"/silo=hr.parquet.age")))
	_, err = publish.Publish(t.Context(), p)
	require.ErrorContains(t, err, "put it back from a copy of the reports")
	p.Private = ""
	_, err = publish.Publish(t.Context(), p)
	require.ErrorContains(t, err, "need a place apart")
}

// TestWhatTheGateObjectsToLiesNowhereInTheClear, neither in quarantine nor where it waited.
func TestWhatTheGateObjectsToLiesNowhereInTheClear(t *testing.T) {
	hr, _ := reader(t)
	root := t.TempDir()
	p := confidential(t, root, map[string][]string{"hr": {hr}, "newsletter": {hr}, "suppliers": {hr}})
	p.Gate = &audittest.Gate{Object: "D_CONSENT"}
	require.NoError(t, os.MkdirAll(filepath.Join(p.Private, "left by a run that was killed"), 0o700))
	_, err := publish.Publish(t.Context(), p)
	require.ErrorIs(t, err, publish.ErrGate)
	require.NoDirExists(t, p.Private)
	sealedFiles := 0
	for name, body := range tree(t, root) {
		if strings.HasSuffix(name, sealed.Ends) {
			sealedFiles++
		}
		for _, row := range audittest.Decisions(3) {
			require.NotContains(t, body, string(row.Record[:]), name)
		}
	}
	require.Equal(t, 4, sealedFiles)
}

func TestRecipients(t *testing.T) {
	public, _ := reader(t)
	_, err := sealed.Recipients([]string{public, " " + public + "\n"})
	require.NoError(t, err)
	for _, bad := range []string{"", "anna", "age1", public + "x", "lethe-ed25519:abc", public + "\n" + public} {
		_, err := sealed.Recipients([]string{bad})
		require.ErrorContains(t, err, "is no recipient of age", bad)
	}
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	_, err = sealed.Recipients([]string{identity.String()})
	require.ErrorContains(t, err, "make a new one")
	require.NotContains(t, err.Error(), identity.String())
	path := filepath.Join(t.TempDir(), "no.key")
	require.NoError(t, os.WriteFile(path, []byte(public), 0o600))
	_, err = sealed.Identities(path)
	require.ErrorContains(t, err, "is no file of identities")
}
