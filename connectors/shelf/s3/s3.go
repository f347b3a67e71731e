// Package s3 is a bucket of an object store that speaks S3, as a connectors.Shelf:
//
//	s3://BUCKET/FOLDER/PATTERN?endpoint=https://HOST&region=REGION
//
// A file is an object. It is written anew under a name of its own, read back there, and put in the place of the old one
// by the store itself, on the condition that this is still the one that was read (If-Match of CompleteMultipartUpload);
// a store that would not mind the condition is found out before anything is replaced, and refused.
//
// The AWS SDK is used, and not gocloud.dev: with its three stores that would make the program larger by 47 MB, this by 4.
package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"lethe/connectors"
	"lethe/connectors/shelf"
	"lethe/connectors/wire"
)

// Scheme begins the paths.
const Scheme = "s3://"

// How often something is tried before the store is taken for one that does not answer, and how many objects are looked
// at together.
const (
	tries   = 3
	abreast = 8
)

// mostPages is how many lists of a thousand names are read of a folder.
const mostPages = 1000

// bucket is a Shelf.
type bucket struct {
	client *s3.Client
	creds  aws.CredentialsProvider
	name   string
	drop   bool
	answer time.Duration
	sums   shelf.Sums

	mu      sync.Mutex
	minds   bool // conditions, as was tried
	keeping *keeping
}

// Query are the words that may stand behind the ? of a URL.
var Query = []string{"endpoint", "region", "profile", "path_style"}

// Open opens a bucket. Nothing is asked of it yet. The context is that of the program.
func Open(ctx context.Context, o connectors.ShelfOptions) (connectors.Shelf, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(o.URL, Scheme), "/")
	if name == "" {
		return nil, fmt.Errorf("%s names no bucket: write s3://BUCKET/FOLDER/*.sql.gz: %w", o.URL, connectors.ErrConfig)
	}
	for _, key := range slices.Sorted(func(yield func(string) bool) {
		for k := range o.Query {
			if !yield(k) {
				return
			}
		}
	}) {
		if !slices.Contains(Query, key) {
			return nil, fmt.Errorf("%q is nothing that a bucket has: use %s: %w", key, strings.Join(Query, ", "),
				connectors.ErrConfig)
		}
	}
	b := &bucket{name: name, drop: o.DropReplaced, answer: cmp.Or(o.AnswerWithin, wire.AnswerDefault)}
	dialer := wire.NewDialer(ctx, wire.Limits{Answer: b.answer})
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialContext, t.MaxIdleConnsPerHost, t.IdleConnTimeout = dialer.Dial, abreast, b.answer/2
		t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = b.answer, b.answer
	})
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = tries, 2*time.Second })
		}),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if region := o.Query["region"]; region != "" {
		load = append(load, config.WithRegion(region))
	}
	if o.Credentials != "" {
		static, err := readCredentials(o.Credentials, o.Query["profile"])
		if err != nil {
			return nil, err
		}
		load = append(load, config.WithCredentialsProvider(static))
	} else if profile := o.Query["profile"]; profile != "" {
		load = append(load, config.WithSharedConfigProfile(profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("what the environment and the files of AWS say cannot be read: %w", connectors.ErrConfig)
	}
	endpoint := cmp.Or(o.Query["endpoint"], aws.ToString(cfg.BaseEndpoint))
	b.creds = cfg.Credentials
	b.client = s3.NewFromConfig(cfg, func(c *s3.Options) {
		if endpoint != "" {
			c.BaseEndpoint = &endpoint
		}
		endpoint = aws.ToString(c.BaseEndpoint) // AWS_ENDPOINT_URL_S3 as well
		c.UsePathStyle = endpoint != "" && o.Query["path_style"] != "false" || o.Query["path_style"] == "true"
		c.Region = cmp.Or(c.Region, "us-east-1")
		c.DisableLogOutputChecksumValidationSkipped = true
	})
	u, err := url.Parse(endpoint)
	if err != nil || endpoint != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil) {
		return nil, fmt.Errorf("endpoint is no address: write https://HOST: %w", connectors.ErrConfig)
	}
	if endpoint != "" && u.Scheme == "http" && !o.Plaintext {
		return nil, fmt.Errorf("endpoint %s: %w: write https, or tls: waived", endpoint, connectors.ErrPlaintext)
	}
	return b, nil
}

// readCredentials reads them as AWS's own programs write them to ~/.aws/credentials.
func readCredentials(text, profile string) (aws.CredentialsProvider, error) {
	profile = cmp.Or(profile, "default")
	has := map[string]string{}
	section := "default"
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, is := strings.CutPrefix(line, "["); is {
			section = strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(name, "]"), "profile "))
			continue
		}
		if key, value, is := strings.Cut(line, "="); is && section == profile {
			has[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	id, secret := has["aws_access_key_id"], has["aws_secret_access_key"]
	if id == "" || secret == "" {
		return nil, fmt.Errorf("credentials: no aws_access_key_id and aws_secret_access_key of [%s]: write the file as "+
			"`aws configure` does: %w", profile, connectors.ErrConfig)
	}
	return credentials.NewStaticCredentialsProvider(id, secret, has["aws_session_token"]), nil
}

// call is the context of one request with no long body: tries of them, each with its time.
func (b *bucket) call() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), tries*(b.answer+2*time.Second))
}

// key is the name of an object.
func (b *bucket) key(p string) string { return strings.TrimPrefix(p, Scheme+b.name+"/") }

func (b *bucket) path(key string) string { return Scheme + b.name + "/" + key }

// List returns the objects of a folder. What was written when stands in an object's own attributes where it was copied
// there, so each that matches is looked at.
func (b *bucket) List(pattern string) (l connectors.Listing, err error) {
	if err := b.known(); err != nil {
		return l, err
	}
	folder, deep := shelf.Split(pattern)
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: aws.String(b.key(folder))}
	if !deep {
		in.Delimiter = aws.String("/")
	}
	for range mostPages {
		ctx, done := b.call()
		page, err := b.client.ListObjectsV2(ctx, in)
		done()
		if err != nil {
			return l, b.fail("list", err)
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if strings.HasSuffix(key, "/") { // how some programs write a folder
				continue
			}
			f := connectors.Stored{Path: b.path(key), Size: aws.ToInt64(o.Size), Time: aws.ToTime(o.LastModified),
				Tag: aws.ToString(o.ETag)}
			if err := shelf.Sort(&l, pattern, f); err != nil {
				return l, err
			}
		}
		in.ContinuationToken = page.NextContinuationToken
		if !aws.ToBool(page.IsTruncated) || in.ContinuationToken == nil {
			if deep {
				l.Others = nil
			}
			if l.Earlier, l.Unknown, err = b.earlier(pattern); err != nil {
				return l, err
			}
			return l, b.look(l.Matching)
		}
	}
	return l, fmt.Errorf("more than %d objects lie in %s: name a folder with fewer: %w", mostPages*1000, folder,
		connectors.ErrConfig)
}

// look looks at objects one by one.
func (b *bucket) look(list []connectors.Stored) error {
	var g errgroup.Group
	g.SetLimit(abreast)
	for i := range list {
		g.Go(func() error {
			now, err := b.Stat(list[i].Path)
			if err == nil {
				list[i] = now
			}
			if errors.Is(err, connectors.ErrUnreachable) || errors.Is(err, shelf.ErrOdd) {
				return nil // it has gone since, or cannot be had: opening it says so
			}
			return err
		})
	}
	return g.Wait()
}

func (b *bucket) Stat(p string) (connectors.Stored, error) {
	if shelf.IsOdd(b.key(p)) {
		return connectors.Stored{}, shelf.ErrOdd
	}
	h, err := b.head(p)
	if err != nil {
		return connectors.Stored{}, err
	}
	return stored(p, h), nil
}

func (b *bucket) head(p string) (*s3.HeadObjectOutput, error) {
	if err := b.known(); err != nil {
		return nil, err
	}
	ctx, done := b.call()
	defer done()
	h, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: aws.String(b.key(p))})
	if err != nil {
		return nil, b.fail("look at "+shelf.Base(p), err)
	}
	return h, nil
}

// timeAttribute is the attribute of an object in which programs that copy files keep their time (rclone, s3fs), in
// seconds since 1970.
const timeAttribute = "mtime"

func stored(p string, h *s3.HeadObjectOutput) connectors.Stored {
	s := connectors.Stored{Path: p, Size: aws.ToInt64(h.ContentLength), Time: aws.ToTime(h.LastModified).UTC(),
		Tag: aws.ToString(h.ETag)}
	if seconds, err := strconv.ParseFloat(h.Metadata[timeAttribute], 64); err == nil && seconds > 0 {
		if at := time.UnixMicro(int64(seconds * 1e6)).UTC(); at.Before(s.Time) {
			s.Time = at
		}
	}
	return s
}

// known reports whether there is anything to identify oneself with: to ask a store without would say less.
func (b *bucket) known() error {
	ctx, done := context.WithTimeout(context.Background(), b.answer)
	defer done()
	if b.creds != nil {
		if c, err := b.creds.Retrieve(ctx); err == nil && c.HasKeys() {
			return nil
		}
	}
	return fmt.Errorf("no credentials for %s%s: give a file by `credentials: file:PATH`, or set AWS_PROFILE or "+
		"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", Scheme, b.name, connectors.ErrDenied)
}

func (b *bucket) Sum(was connectors.Stored) ([32]byte, error) { return b.sums.Of(was, b.Open) }

// source is how the object at a path is named as what is copied.
func (b *bucket) source(p string) *string {
	return aws.String((&url.URL{Path: path.Join(b.name) + "/" + b.key(p)}).EscapedPath())
}

// Replace has the store put one object in the place of another, if that is still the one that was looked at.
func (b *bucket) Replace(made, was connectors.Stored, _ [32]byte) error {
	if err := b.minding(made); err != nil {
		return err
	}
	old, err := b.head(was.Path)
	if err != nil {
		return err
	}
	if aws.ToString(old.ETag) != was.Tag {
		return shelf.ErrMoved
	}
	h, err := b.head(made.Path)
	if err != nil {
		return err
	}
	like := attributesOf(h)
	replaced := []string{}
	if v := version(old.VersionId); v != "" {
		replaced = append(replaced, v)
	}
	if before := old.Metadata[replacesAttribute]; before != "" {
		replaced = append(replaced, strings.Fields(before)...)
	}
	if like.metadata = withTime(like.metadata, made.Time); len(replaced) > 0 {
		like.metadata[replacesAttribute] = strings.Join(replaced[:min(len(replaced), 8)], " ")
	}
	if err := b.assemble(made, was.Path, was.Tag, like); err != nil {
		return err
	}
	now, err := b.head(was.Path)
	if err != nil {
		return err
	}
	if aws.ToInt64(now.ContentLength) != made.Size {
		return fmt.Errorf("the store holds another object than was put there: %w", connectors.ErrDamaged)
	}
	if b.drop {
		b.dropVersions(was.Path, replaced)
	}
	return nil
}

// replacesAttribute names, on an object that Lethe wrote, the versions of it that it replaced, the newest first.
const replacesAttribute = "lethe-replaces"

func version(id *string) string {
	if v := aws.ToString(id); v != "null" {
		return v
	}
	return ""
}

// copyBytes is how much of an object the store copies at a time: it takes at most 5 GB.
const copyBytes = 1 << 30

// assemble has the store make an object of another one, if the one that stands there has a tag.
func (b *bucket) assemble(from connectors.Stored, to, tag string, like attributes) error {
	key := aws.String(b.key(to))
	if from.Size == 0 {
		in := like.put()
		in.Bucket, in.Key, in.IfMatch = &b.name, key, &tag
		ctx, done := b.call()
		defer done()
		_, err := b.client.PutObject(ctx, in)
		return b.fail("replace "+shelf.Base(to), err)
	}
	in := like.multipart()
	in.Bucket, in.Key = &b.name, key
	ctx, done := b.call()
	begun, err := b.client.CreateMultipartUpload(ctx, in)
	done()
	if err != nil {
		return b.fail("replace "+shelf.Base(to), err)
	}
	err = b.fill(from, from.Size, key, begun.UploadId, tag)
	if err != nil {
		b.abort(key, begun.UploadId)
	}
	return b.fail("replace "+shelf.Base(to), err)
}

// fill copies the first bytes of an object to an upload, and ends that.
func (b *bucket) fill(from connectors.Stored, size int64, key, upload *string, tag string) error {
	var parts []types.CompletedPart
	for at := int64(0); at < size; at += copyBytes {
		n := aws.Int32(int32(len(parts) + 1))
		ctx, done := context.WithTimeout(context.Background(), tries*(b.answer+10*time.Minute))
		part, err := b.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &b.name, Key: key, UploadId: upload,
			PartNumber: n, CopySource: b.source(from.Path), CopySourceIfMatch: &from.Tag,
			CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", at, min(at+copyBytes, size)-1))})
		done()
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{ETag: part.CopyPartResult.ETag, PartNumber: n})
	}
	ctx, done := context.WithTimeout(context.Background(), tries*(b.answer+10*time.Minute))
	defer done()
	_, err := b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b.name, Key: key,
		UploadId: upload, IfMatch: &tag, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	return err
}

func (b *bucket) abort(key, upload *string) {
	ctx, done := b.call()
	defer done()
	_, _ = b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: key,
		UploadId: upload}) // what is left is named by the store's own lists, and ends by its rules
}

// minding finds out once whether the store minds conditions: on the new object, of whose first byte it is to make another
// in its place, if another stands there than does.
func (b *bucket) minding(made connectors.Stored) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.minds {
		return nil
	}
	key := aws.String(b.key(made.Path))
	var err error
	if made.Size == 0 {
		ctx, done := b.call()
		defer done()
		_, err = b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: key, IfMatch: aws.String(noTag)})
	} else {
		ctx, done := b.call()
		begun, failed := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: key})
		done()
		if failed != nil {
			return b.fail("replace", failed)
		}
		if err = b.fill(made, 1, key, begun.UploadId, noTag); err != nil {
			b.abort(key, begun.UploadId)
		}
	}
	if err == nil {
		return fmt.Errorf("the store minds no condition (If-Match) when an object is replaced, so that a backup that changes "+
			"meanwhile would be lost: %w", errors.ErrUnsupported)
	}
	if err = b.fail("replace", err); !errors.Is(err, shelf.ErrMoved) {
		return err
	}
	b.minds = true
	return nil
}

// noTag is the tag of no object.
const noTag = `"00000000000000000000000000000000"`
