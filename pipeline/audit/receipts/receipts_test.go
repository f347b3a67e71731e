package receipts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
)

func drawStatement(t *rapid.T) Statement {
	day := rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9]`)
	s := Statement{Received: day.Draw(t, "received"), Closed: day.Draw(t, "closed"),
		Outcome: rapid.SampledFrom([]string{"completed", "partly_refused"}).Draw(t, "outcome"),
		Left:    rapid.Int64Min(0).Draw(t, "left"), Copies: rapid.Int64Range(0, 3).Draw(t, "copies"),
		Rewrites: rapid.Int64Range(0, 3).Draw(t, "rewrites"),
		Persons:  rapid.SliceOfN(rapid.StringMatching(`[0-9a-f]{32}`), 0, 3).Draw(t, "persons")}
	if s.Left > 0 {
		s.Kept = rapid.SampledFrom([]string{"K_CONTRACT=2", "K_CONTRACT=2;K_LEGAL_HOLD=1"}).Draw(t, "kept")
	}
	if s.Copies > 0 {
		s.LastCopy = day.Draw(t, "last")
	}
	if len(s.Persons) == 0 {
		s.Persons = nil
	}
	return s
}

// TestStatementsAreReadAsTheyWereWritten reads each back, and refuses what would be written otherwise.
func TestStatementsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStatement(t)
		back, err := ParseStatement(s.String())
		require.NoError(t, err)
		require.Equal(t, s, back)
		spoiled := string(audittest.Spoiled(t, s.String()))
		if other, err := ParseStatement(spoiled); err == nil {
			require.Equal(t, spoiled, other.String())
		}
	})
	for _, text := range []string{"", "left:0", "left:x", "received:1 closed:2 outcome:completed left:00 copies:0"} {
		_, err := ParseStatement(text)
		require.Error(t, err, text)
	}
}

// TestCodesAreReadAsPeopleTypeThem reads a code in lower case, without signs, and with the letters that are taken for
// others.
func TestCodesAreReadAsPeopleTypeThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Code(rapid.SliceOfN(rapid.Byte(), codeBytes, codeBytes).Draw(t, "code"))
		text := c.String()
		require.Regexp(t, regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}$`), text)
		for _, typed := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, "-", " "),
			strings.ReplaceAll(text, "-", ""), strings.NewReplacer("0", "o", "1", "l").Replace(text)} {
			back, err := ParseCode(typed)
			require.NoError(t, err, typed)
			require.Equal(t, c, back)
		}
	})
	for _, text := range []string{"", "1234", "0000-0000-0000-0000-0000-000", "0000-0000-0000-0000-0000-00000", "UUUU-0000-0000-0000-0000-0000"} {
		_, err := ParseCode(text)
		require.Error(t, err, text)
	}
}

// TestListsAreOneWay reads lists back, and refuses another order, a line twice, and what is no hash.
func TestListsAreOneWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := NewList(drawCommitments(t, 1))
		back, err := ParseList(list.Bytes())
		require.NoError(t, err)
		require.Equal(t, list, back)
		if spoiled := audittest.Spoiled(t, string(list.Bytes())); string(spoiled) != string(list.Bytes()) {
			other, err := ParseList(spoiled)
			if err == nil {
				root, _ := list.Root()
				got, _ := other.Root()
				require.NotEqual(t, root, got)
			}
		}
	})
	a, b := strings.Repeat("0", 64)+"\n", strings.Repeat("f", 64)+"\n"
	for _, text := range []string{b + a, a + a, a[:10] + "\n", "x" + a[1:], a + "\n", strings.ToUpper(b), a + b[:64]} {
		_, err := ParseList([]byte(text))
		require.Error(t, err, text)
	}
}

func drawCommitments(t *rapid.T, least int) (all []Commitment) {
	for i := range rapid.IntRange(least, 40).Draw(t, "commitments") {
		all = append(all, sha256.Sum256(fmt.Appendf(nil, "%d|%s", i, rapid.String().Draw(t, "seed"))))
	}
	return all
}

// company is a log of three nights, of which the second committed to a list.
type company struct {
	reports      string
	signer, dora *keystore.Signer
	list         List
}

func newCompany(t testing.TB, list List) *company {
	t.Helper()
	c := &company{reports: t.TempDir(), signer: audittest.Signer(t), dora: audittest.Signer(t), list: list}
	root, err := list.Root()
	require.NoError(t, err)
	var entries []tilelog.Entry
	for night := range 3 {
		e := tilelog.Entry{Kind: tilelog.Night, Run: fmt.Sprintf("run-%d", night), Date: fmt.Sprintf("2026-11-2%d", night),
			Manifest: strings.Repeat("1", 64)}
		if night == 1 {
			e.Receipts = root
			require.NoError(t, os.MkdirAll(filepath.Dir(file(c.reports, e)), 0o700))
			require.NoError(t, os.WriteFile(file(c.reports, e), list.Bytes(), 0o600))
		}
		entries = append(entries, e)
		_, err := tilelog.Write(c.reports, entries, c.signer, func(string) {})
		require.NoError(t, err)
	}
	return c
}

// receipt makes the receipt of a statement, under a checkpoint that dora cosigned.
func (c *company) receipt(t testing.TB, s Statement, code Code) []byte {
	t.Helper()
	key := c.signer.PublicKey()
	log, nights, broken, err := Nights(c.reports, key)
	require.NoError(t, err)
	require.Empty(t, broken)
	night, ok := Find(nights, code.Commitment(s))
	require.True(t, ok)
	require.EqualValues(t, 1, night.Place)
	signed, _, err := tilelog.Newest(c.reports, key)
	require.NoError(t, err)
	cosigned, err := tilelog.Cosign(signed, key, "dora", c.dora, time.Unix(1_795_000_000, 0))
	require.NoError(t, err)
	proof, err := log.Prove(night.Place, cosigned, key)
	require.NoError(t, err)
	r, err := New(s, code, night.List, proof)
	require.NoError(t, err)
	body, err := r.Bytes()
	require.NoError(t, err)
	require.True(t, Is(body))
	return body
}

func codeOf(n byte) Code { return Code(slices.Repeat([]byte{n}, codeBytes)) }

// TestReceiptsProve proves each statement of a list, whatever its length, with the public keys alone; and whatever is
// changed in the file is refused, or changes nothing of what it proves.
func TestReceiptsProve(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStatement(rt)
		own := codeOf(7)
		c := newCompany(t, NewList(append(drawCommitments(rt, 0), own.Commitment(s))))
		body := c.receipt(t, s, own)
		key, witnesses := c.signer.PublicKey(), []keystore.PublicKey{c.dora.PublicKey()}
		p, err := Check(body, key, witnesses)
		require.NoError(rt, err)
		require.Equal(rt, s, p.Statement)
		require.Equal(rt, "run-1", p.Night.Entry.Run)
		require.Len(rt, p.Night.Cosignatures, 1)
		require.True(rt, p.Night.Cosignatures[0].Known)
		for _, code := range []Code{own, codeOf(8)} {
			same, err := OfCode(body, code)
			require.NoError(rt, err)
			require.Equal(rt, code == own, same)
		}
		if other, err := Check(audittest.Spoiled(rt, string(body)), key, witnesses); err == nil {
			require.Equal(rt, p.Statement, other.Statement)
			require.Equal(rt, p.Commitment, other.Commitment)
			require.Equal(rt, p.Night.Entry, other.Night.Entry)
		}
		_, err = Check(body, c.dora.PublicKey(), witnesses)
		require.ErrorIs(rt, err, tilelog.ErrOther)
	})
}

// TestOneReceiptProvesNoOtherStatement takes each part of one receipt for another's, of the same night and of another.
func TestOneReceiptProvesNoOtherStatement(t *testing.T) {
	mine, yours := Statement{Received: "2026-11-01", Closed: "2026-11-20", Outcome: "completed"},
		Statement{Received: "2026-11-02", Closed: "2026-11-20", Outcome: "partly_refused", Left: 3}
	c := newCompany(t, NewList([]Commitment{codeOf(1).Commitment(mine), codeOf(2).Commitment(yours)}))
	key := c.signer.PublicKey()
	a, b := c.receipt(t, mine, codeOf(1)), c.receipt(t, yours, codeOf(2))
	other := newCompany(t, NewList([]Commitment{codeOf(1).Commitment(mine)}))
	foreign := other.receipt(t, mine, codeOf(1))
	parts := regexp.MustCompile(`(?s)"(statement|salt|place|of|path|proof)": (\[.*?\]|"(?:[^"\\]|\\.)*"|\d+)`)
	swap := func(into, from []byte, field string) []byte {
		value := ""
		for _, m := range parts.FindAllSubmatch(from, -1) {
			if string(m[1]) == field {
				value = string(m[2])
			}
		}
		require.NotEmpty(t, value)
		return parts.ReplaceAllFunc(into, func(part []byte) []byte {
			if m := parts.FindSubmatch(part); string(m[1]) == field {
				return fmt.Appendf(nil, `"%s": %s`, field, value)
			}
			return part
		})
	}
	for _, field := range []string{"statement", "salt", "place", "path"} {
		_, err := Check(swap(a, b, field), key, nil)
		require.Error(t, err, field)
	}
	_, err := Check(swap(a, foreign, "proof"), key, nil)
	require.ErrorIs(t, err, tilelog.ErrOther)
	for _, body := range []string{"", "{}", `{"format":"lethe-receipt-1"}`, string(a[:len(a)/2]), string(a) + strings.Repeat(" ", most)} {
		_, err := Check([]byte(body), key, nil)
		require.ErrorIs(t, err, ErrOther, body[:min(len(body), 40)])
	}
	night := tilelog.Entry{Kind: tilelog.Night, Run: "run-0", Date: "2026-11-20", Manifest: strings.Repeat("1", 64)}
	log, _, _, err := Nights(c.reports, key)
	require.NoError(t, err)
	require.Equal(t, night, log.Entries()[0])
	signed, _, err := tilelog.Newest(c.reports, key)
	require.NoError(t, err)
	bare, err := log.Prove(0, signed, key)
	require.NoError(t, err)
	r, err := New(mine, codeOf(1), c.list, bare)
	require.NoError(t, err)
	body, err := r.Bytes()
	require.NoError(t, err)
	_, err = Check(body, key, nil)
	require.ErrorIs(t, err, ErrOther, "a night that committed to nothing proves no receipt")
}

// TestTwoReceiptsOfOnePersonShareNothing compares the receipts of one person in two silos, closed on one day with one
// outcome: but for what every receipt of that night has, and days and words, no part of one is in the other.
func TestTwoReceiptsOfOnePersonShareNothing(t *testing.T) {
	keys := audittest.Keys(t)
	who := []event.Subject{{Kind: "email", Value: "Ada@Example.org"}, {Kind: "email", Value: "not an address"}}
	var receipts [2]Statement
	var codes [2]Code
	var all []Commitment
	for i, silo := range []string{"shop", "staff"} {
		require.NoError(t, keys.EnsureSilo(silo))
		key, err := keys.SiloKey(silo)
		require.NoError(t, err)
		codes[i] = CodeOf(key, "request-1b9d6bcd") // the same name in both
		receipts[i] = Statement{Received: "2026-11-01", Closed: "2026-11-20", Outcome: "completed",
			Persons: codes[i].Marks(who, "IT")}
		require.Len(t, receipts[i].Persons, 1)
		require.Equal(t, codes[i].Mark("email", []byte("ada@example.org")), receipts[i].Persons[0])
		all = append(all, codes[i].Commitment(receipts[i]))
		_, err = keys.RotateSilo(silo)
		require.NoError(t, err)
		key, err = keys.SiloKey(silo)
		require.NoError(t, err)
		require.Equal(t, codes[i], CodeOf(key, "request-1b9d6bcd"), "the same after a rotation")
	}
	for i := range 9 {
		all = append(all, sha256.Sum256([]byte{byte(i)}))
	}
	c := newCompany(t, NewList(all))
	tokens := regexp.MustCompile(`[0-9a-zA-Z+/=]{12,}`)
	night, err := os.ReadFile(filepath.Join(c.reports, "log", "checkpoint"))
	require.NoError(t, err)
	a, b := string(c.receipt(t, receipts[0], codes[0])), string(c.receipt(t, receipts[1], codes[1]))
	_, nights, _, err := Nights(c.reports, c.signer.PublicKey())
	require.NoError(t, err)
	tree, err := c.list.tree()
	require.NoError(t, err)
	public := string(night) + nights[0].Entry.Receipts
	for i := range c.list { // the hashes of the tree, which all of the night share
		path, err := tree.Path(int64(i))
		require.NoError(t, err)
		public += strings.Join(path, " ")
	}
	proof := a[strings.Index(a, `"proof"`):]
	for _, token := range tokens.FindAllString(a[:strings.Index(a, `"proof"`)], -1) {
		if strings.Contains(b, token) {
			require.Contains(t, public, strings.Trim(token, "="), "in both")
		}
	}
	require.Contains(t, b, proof, "all of one night have one proof")
	for _, code := range codes {
		require.NotContains(t, a+b, code.String())
		require.NotContains(t, a+b, hex.EncodeToString(code[:]))
	}
	require.NotContains(t, strings.ToLower(a+b), "example.org") // three letters stand in any hash
}

// TestBrokenListsStandForNothing reads a list that was edited, or is gone, as none, and names its file.
func TestBrokenListsStandForNothing(t *testing.T) {
	for _, spoil := range []func(string) error{os.Remove, func(name string) error { return os.WriteFile(name, nil, 0o600) },
		func(name string) error { return os.WriteFile(name, []byte(strings.Repeat("0", 64)+"\n"), 0o600) }} {
		c := newCompany(t, List{{1}, {2}})
		name := filepath.Join(c.reports, "manifests", "date=2026-11-21", "run=run-1", Name)
		require.NoError(t, spoil(name))
		_, nights, broken, err := Nights(c.reports, c.signer.PublicKey())
		require.NoError(t, err)
		require.Empty(t, nights)
		require.Equal(t, []string{name}, broken)
	}
	_, nights, _, err := Nights(t.TempDir(), audittest.Signer(t).PublicKey())
	require.NoError(t, err)
	require.Empty(t, nights, "no log yet")
}
