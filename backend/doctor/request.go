package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// answer is the answer to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
	major  int                  // of HTTP's version
	tls    *tls.ConnectionState // nil without TLS
}

const maxAnswer = 1 << 20

// get requests an address, with pairs of header names and values.
func (e *examination) get(ctx context.Context, address string, header ...string) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return e.do(request)
}

// do sends a request and reads its answer.
func (e *examination) do(request *http.Request) (*answer, error) { return do(e.http, request) }

func do(by *http.Client, request *http.Request) (*answer, error) {
	response, err := by.Do(request)
	if err != nil {
		return nil, cause(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	return &answer{response.StatusCode, response.Header, body, response.ProtoMajor, response.TLS}, nil
}

// getJSON reads a JSON document that is answered with 200.
func (e *examination) getJSON(ctx context.Context, address string, into any) (*answer, error) {
	a, err := e.get(ctx, address)
	if err != nil {
		return nil, err
	}
	return a, a.readJSON(into)
}

// readJSON reads the body of an answer with the status 200.
func (a *answer) readJSON(into any) error {
	if a.status != http.StatusOK {
		return errors.New("it answers " + a.describe())
	}
	if len(a.body) == maxAnswer {
		return fmt.Errorf("it answers %s of 1 MiB or more, which is too large", a.describe())
	}
	if err := strictjson.DecodeKnown(bytes.TrimPrefix(a.body, []byte("\ufeff")), into); err != nil {
		return fmt.Errorf("it answers %s, which is unexpected", a.describe())
	}
	return nil
}

// describe summarizes an answer without its content.
func (a *answer) describe() string {
	text := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	if to := a.header.Get("Location"); to != "" && a.status/100 == 3 {
		return text + " to " + withoutQuery(to)
	}
	if media, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); err == nil {
		text += " (" + media + ")"
	}
	return text
}

func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an invalid address"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

// addressOf returns the address of a connection's end, or the zero value.
func addressOf(end net.Addr) netip.Addr {
	parsed, _ := netip.ParseAddrPort(end.String()) // another network has no such address
	return parsed.Addr().Unmap()
}

// ahead returns by how many seconds the answer's clock is ahead of now.
func (a *answer) ahead(now int64) (seconds int64, ok bool) {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return date.Unix() - now, true
}

// cause removes method and address, which a finding names itself.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
