package s3_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	aws "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/shelf/s3"
	"lethe/fixtures/servers"
)

// open opens a bucket of a store.
func open(t *testing.T, store *servers.Store, bucket string, set func(*connectors.ShelfOptions)) connectors.Shelf {
	t.Helper()
	o := connectors.ShelfOptions{Name: "dumps", URL: "s3://" + bucket + "/", Credentials: store.Credentials(),
		Query: map[string]string{"endpoint": store.Endpoint}, Plaintext: true, AnswerWithin: 5 * time.Second}
	if set != nil {
		set(&o)
	}
	s, err := s3.Open(t.Context(), o)
	require.NoError(t, err)
	return s
}

func read(t *testing.T, s connectors.Shelf, path string) []byte {
	t.Helper()
	was, err := s.Stat(path)
	require.NoError(t, err)
	f, err := s.Open(was)
	require.NoError(t, err)
	defer f.Close()
	body, err := io.ReadAll(f)
	require.NoError(t, err)
	return body
}

// replace writes a new body in the place of an object.
func replace(t *testing.T, s connectors.Shelf, was connectors.Stored, body []byte) error {
	t.Helper()
	w, err := s.Create(was)
	require.NoError(t, err)
	defer w.Close()
	_, err = w.Write(body)
	require.NoError(t, err)
	made, err := w.Finish()
	require.NoError(t, err)
	require.Equal(t, body, read(t, s, made.Path), "it is read back under its own name")
	err = s.Replace(made, was, [32]byte{})
	require.NoError(t, s.Remove(made))
	return err
}

func TestBucket(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "plain", false, false)
	for key, body := range map[string]string{"crm/a.sql": "one", "crm/b.sql": "two", "crm/note.txt": "n", "crm/deep/c.sql": "x",
		"other/d.sql": "y"} {
		store.Put(t, "plain", key, []byte(body))
	}
	s := open(t, store, "plain", nil)
	l, err := s.List("s3://plain/crm/*.sql")
	require.NoError(t, err)
	require.Len(t, l.Matching, 2)
	require.Equal(t, "s3://plain/crm/a.sql", l.Matching[0].Path)
	require.Len(t, l.Others, 1)
	require.Equal(t, "s3://plain/crm/note.txt", l.Others[0].Path)
	deep, err := s.List("s3://plain/*/*.sql")
	require.NoError(t, err)
	require.Len(t, deep.Matching, 3)

	was := l.Matching[0]
	require.Equal(t, "one", string(read(t, s, was.Path)))
	sum, err := s.Sum(was)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte("one")), sum)

	long := bytes.Repeat([]byte("0123456789abcdef"), 2<<20) // two parts
	require.NoError(t, replace(t, s, was, long))
	require.Equal(t, long, store.Get(t, "plain", "crm/a.sql", ""))
	now, err := s.Stat(was.Path)
	require.NoError(t, err)
	require.NotEqual(t, was.Tag, now.Tag)
	require.WithinDuration(t, was.Time, now.Time, time.Microsecond, "it ends on the same day")

	f, err := s.Open(now)
	require.NoError(t, err)
	defer f.Close()
	end := make([]byte, 20)
	n, err := f.ReadAt(end, now.Size-16)
	require.Equal(t, 16, n)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, "0123456789abcdef", string(end[:16]))

	require.ErrorIs(t, replace(t, s, was, []byte("late")), connectors.ErrTransient, "another stands there now")
	require.Equal(t, long, store.Get(t, "plain", "crm/a.sql", ""))
	require.NotContains(t, store.Keys(t, "plain"), ".a.sql", "nothing is left")
	require.Len(t, store.Keys(t, "plain"), 5)

	_, err = s.Open(was)
	require.ErrorIs(t, err, connectors.ErrTransient)
	_, err = s.Stat("s3://plain/crm/none.sql")
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = s.Stat("s3://plain/crm/../a.sql")
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.True(t, errors.Is(s.Remove(now), errors.ErrUnsupported), "a backup is never removed")
	require.Empty(t, deep.Earlier)
	require.Empty(t, deep.Unknown)
}

// What a bucket keeps of what was replaced or deleted is listed, with until when; what was replaced goes where that is asked for.
func TestVersions(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "kept", true, false)
	day := time.Now().AddDate(0, 0, -9)
	store.PutOf(t, "kept", "crm/a.sql", []byte("with ada"), day)
	store.Put(t, "kept", "crm/b.sql", []byte("rotated"))
	key := "crm/b.sql"
	_, err := store.Client.DeleteObject(t.Context(), &aws.DeleteObjectInput{Bucket: ptr("kept"), Key: &key})
	require.NoError(t, err)

	s := open(t, store, "kept", nil)
	l, err := s.List("s3://kept/crm/*.sql")
	require.NoError(t, err)
	require.Len(t, l.Matching, 1)
	require.Len(t, l.Earlier, 1, "it was deleted, and lies there")
	require.Equal(t, "s3://kept/crm/b.sql", l.Earlier[0].Path)
	require.NoError(t, replace(t, s, l.Matching[0], []byte("without")))
	l, err = s.List("s3://kept/crm/*.sql")
	require.NoError(t, err)
	require.Len(t, l.Earlier, 2)
	require.WithinDuration(t, day, l.Earlier[0].Written, time.Second, "as old as what was written anew of it")
	require.Empty(t, l.Others, "no version of a new object is left either")
	require.Equal(t, "with ada", string(store.Get(t, "kept", "crm/a.sql", l.Earlier[0].ID)))

	dropping := open(t, store, "kept", func(o *connectors.ShelfOptions) { o.DropReplaced = true })
	require.NoError(t, replace(t, dropping, l.Matching[0], []byte("again")))
	l, err = s.List("s3://kept/crm/*.sql")
	require.NoError(t, err)
	require.Len(t, l.Earlier, 1, "what was replaced before goes too, what others deleted stays")
	require.Equal(t, "s3://kept/crm/b.sql", l.Earlier[0].Path)
}

// What is locked stays, and says until when.
func TestLocks(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "locked", true, true)
	store.Put(t, "locked", "crm/a.sql", []byte("with ada"))
	store.Put(t, "locked", "crm/b.sql", []byte("with ada"))
	until := time.Now().AddDate(0, 0, 3).UTC().Truncate(time.Second)
	_, err := store.Client.PutObjectRetention(t.Context(), &aws.PutObjectRetentionInput{Bucket: ptr("locked"), Key: ptr("crm/a.sql"),
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &until}})
	require.NoError(t, err)
	_, err = store.Client.PutObjectLegalHold(t.Context(), &aws.PutObjectLegalHoldInput{Bucket: ptr("locked"), Key: ptr("crm/b.sql"),
		LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOn}})
	require.NoError(t, err)
	s := open(t, store, "locked", func(o *connectors.ShelfOptions) { o.DropReplaced = true })
	l, err := s.List("s3://locked/crm/*.sql")
	require.NoError(t, err)
	require.Len(t, l.Matching, 2)
	require.Empty(t, s.Foresee(l.Matching[0].Path))
	for _, f := range l.Matching {
		require.NoError(t, replace(t, s, f, []byte("without")))
	}
	l, err = s.List("s3://locked/crm/*.sql")
	require.NoError(t, err)
	require.Len(t, l.Earlier, 2, "it could not be deleted")
	require.WithinDuration(t, until, l.Earlier[0].LockedUntil, time.Second)
	require.False(t, l.Earlier[0].Held)
	require.True(t, l.Earlier[1].Held)
	require.True(t, l.Earlier[1].LockedUntil.IsZero())

	_, err = store.Client.PutObjectLockConfiguration(t.Context(), &aws.PutObjectLockConfigurationInput{Bucket: ptr("locked"),
		ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Days: ptr(int32(30)),
				Mode: types.ObjectLockRetentionModeGovernance}}}})
	require.NoError(t, err)
	always := open(t, store, "locked", nil)
	barred := always.Foresee(l.Matching[0].Path)
	require.Len(t, barred, 1)
	require.Contains(t, barred[0].What, "locks each new object for 30 days")
}

func ptr[T any](v T) *T { return &v }

// A proxy stands between, and does to answers what a test says.
type proxy struct {
	*httptest.Server
	mu sync.Mutex
	do func(w http.ResponseWriter, r *http.Request, on http.Handler)
}

func between(t *testing.T, store *servers.Store) *proxy {
	t.Helper()
	to, err := url.Parse(store.Endpoint)
	require.NoError(t, err)
	on := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host // which is signed
	},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }}
	p := &proxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		do := p.do
		p.mu.Unlock()
		if do == nil {
			on.ServeHTTP(w, r)
			return
		}
		do(w, r, on)
	}))
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func (p *proxy) set(do func(w http.ResponseWriter, r *http.Request, on http.Handler)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.do = do
}

// cut passes on so many bytes of a body, and breaks the connection.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b[:min(len(b), c.left)])
	if c.left -= n; c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// Whatever a store does, the original is as it was, each wait ends, and what is said holds no secret.
func TestStoreOfBadWill(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "dumps", false, false)
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	store.Put(t, "dumps", "crm/a.sql", long)
	p := between(t, store)
	s := open(t, store, "dumps", func(o *connectors.ShelfOptions) {
		o.Query["endpoint"], o.AnswerWithin = p.URL, time.Second
	})
	path := "s3://dumps/crm/a.sql"
	was, err := s.Stat(path)
	require.NoError(t, err)
	words := func(err error, is error) {
		t.Helper()
		require.ErrorIs(t, err, is)
		require.NotContains(t, err.Error(), store.Secret)
		require.NotContains(t, err.Error(), "told you so")
	}

	t.Run("it answers 500", func(t *testing.T) {
		asked := 0
		p.set(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			asked++
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "<Error><Code>InternalError</Code><Message>told you so "+store.Secret+"</Message></Error>")
		})
		defer p.set(nil)
		_, err := s.Stat(path)
		words(err, connectors.ErrUnreachable)
		require.Equal(t, 3, asked)
	})
	t.Run("it denies", func(t *testing.T) {
		p.set(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
			if r.Method == http.MethodPut || r.Method == http.MethodPost {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>told you so</Message></Error>")
				return
			}
			on.ServeHTTP(w, r)
		})
		defer p.set(nil)
		w, err := s.Create(was)
		require.NoError(t, err)
		_, err = w.Write([]byte("x"))
		require.NoError(t, err)
		_, err = w.Finish()
		words(err, connectors.ErrDenied)
		require.NoError(t, w.Close())
	})
	t.Run("it breaks off, and is asked to go on", func(t *testing.T) {
		breaks := 0
		p.set(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
			if r.Method == http.MethodGet && breaks < 5 {
				breaks++
				on.ServeHTTP(&cut{w, 100_000}, r)
				return
			}
			on.ServeHTTP(w, r)
		})
		defer p.set(nil)
		require.Equal(t, long, read(t, s, path))
		require.Equal(t, 5, breaks)
	})
	t.Run("it breaks off for good", func(t *testing.T) {
		f, err := s.Open(was)
		require.NoError(t, err)
		defer f.Close()
		p.set(func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
		defer p.set(nil)
		p.CloseClientConnections()
		_, err = io.ReadAll(f)
		words(err, connectors.ErrUnreachable)
	})
	t.Run("it hangs", func(t *testing.T) {
		stop := make(chan struct{})
		p.set(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		})
		defer func() { close(stop); p.set(nil) }()
		began := time.Now()
		_, err := s.Stat(path)
		words(err, connectors.ErrUnreachable)
		require.Less(t, time.Since(began), 15*time.Second)
	})
	t.Run("it hangs half way", func(t *testing.T) {
		stop := make(chan struct{})
		p.set(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
			w.Header().Set("Content-Length", "4194304")
			_, _ = w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		})
		defer func() { close(stop); p.set(nil) }()
		f, err := s.Open(was)
		require.NoError(t, err)
		defer f.Close()
		began := time.Now()
		n, err := io.Copy(io.Discard, f)
		require.Less(t, n, was.Size)
		if err != nil {
			words(err, connectors.ErrUnreachable)
		}
		require.Error(t, err)
		require.Less(t, time.Since(began), 30*time.Second)
	})
	t.Run("it minds no condition", func(t *testing.T) {
		p.set(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
			if r.Method == http.MethodPost && r.Header.Get("If-Match") != "" {
				_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>")
				return
			}
			on.ServeHTTP(w, r)
		})
		defer p.set(nil)
		fresh := open(t, store, "dumps", func(o *connectors.ShelfOptions) { o.Query["endpoint"] = p.URL })
		w, err := fresh.Create(was)
		require.NoError(t, err)
		_, err = w.Write([]byte("new"))
		require.NoError(t, err)
		made, err := w.Finish()
		require.NoError(t, err)
		require.ErrorIs(t, fresh.Replace(made, was, [32]byte{}), errors.ErrUnsupported)
		require.NoError(t, fresh.Remove(made))
	})
	t.Run("another object comes at the last moment", func(t *testing.T) {
		store.Put(t, "dumps", "crm/b.sql", []byte("old"))
		p.set(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
			if r.Method == http.MethodPost && r.Header.Get("If-Match") != "" && r.URL.Path == "/dumps/crm/b.sql" {
				store.Put(t, "dumps", "crm/b.sql", []byte("theirs"))
			}
			on.ServeHTTP(w, r)
		})
		defer p.set(nil)
		was, err := s.Stat("s3://dumps/crm/b.sql")
		require.NoError(t, err)
		require.ErrorIs(t, replace(t, s, was, []byte("ours")), connectors.ErrTransient)
		require.Equal(t, "theirs", string(store.Get(t, "dumps", "crm/b.sql", "")))
	})
	t.Run("the secret is another", func(t *testing.T) {
		_, err := open(t, store, "dumps", func(o *connectors.ShelfOptions) {
			o.Credentials = "[default]\naws_access_key_id=" + store.ID + "\naws_secret_access_key=not-the-one\n"
		}).Stat(path)
		words(err, connectors.ErrDenied)
		require.NotContains(t, err.Error(), "not-the-one")
		_, err = open(t, store, "none", nil).List("s3://none/*.sql")
		words(err, connectors.ErrUnreachable)
	})
	require.Equal(t, long, store.Get(t, "dumps", "crm/a.sql", ""))
	require.Equal(t, []string{"crm/a.sql", "crm/b.sql"}, store.Keys(t, "dumps"))
}
