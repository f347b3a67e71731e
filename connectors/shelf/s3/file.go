package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lethe/connectors"
	"lethe/connectors/shelf"
)

// Open reads an object from its beginning, as it arrives. A connection that breaks is taken up where it broke.
func (b *bucket) Open(was connectors.Stored) (connectors.ShelfFile, error) {
	if shelf.IsOdd(b.key(was.Path)) {
		return nil, shelf.ErrOdd
	}
	f := &file{bucket: b, was: was}
	if was.Size > 0 {
		if err := f.begin(); err != nil {
			return nil, err
		}
	}
	return b.sums.Watch(f, was), nil
}

// file is an object that is read.
type file struct {
	*bucket
	was  connectors.Stored
	at   int64
	body io.ReadCloser // from at on; nil: nothing is under way
	lost int           // connections in a row that brought next to nothing
	got  int64         // by the one under way

	block []byte // that ReadAt had last, and where it begins
	from  int64
}

// get asks for the bytes of an object from a place on, up to another; to 0: to its end.
func (f *file) get(from, to int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &f.name, Key: aws.String(f.key(f.was.Path)), IfMatch: &f.was.Tag}
	if to > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", from, to-1))
	} else if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	ctx, done := context.WithCancel(context.Background())
	late := time.AfterFunc(tries*(f.answer+2*time.Second), done)
	o, err := f.client.GetObject(ctx, in)
	if err == nil && !late.Stop() {
		err = errors.Join(ctx.Err(), o.Body.Close())
	}
	if err != nil {
		done()
		return nil, f.fail("read "+shelf.Base(f.was.Path), err)
	}
	return &body{o.Body, done}, nil // each wait for more of it ends with the connection's
}

type body struct {
	io.ReadCloser
	done func()
}

func (b *body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// nextToNothing is what a connection brings at least that is not counted as lost: a store that breaks off time and again
// would else be asked for ever.
const nextToNothing = 64 << 10

func (f *file) begin() (err error) {
	f.got = 0
	f.body, err = f.get(f.at, 0)
	return err
}

func (f *file) Read(p []byte) (int, error) {
	for {
		if f.at >= f.was.Size {
			return 0, io.EOF
		}
		if f.body == nil {
			if err := f.begin(); err != nil {
				return 0, err
			}
		}
		n, err := f.body.Read(p[:min(int64(len(p)), f.was.Size-f.at)])
		f.at, f.got = f.at+int64(n), f.got+int64(n)
		if f.got >= nextToNothing {
			f.lost = 0
		}
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		f.drop()
		if f.lost++; f.lost == tries {
			return 0, fmt.Errorf("the connection was lost %d times behind byte %d of %d: %w", tries, f.at, f.was.Size,
				connectors.ErrUnreachable)
		}
	}
}

// blockBytes is how much ReadAt asks for at a time.
const blockBytes = 1 << 20

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		if at >= f.was.Size {
			return n, io.EOF
		}
		if at < f.from || at >= f.from+int64(len(f.block)) {
			if err := f.fetch(at); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], f.block[at-f.from:])
	}
	return n, nil
}

func (f *file) fetch(at int64) error {
	for try := 1; ; try++ {
		in, err := f.get(at, min(at+blockBytes, f.was.Size))
		if err != nil {
			return err
		}
		block := make([]byte, min(blockBytes, f.was.Size-at))
		_, err = io.ReadFull(in, block)
		in.Close() // nothing was written
		if err == nil {
			f.block, f.from = block, at
			return nil
		}
		if try == tries {
			return fmt.Errorf("the connection was lost %d times behind byte %d: %w", tries, at, connectors.ErrUnreachable)
		}
	}
}

func (f *file) drop() {
	if f.body != nil {
		f.body.Close() // nothing was written
		f.body = nil
	}
}

func (f *file) Close() error {
	f.drop()
	return nil
}

// attributes are what an object has beside its bytes, and a new one in its place gets.
type attributes struct {
	kind, encoding, language, disposition, cache *string
	metadata                                     map[string]string
	class                                        types.StorageClass
	encryption                                   types.ServerSideEncryption
	kms                                          *string
	tags                                         *string
}

func attributesOf(h *s3.HeadObjectOutput) attributes {
	a := attributes{kind: h.ContentType, encoding: h.ContentEncoding, language: h.ContentLanguage,
		disposition: h.ContentDisposition, cache: h.CacheControl, metadata: maps.Clone(h.Metadata),
		class: h.StorageClass, encryption: h.ServerSideEncryption, kms: h.SSEKMSKeyId}
	if a.metadata == nil {
		a.metadata = map[string]string{}
	}
	delete(a.metadata, replacesAttribute)
	return a
}

// withTime notes when the content of an object was written: the store's own time is that of its last copy.
func withTime(metadata map[string]string, at time.Time) map[string]string {
	metadata[timeAttribute] = fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond())
	return metadata
}

func (a attributes) put() *s3.PutObjectInput {
	return &s3.PutObjectInput{ContentType: a.kind, ContentEncoding: a.encoding, ContentLanguage: a.language,
		ContentDisposition: a.disposition, CacheControl: a.cache, Metadata: a.metadata, StorageClass: a.class,
		ServerSideEncryption: a.encryption, SSEKMSKeyId: a.kms, Tagging: a.tags}
}

func (a attributes) multipart() *s3.CreateMultipartUploadInput {
	return &s3.CreateMultipartUploadInput{ContentType: a.kind, ContentEncoding: a.encoding, ContentLanguage: a.language,
		ContentDisposition: a.disposition, CacheControl: a.cache, Metadata: a.metadata, StorageClass: a.class,
		ServerSideEncryption: a.encryption, SSEKMSKeyId: a.kms, Tagging: a.tags}
}

// attributes are those of an object, with its tags where they may be read.
func (b *bucket) attributes(p string) (attributes, error) {
	h, err := b.head(p)
	if err != nil {
		return attributes{}, err
	}
	a := attributesOf(h)
	ctx, done := b.call()
	defer done()
	tags, err := b.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b.name, Key: aws.String(b.key(p))})
	if err == nil && len(tags.TagSet) > 0 {
		set := url.Values{}
		for _, t := range tags.TagSet {
			set.Set(aws.ToString(t.Key), aws.ToString(t.Value))
		}
		a.tags = aws.String(set.Encode())
	}
	return a, nil
}

// Parts of an upload: an object has at most 10,000, so that those of a long one grow.
const (
	firstPart = 16 << 20
	laterPart = 128 << 20
	growAfter = 2000
)

// Create begins an object of a new name beside another.
func (b *bucket) Create(like connectors.Stored) (connectors.ShelfWriter, error) {
	a, err := b.attributes(like.Path)
	if err != nil {
		return nil, err
	}
	a.metadata = withTime(a.metadata, like.Time)
	return &writer{bucket: b, like: a, of: like, path: shelf.Temporary(like.Path, rand.Text())}, nil
}

// writer writes an object. A short one is sent at once, a longer one in parts.
type writer struct {
	*bucket
	like   attributes
	of     connectors.Stored
	path   string
	buf    []byte
	size   int64
	upload *string // nil: nothing was sent yet
	parts  []types.CompletedPart
	over   bool
}

func (w *writer) Name() string { return w.path }

func (w *writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		most := firstPart
		if len(w.parts) > growAfter {
			most = laterPart
		}
		m := min(len(p), most-len(w.buf))
		if w.buf == nil {
			w.buf = make([]byte, 0, 64<<10)
		}
		w.buf = append(w.buf, p[:m]...)
		n, p = n+m, p[m:]
		if len(w.buf) == most {
			if err := w.send(); err != nil {
				return n, err
			}
		}
	}
	w.size += int64(n)
	return n, nil
}

// send sends a part.
func (w *writer) send() error {
	key := aws.String(w.key(w.path))
	if w.upload == nil {
		in := w.like.multipart()
		in.Bucket, in.Key = &w.name, key
		ctx, done := w.call()
		begun, err := w.client.CreateMultipartUpload(ctx, in)
		done()
		if err != nil {
			return w.fail("write a new object", err)
		}
		w.upload = begun.UploadId
	}
	n := aws.Int32(int32(len(w.parts) + 1))
	ctx, done := context.WithTimeout(context.Background(), tries*(w.answer+10*time.Minute))
	defer done()
	part, err := w.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: &w.name, Key: key, UploadId: w.upload,
		PartNumber: n, Body: bytes.NewReader(w.buf), ContentLength: aws.Int64(int64(len(w.buf)))})
	if err != nil {
		return w.fail("write a new object", err)
	}
	w.parts, w.buf = append(w.parts, types.CompletedPart{ETag: part.ETag, PartNumber: n}), w.buf[:0]
	return nil
}

func (w *writer) Finish() (connectors.Stored, error) {
	key := aws.String(w.key(w.path))
	if w.upload == nil {
		in := w.like.put()
		in.Bucket, in.Key, in.Body, in.ContentLength = &w.name, key, bytes.NewReader(w.buf), aws.Int64(int64(len(w.buf)))
		ctx, done := context.WithTimeout(context.Background(), tries*(w.answer+10*time.Minute))
		defer done()
		if _, err := w.client.PutObject(ctx, in); err != nil {
			return connectors.Stored{}, w.fail("write a new object", err)
		}
	} else {
		if len(w.buf) > 0 {
			if err := w.send(); err != nil {
				return connectors.Stored{}, err
			}
		}
		ctx, done := context.WithTimeout(context.Background(), tries*(w.answer+10*time.Minute))
		defer done()
		if _, err := w.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &w.name, Key: key,
			UploadId: w.upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: w.parts}}); err != nil {
			return connectors.Stored{}, w.fail("write a new object", err)
		}
	}
	w.over, w.buf = true, nil
	made, err := w.Stat(w.path)
	if err == nil && made.Size != w.size {
		err = fmt.Errorf("the store holds %d bytes of the new object, and %d were written: %w", made.Size, w.size,
			connectors.ErrDamaged)
	}
	if err != nil {
		err = errors.Join(err, w.Remove(connectors.Stored{Path: w.path}))
	}
	return made, err
}

func (w *writer) Close() error {
	if !w.over && w.upload != nil {
		w.abort(aws.String(w.key(w.path)), w.upload)
	}
	w.over = true
	return nil
}
