package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"lethe/connectors"
	"lethe/connectors/shelf"
	"lethe/connectors/wire"
)

// fail says what became of a request in words of our own: those of the store may hold what was sent to it.
func (b *bucket) fail(what string, err error) error {
	if err == nil {
		return nil
	}
	code, status := "", 0
	var said smithy.APIError
	if errors.As(err, &said) {
		code = said.ErrorCode()
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	if wrapped, mine := words[code]; mine {
		return fmt.Errorf("%s: %s: %w", what, wrapped.says, wrapped.is)
	}
	switch status {
	case 0:
		return b.silent(what, err)
	case http.StatusNotFound:
		return fmt.Errorf("%s: no such object: %w", what, errMissing)
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("%s: the store denies it (%s): give the account the right: %w", what, plain(code, status),
			connectors.ErrDenied)
	case http.StatusPreconditionFailed, http.StatusConflict:
		return shelf.ErrMoved
	case http.StatusMovedPermanently, http.StatusBadRequest:
		return fmt.Errorf("%s: the store does not take it (%s): see whether region and endpoint are the bucket's: %w", what,
			plain(code, status), connectors.ErrConfig)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fmt.Errorf("%s: the store cannot do it (%s): %w", what, plain(code, status), errors.ErrUnsupported)
	}
	return fmt.Errorf("%s: the store answered %s, %d times: %w", what, plain(code, status), tries, connectors.ErrUnreachable)
}

// errMissing is what is not there.
var errMissing = fmt.Errorf("%w: %w", fs.ErrNotExist, connectors.ErrUnreachable)

// words say what a code of S3 means, where its status does not.
var words = map[string]struct {
	says string
	is   error
}{
	"NoSuchBucket":          {"no such bucket", errMissing},
	"InvalidObjectState":    {"the object lies in an archive (GLACIER) and must be brought back first", connectors.ErrUnreachable},
	"InvalidAccessKeyId":    {"the store does not know the access key", connectors.ErrDenied},
	"SignatureDoesNotMatch": {"the secret access key is not the one of the access key", connectors.ErrDenied},
	"ExpiredToken":          {"the credentials are past their end", connectors.ErrDenied},
	"RequestTimeTooSkewed":  {"the clocks of this machine and of the store are too far apart", connectors.ErrConfig},
	"AuthorizationHeaderMalformed": {"the bucket is of another region: write it behind the path (?region=REGION)",
		connectors.ErrConfig},
}

// plain is a code that nobody else wrote anything into.
func plain(code string, status int) string {
	for _, r := range code {
		if r < '0' || r > 'z' || len(code) > 60 {
			code = ""
			break
		}
	}
	if code == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprintf("%d %s", status, code)
}

// silent says why nothing was answered.
func (b *bucket) silent(what string, err error) error {
	var silence *wire.Silence
	var op *net.OpError
	switch {
	case errors.As(err, &silence):
		return fmt.Errorf("%s: %w (%s): %w", what, silence, silence.Next("the source"), connectors.ErrUnreachable)
	case errors.As(err, &op):
		return fmt.Errorf("%s: no connection to the store: %v: %w", what, op.Err, connectors.ErrUnreachable)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: no answer from the store in time (answer_within of the source is how long is waited): %w", what,
			connectors.ErrUnreachable)
	}
	return fmt.Errorf("%s: the connection to the store broke, %d times, or it is none: see endpoint and its certificate: %w",
		what, tries, connectors.ErrUnreachable)
}
