package httpbrowser

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   string
	URL    *url.URL // of the request, after redirects
}

// Code returns the stable code of an error of the contract, and "" for any other
// answer.
func (r Response) Code() string {
	var body struct {
		Code string `json:"error"`
	}
	if json.Unmarshal([]byte(r.Body), &body) != nil {
		return ""
	}
	return body.Code
}

// JSON decodes the body.
func (r Response) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), into); err != nil {
		t.Fatalf("status %d, %s: %v", r.Status, r.Body, err)
	}
}

// Cookies returns the cookies that the answer sets or clears.
func (r Response) Cookies() []*http.Cookie {
	return (&http.Response{Header: r.Header}).Cookies()
}
