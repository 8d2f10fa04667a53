package edge

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall/js"
)

// Transport is an http.RoundTripper over the platform's fetch. It follows no
// redirects and reads an answer whole, at most a mebibyte of it.
type Transport struct{}

// RoundTrip implements http.RoundTripper.
func (Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	answered, err := ask(r.Context(), "fetch", r.Method, r.URL.String(), headerText(r.Header), Uint8Array(body))
	if err != nil {
		return nil, fetchError(r, err)
	}
	return response(r, answered), nil
}

// noPlace is the end of ../pool.mjs's error where too many events ask a provider.
const noPlace = "too many events ask a provider"

// fetchError returns the error of a failed request. Without a place for it, it was never
// sent, like one whose connection could not be made.
func fetchError(r *http.Request, err error) error {
	if strings.HasSuffix(err.Error(), noPlace) {
		return &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	return fmt.Errorf("fetch %s: %w", r.URL.Host, err)
}

// response reads the result of fetch in ../instance.mjs: [status, headers, body].
func response(r *http.Request, answered js.Value) *http.Response {
	status, body := answered.Index(0).Int(), Bytes(answered.Index(2))
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: headerOf(strings.Split(answered.Index(1).String(), "\n")),
		Body:   io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func headerText(h http.Header) string {
	var text strings.Builder
	for name, values := range h {
		for _, value := range values {
			text.WriteString(name + ": " + oneLine.Replace(value) + "\n")
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}
