package s3

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"lethe/connectors"
	"lethe/connectors/shelf"
)

// keeping is what a bucket keeps of objects that are replaced.
type keeping struct {
	versions bool // earlier ones; they may also be there from before that was ended
	locks    bool // objects can be locked
	always   string
	rules    []types.LifecycleRule
}

// keeps asks once what the bucket keeps. What may not be asked is taken for kept: a copy that nobody knows of is worse
// than one too many asked for.
func (b *bucket) keeps() *keeping {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keeping != nil {
		return b.keeping
	}
	k := &keeping{}
	ctx, done := b.call()
	defer done()
	v, err := b.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b.name})
	k.versions = err != nil && !unknown(err) || err == nil && v.Status != ""
	if !k.versions {
		b.keeping = k
		return k // locks need versions
	}
	lock, err := b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b.name})
	if err == nil && lock.ObjectLockConfiguration != nil {
		k.locks = lock.ObjectLockConfiguration.ObjectLockEnabled != ""
		if r := lock.ObjectLockConfiguration.Rule; r != nil && r.DefaultRetention != nil {
			k.always = retention(r.DefaultRetention)
		}
	}
	rules, err := b.client.GetBucketLifecycleConfiguration(ctx,
		&s3.GetBucketLifecycleConfigurationInput{Bucket: &b.name})
	if err == nil {
		k.rules = rules.Rules
	}
	b.keeping = k
	return k
}

// unknown reports whether the store says that it knows no such question.
func unknown(err error) bool {
	return errors.Is((&bucket{}).fail("", err), errors.ErrUnsupported)
}

func retention(d *types.DefaultRetention) string {
	if d.Years != nil {
		return fmt.Sprintf("%d years", *d.Years)
	}
	return fmt.Sprintf("%d days", aws.ToInt32(d.Days))
}

// earlier lists the versions of objects in a folder that are not the newest, with what keeps them.
func (b *bucket) earlier(pattern string) (list []connectors.Earlier, unknown string, err error) {
	k := b.keeps()
	if !k.versions {
		return nil, "", nil
	}
	folder, deep := shelf.Split(pattern)
	prefix := b.key(folder)
	in := &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix}
	if !deep {
		in.Delimiter = aws.String("/")
	}
	times := map[string][]time.Time{} // at which each object got another content, or none
	for range mostPages {
		ctx, done := b.call()
		page, err := b.client.ListObjectVersions(ctx, in)
		done()
		if err = b.fail("list versions", err); errors.Is(err, connectors.ErrDenied) {
			return nil, "whether the bucket keeps versions of what was replaced or deleted may not be asked: grant " +
				"s3:GetBucketVersioning and s3:ListBucketVersions", nil
		} else if err != nil {
			return nil, "", err
		}
		for _, m := range page.DeleteMarkers {
			times[aws.ToString(m.Key)] = append(times[aws.ToString(m.Key)], aws.ToTime(m.LastModified))
		}
		for _, v := range page.Versions {
			key, at := aws.ToString(v.Key), aws.ToTime(v.LastModified)
			times[key] = append(times[key], at)
			is, _ := path.Match(pattern, b.path(key)) // of a pattern that was matched before
			if is && !aws.ToBool(v.IsLatest) && !connectors.IsTemporary(key) {
				list = append(list, connectors.Earlier{Path: b.path(key), ID: aws.ToString(v.VersionId),
					Size: aws.ToInt64(v.Size), Written: at.UTC()})
			}
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
		if !aws.ToBool(page.IsTruncated) {
			break
		}
	}
	var g errgroup.Group
	g.SetLimit(abreast)
	for i := range list {
		g.Go(func() error {
			e := &list[i]
			e.Ends = k.ends(b.key(e.Path), replacedAt(times[b.key(e.Path)], e.Written))
			b.locked(e, k)
			b.dated(e)
			return nil
		})
	}
	return list, "", g.Wait()
}

// dated sets when the content of a version was written: what was written anew of it says so, or its own attributes do. One
// that was written anew itself is without those who were erased until then.
func (b *bucket) dated(e *connectors.Earlier) {
	if now, err := b.head(e.Path); err == nil {
		replaced := strings.Fields(now.Metadata[replacesAttribute])
		if i := slices.Index(replaced, e.ID); i >= 0 {
			if at := stored(e.Path, now).Time; i == len(replaced)-1 && at.Before(e.Written) {
				e.Written = at
			}
			return
		}
	}
	ctx, done := b.call()
	defer done()
	h, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: aws.String(b.key(e.Path)), VersionId: &e.ID})
	if err == nil && h.Metadata[replacesAttribute] == "" {
		e.Written = stored(e.Path, h).Time
	}
}

// replacedAt is when what was written at a time was replaced.
func replacedAt(times []time.Time, written time.Time) time.Time {
	at := time.Time{}
	for _, t := range times {
		if t.After(written) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if at.IsZero() {
		return written // within one second
	}
	return at
}

// ends is when the bucket's own rules delete a version that was replaced at a time.
func (k *keeping) ends(key string, replaced time.Time) (at time.Time) {
	for _, r := range k.rules {
		n := r.NoncurrentVersionExpiration
		if r.Status != types.ExpirationStatusEnabled || n == nil || n.NoncurrentDays == nil ||
			aws.ToInt32(n.NewerNoncurrentVersions) > 0 {
			continue
		}
		f := r.Filter
		if f == nil || f.And != nil || f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil {
			continue
		}
		prefix := aws.ToString(f.Prefix)
		if end := replaced.AddDate(0, 0, int(*n.NoncurrentDays)+1); strings.HasPrefix(key, prefix) &&
			(at.IsZero() || end.Before(at)) {
			at = end
		}
	}
	return at
}

// locked asks until when a version may not be deleted.
func (b *bucket) locked(e *connectors.Earlier, k *keeping) {
	if !k.locks {
		return
	}
	key := aws.String(b.key(e.Path))
	ctx, done := b.call()
	defer done()
	r, err := b.client.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: &b.name, Key: key, VersionId: &e.ID})
	if err == nil && r.Retention != nil {
		e.LockedUntil = aws.ToTime(r.Retention.RetainUntilDate)
	}
	h, err := b.client.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: &b.name, Key: key, VersionId: &e.ID})
	e.Held = err == nil && h.LegalHold != nil && h.LegalHold.Status == types.ObjectLockLegalHoldStatusOn
	if e.Ends.Before(e.LockedUntil) && !e.Ends.IsZero() {
		e.Ends = e.LockedUntil
	}
}

// eachVersion goes through the versions of one object, the newest first.
func (b *bucket) eachVersion(p string, do func(types.ObjectVersion) error) error {
	key := b.key(p)
	in := &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &key}
	for range mostPages {
		ctx, cancel := b.call()
		page, err := b.client.ListObjectVersions(ctx, in)
		cancel()
		if err != nil {
			return b.fail("list the versions of an object", err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) != key {
				continue
			}
			if err := do(v); err != nil {
				return err
			}
		}
		if !aws.ToBool(page.IsTruncated) || aws.ToString(page.NextKeyMarker) > key {
			return nil
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	return nil
}

// dropVersions deletes versions that were replaced. One that is locked stays, and is named by Earlier.
func (b *bucket) dropVersions(p string, ids []string) {
	for _, id := range ids {
		ctx, done := b.call()
		_, _ = b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: aws.String(b.key(p)),
			VersionId: &id})
		done()
	}
}

// Remove deletes a new object with all versions of it, and what was sent of one that never was whole.
func (b *bucket) Remove(made connectors.Stored) error {
	if !connectors.IsTemporary(made.Path) {
		return fmt.Errorf("only what was made by Create is removed: %w", errors.ErrUnsupported)
	}
	key := aws.String(b.key(made.Path))
	if b.keeps().versions {
		err := b.eachVersion(made.Path, func(v types.ObjectVersion) error {
			ctx, done := b.call()
			defer done()
			_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: key, VersionId: v.VersionId})
			return b.fail("remove the new object", err)
		})
		if err != nil {
			return err
		}
	} else {
		ctx, done := b.call()
		defer done()
		if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: key}); err != nil {
			return b.fail("remove the new object", err)
		}
	}
	return b.abortAll(*key)
}

// Left lists the new objects beside one that are there, and those of which only parts were sent.
func (b *bucket) Left(p string) (left []string, err error) {
	prefix := b.key(shelf.Temporary(p, ""))
	ctx, done := b.call()
	defer done()
	if b.keeps().versions {
		versions, err := b.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix})
		if err != nil {
			return nil, b.fail("list", err)
		}
		for _, v := range versions.Versions {
			left = append(left, b.path(aws.ToString(v.Key)))
		}
	} else {
		list, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
		if err != nil {
			return nil, b.fail("list", err)
		}
		for _, o := range list.Contents {
			left = append(left, b.path(aws.ToString(o.Key)))
		}
	}
	parts, err := b.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix})
	if err == nil { // where that may not be asked, the store's own rules end them
		for _, u := range parts.Uploads {
			left = append(left, b.path(aws.ToString(u.Key)))
		}
	}
	slices.Sort(left)
	return slices.Compact(left), nil
}

// abortAll ends the uploads of a name that nobody else has.
func (b *bucket) abortAll(key string) error {
	ctx, done := b.call()
	defer done()
	list, err := b.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &key})
	if err != nil {
		return nil // where that may not be asked, the store's own rules end them
	}
	for _, u := range list.Uploads {
		if aws.ToString(u.Key) == key {
			b.abort(u.Key, u.UploadId)
		}
	}
	return nil
}

// Foresee says that a bucket locks what is put there, which then nobody can take away again.
func (b *bucket) Foresee(string) []connectors.Obstacle {
	k := b.keeps()
	if k.always == "" {
		return nil
	}
	return []connectors.Obstacle{{Kind: errors.ErrUnsupported, DSN: "path",
		What: "the bucket locks each new object for " + k.always + ", also the unfinished ones that a rewriting makes",
		Mend: "leave out `rewrite:`, so that what is due is beyond use until `keep` is over; or lock backups one by one " +
			"(a retention of the object instead of the bucket's default)"}}
}
