package evidence

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/stamp"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// Against is what a folder is held against besides the runner's key. The zero value is nothing.
type Against struct {
	Since     *tilelog.Checkpoint  // one that somebody kept
	Witnesses []keystore.PublicKey // whose cosignatures are to be believed
	Cosigned  []keystore.PublicKey // who is known to have cosigned: that nothing of theirs is there is wrong
	Roots     *x509.CertPool       // of time stamp authorities that are trusted; nil: none

	Identities []age.Identity // that open what is encrypted for readers
}

// Stamped is a time stamp under a checkpoint of the log.
type Stamped struct {
	Size int64
	stamp.Stamp
}

// stamps looks at the time stamps over checkpoints.
func (v *verifier) stamps(sizes []int64, roots *x509.CertPool) {
	for _, size := range sizes {
		name := tilelog.StampFile(size)
		answer, err := expiry.ReadSmall(v.path(name))
		var message []byte
		if err == nil {
			message, err = expiry.ReadSmall(v.path(tilelog.CheckpointFile(size)))
		}
		var s stamp.Stamp
		if err == nil {
			s, err = stamp.Verify(answer, message, roots)
		}
		if err != nil {
			v.problem("%s: the time stamp over %s does not hold: %v: ask for both files again, and whether --tsa is "+
				"the root "+
				"of that authority", name, tilelog.CheckpointFile(size), reason(err))
			continue
		}
		v.report.Stamps = append(v.report.Stamps, Stamped{size, s})
	}
}

// log checks the log of nights, and each night against its entry in it.
func (v *verifier) log(against Against) error {
	var names []string
	for name := range v.unclaimed {
		if !strings.HasPrefix(name, tilelog.Folder+"/") {
			continue
		}
		if tilelog.Unfinished(name) {
			delete(v.unclaimed, name)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		v.noLog(against)
		return nil
	}
	found, err := tilelog.Check(v.folder, names, v.key, against.Witnesses, against.Since)
	if err != nil {
		return err
	}
	for _, name := range found.Claimed {
		delete(v.unclaimed, name)
	}
	v.report.Problems = append(v.report.Problems, found.Problems...)
	v.report.Notes = append(v.report.Notes, found.Notes...)
	if found.Log == nil {
		return nil
	}
	v.report.Checkpoint, v.report.Cosignatures, v.report.since = &found.Newest, found.Cosignatures, against.Since
	v.witnessed(found.Cosignatures, against.Cosigned)
	v.entries(found.Log)
	v.stamps(found.Stamps, against.Roots)
	return nil
}

// witnessed says of whom one knows that they cosigned, and nothing of theirs is there: a cosignature is a file that no
// manifest names, so that it could be taken away unseen.
func (v *verifier) witnessed(found []tilelog.Cosignature, witnesses []keystore.PublicKey) {
	for _, w := range witnesses {
		theirs := func(c tilelog.Cosignature) bool { return c.Known && c.Key.String() == w.String() }
		if !slices.ContainsFunc(found, theirs) {
			v.problem("%s holds no cosignature of %s: it was taken away, left out of the copy, or never added: put it "+
				"back, or give no --witness who has not cosigned yet", tilelog.Folder+"/cosignatures", w)
		}
	}
}

// noLog says what it means that there is none.
func (v *verifier) noLog(against Against) {
	const next = "ask for the whole folder of reports again"
	logged := slices.ContainsFunc(v.report.Nights, func(n Night) bool { return n.log != nil })
	switch {
	case logged:
		v.problem("the folder %s is missing, and the manifests say that there was one: %s", tilelog.Folder, next)
	case against.Since != nil:
		v.problem("the folder %s is missing, and the checkpoint that you keep was signed over %d nights: %s",
			tilelog.Folder, against.Since.Size, next)
	case len(v.report.Nights) > 0:
		v.report.Notes = append(v.report.Notes, "these reports are of before there was a log of nights: whether the "+
			"newest were taken away does not show; the next night begins one")
	}
}

// entries holds each night against the log.
func (v *verifier) entries(l *tilelog.Log) {
	places, nights := map[string]int{}, map[string]*Night{}
	for i := range v.report.Nights {
		nights[v.report.Nights[i].RunID] = &v.report.Nights[i]
	}
	v.purges.InLog(l)
	for i, e := range l.Entries() {
		if e.Kind == tilelog.Purge {
			continue
		}
		if e.Kind != tilelog.Night {
			v.problem("entry %d of the log is of the kind %q: a newer version of lethe is needed to read it", i, e.Kind)
			continue
		}
		if other, twice := places[e.Run]; twice {
			v.problem("run %s stands twice in the log, as entries %d and %d: the night was replaced; compare both "+
				"manifests "+
				"with what was kept elsewhere", e.Run, other, i)
			continue
		}
		places[e.Run] = i
		n := nights[e.Run]
		switch {
		case n == nil:
			v.problem("the night of %s is missing: run %s, entry %d of the log; ask for its folders "+
				"date=%s/run=%s", e.Date,
				e.Run, i, e.Date, e.Run)
		case n.Manifest != e.Manifest:
			n.wrong("its manifest is not the one of the log (entry %d: sha256 %.16s): the night was replaced or "+
				"edited; ask "+
				"for the one of the log", i, e.Manifest)
		case n.receipts != e.Receipts:
			n.wrong("what it committed to for receipts is not what the log has (entry %d): ask who holds the runner's "+
				"key, and keep this copy", i)
		}
	}
	for i := range v.report.Nights {
		n := &v.report.Nights[i]
		place, known := places[n.RunID]
		if !known {
			n.wrong("it is in no entry of the log: it was put in, or it belongs to another folder, or its " +
				"publication was cut off, and then the next night adds it")
			continue
		}
		n.Place = int64(place)
		v.before(l, n)
	}
}

// before makes sure that a night was signed over the history that the log has.
func (v *verifier) before(l *tilelog.Log, n *Night) {
	if n.log == nil || n.log.Size == 0 {
		return
	}
	root, err := l.Root(n.log.Size)
	if err != nil || n.log.Size > n.Place || fmt.Sprintf("%x", root[:]) != n.log.Root {
		n.wrong("forked history: it was signed after %d other nights than the log has; keep this copy, and ask who "+
			"holds "+
			"the runner's key", n.log.Size)
	}
}

// heads makes sure that no night saw less of the registry than one before it.
func (v *verifier) heads() {
	type head struct {
		seq  int64
		hash string
	}
	seen := map[string]head{}
	var last Night
	for i := range v.report.Nights {
		n := &v.report.Nights[i]
		if len(n.heads) == 0 {
			continue // it did not look, or it could not
		}
		now := map[string]head{}
		for _, text := range n.heads {
			f := strings.Split(text, ":")
			seq, err := strconv.ParseInt(f[max(len(f)-2, 0)], 10, 64)
			if len(f) < 3 || err != nil {
				n.wrong("the head of the registry %q cannot be read", text)
				continue
			}
			now[strings.Join(f[:len(f)-2], ":")] = head{seq, f[len(f)-1]}
		}
		var less []string
		for silo, before := range seen {
			after, ok := now[silo]
			switch {
			case !ok:
				less = append(less, fmt.Sprintf("silo %s, of which there were %d events, is not in "+
					"it", silo, before.seq))
			case after.seq < before.seq:
				less = append(less, fmt.Sprintf("silo %s has %d events, and had %d", silo, after.seq, before.seq))
			case after.seq == before.seq && after.hash != before.hash:
				less = append(less, fmt.Sprintf("event %d of silo %s is another one", before.seq, silo))
			}
		}
		slices.Sort(less)
		if words := strings.Join(less, "; "); words != "" && v.rebuilt(last, i) {
			v.report.Notes = append(v.report.Notes, fmt.Sprintf("on %s the registry was older than before, and two "+
				"people "+
				"said that the nights go on with it: %s", n.Date, words))
		} else if words != "" {
			n.wrong("the registry was cut or replaced since the night of %s: %s; ask for the registry as it was "+
				"then, and who "+
				"put the other one there", last.Date, words)
		}
		seen, last = now, *n
	}
}

// notHolding is the exit code of a night that refused what it was to believe.
const notHolding = 12

// rebuilt reports whether two people said, between a night and that at a place, that they go on from what there is; or
// soon after that one: while nights end with what they refuse to believe, nobody has said it yet.
func (v *verifier) rebuilt(before Night, place int) bool {
	ended := v.report.Nights[place].ended
	for next := place + 1; next < len(v.report.Nights) && v.report.Nights[next-1].refused; next++ {
		ended = v.report.Nights[next].ended
	}
	keys := map[string]bool{}
	for _, s := range v.report.Answers {
		a := s.Answer
		since := a.SignedAt.After(before.started) && (ended.IsZero() || !a.SignedAt.After(ended))
		if a.Act == answers.Rebuild && since {
			keys[a.Key] = true
		}
	}
	return len(keys) >= 2
}

// lines say how far the log goes and who cosigned it.
func (r VerifyReport) logLines() (out []string) {
	if r.Checkpoint == nil {
		return nil
	}
	out = append(out, fmt.Sprintf("log %s with %d entries; checkpoint %s: keep it where the operator cannot write: "+
		"`lethe audit verify --since` shows then whether these nights are still the same", r.Checkpoint.Origin,
		r.Checkpoint.Size, r.Checkpoint))
	for _, c := range r.Cosignatures {
		if c.Known {
			out = append(out, fmt.Sprintf("cosigned by %s (key %s) on %s, over %d of %d entries", c.Name, c.ID,
				c.At.Format(time.RFC3339), c.Checkpoint.Size, r.Checkpoint.Size))
			continue
		}
		out = append(out, fmt.Sprintf("a cosignature of %s (key %s) over %d of %d entries was not checked: give "+
			"--witness "+
			"and their public key", c.Name, c.ID, c.Checkpoint.Size, r.Checkpoint.Size))
	}
	if n := len(r.Stamps); n > 0 {
		s, whose := r.Stamps[n-1], "by the authority given"
		if !s.Trusted {
			whose = "by whoever has that certificate: give --tsa with the authority's root to see that it is theirs"
		}
		out = append(out, fmt.Sprintf("%d time stamps; the newest over %d of %d entries, on %s, %q, %s", n, s.Size,
			r.Checkpoint.Size, s.At.Format(time.RFC3339), s.By, whose))
	}
	return out
}

// vouched says against whom it is known that the nights are as they were signed.
func (r VerifyReport) vouched() string {
	size, by := int64(0), ""
	if r.since != nil {
		size, by = r.since.Size, "the checkpoint that you keep"
	}
	for _, c := range r.Cosignatures {
		if c.Known && c.Checkpoint.Size > size {
			size, by = c.Checkpoint.Size, "the cosignature of "+c.Name
		}
	}
	if size == 0 {
		return "This detects change after signing, not by who holds the runner's key."
	}
	return fmt.Sprintf("The first %d of %d entries of the log are those of %s, whoever holds the runner's key; after "+
		"them this detects change after signing.", size, r.Checkpoint.Size, by)
}

// ReadCheckpoint reads a checkpoint that somebody kept: the line that a run printed, or the file of one. A file must be
// signed by the log's key; who wrote down the line vouches for it.
func ReadCheckpoint(text string, file func(string) ([]byte, error), key keystore.PublicKey) (tilelog.Checkpoint,
	error) {
	if c, ok := tilelog.ParseShort(text); ok {
		c.Origin = tilelog.Origin(key)
		return c, nil
	}
	body, err := file(text)
	if errors.Is(err, fs.ErrNotExist) {
		return tilelog.Checkpoint{}, fmt.Errorf("%s: there is no such file, and it is no checkpoint as a run prints "+
			"it "+
			"(SIZE:ROOT)", text)
	}
	if err != nil {
		return tilelog.Checkpoint{}, err
	}
	if c, ok := tilelog.ParseShort(string(body)); ok {
		c.Origin = tilelog.Origin(key)
		return c, nil
	}
	c, err := tilelog.Open(body, key)
	if err != nil {
		return c, fmt.Errorf("%w: %s: %w", ErrEdited, text, err)
	}
	return c, nil
}
