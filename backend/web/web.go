// Package web reads requests and writes answers. It is the single adapter between HTTP
// and JSON of all the server's APIs.
package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

// secureHeaders are the headers that every answer carries. All answers share the lists of
// values, so a list is replaced, never changed.
var secureHeaders = http.Header{
	"Cache-Control":                {"no-store"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
}

// Secure sets the headers that every answer carries. Pages on sibling hosts read the
// answers of the browser's API by CORS, which the resource policy does not affect.
func Secure(h http.Header, https bool) {
	maps.Copy(h, secureHeaders)
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// maxBody is the maximum size of a request's body, in bytes, and maxDocument that of a part
// of a workspace file.
const (
	maxBody     = 16 << 10
	maxDocument = 256 << 10
)

// Read reads a request's body: a JSON object of the right media type, bounded in size
// and at most depth levels deep. Every member must be known and not repeated.
func Read(w http.ResponseWriter, r *http.Request, into any, depth int) error {
	text, err := ReadBody(w, r)
	if err != nil {
		return err
	}
	return Malformed(strictjson.Decode(text, into, depth))
}

// ReadDocument is Read for a large object with maps.
func ReadDocument(w http.ResponseWriter, r *http.Request, into any, depth int) error {
	text, err := readBody(maxDocument, w, r)
	if err != nil {
		return err
	}
	return Malformed(strictjson.DecodeDocument(text, into, depth))
}

// Malformed returns the refusal of a body that could not be decoded, or nil.
func Malformed(err error) error {
	if err == nil {
		return nil
	}
	return refusal.New(api.InvalidRequest, "The body is malformed: "+err.Error()+".")
}

// ReadBody reads a bounded body of JSON.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return readBody(maxBody, w, r)
}

func readBody(bytes int64, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, refusal.New(api.InvalidRequest, "The body must be application/json.").WithStatus(http.StatusUnsupportedMediaType)
	}
	if r.Body == nil {
		return nil, refusal.New(api.InvalidRequest, "The body is missing.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refusal.New(api.InvalidRequest, "The body is too large.").WithStatus(http.StatusRequestEntityTooLarge)
	case err != nil:
		return nil, refusal.New(api.InvalidRequest, "The body could not be read.").WithCause(err)
	}
	return text, nil
}

const urlencoded, multipartForm, plainForm = "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"

// IsForm reports whether a request posts a form, in any of the encodings that a page can
// choose.
func IsForm(r *http.Request) bool {
	media := formMedia(r)
	return media == urlencoded || media == multipartForm || media == plainForm
}

func formMedia(r *http.Request) string {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// ReadForm reads a form of up to so many bytes into r.PostForm. Malformed fields are
// ignored; a form that is encoded as plain text has none. The error is a refusal.
func ReadForm(w http.ResponseWriter, r *http.Request, bytes int64) error {
	r.Body, r.PostForm = http.MaxBytesReader(w, r.Body, bytes), url.Values{}
	var err error
	switch formMedia(r) {
	case urlencoded:
		var body []byte
		body, err = io.ReadAll(r.Body)
		r.PostForm, _ = url.ParseQuery(string(body)) // the good ones, beside an error
	case multipartForm:
		err = r.ParseMultipartForm(bytes)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refusal.New(api.InvalidRequest, fmt.Sprintf("The form has more than %d bytes.", bytes)).
			WithStatus(http.StatusRequestEntityTooLarge).OnPage(page.Large, "")
	case err != nil:
		return refusal.New(api.InvalidRequest, "The form could not be read.").WithCause(err)
	}
	return nil
}

// MaxForm is the maximum size of a form, in bytes.
const MaxForm = maxBody

// WriteJSON writes an answer, which must be a type of the contract: those can be encoded.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

// NoMethod refuses a method that a path does not answer and sets Allow to those that it
// does (RFC 9110 section 10.2.1).
func NoMethod(h http.Header, method string, answered []string) *refusal.Refusal {
	h.Set("Allow", strings.Join(answered, ", "))
	return refusal.New(api.InvalidRequest, "This address does not support "+method+".").WithStatus(http.StatusMethodNotAllowed)
}

// NoPath refuses a path that is not served.
func NoPath() *refusal.Refusal { return refusal.New(api.NotFound, "This address does not exist.") }

// RefusalHeaders sets the headers of a refusal.
func RefusalHeaders(h http.Header, r *refusal.Refusal) {
	switch r.Code {
	case api.InsufficientUserAuthentication:
		h.Set("WWW-Authenticate", challenge(r))
	case api.AdminKeyRequired, api.WorkspaceAPIKeyRequired, api.EventsKeyRequired, api.InvalidToken:
		h.Set("WWW-Authenticate", "Bearer")
	case api.RateLimited, api.TemporarilyUnavailable:
		h.Set("Retry-After", strconv.FormatInt(max(r.RetryAfter, 1), 10))
	}
}

// challenge returns the step-up challenge (RFC 9470 section 3).
func challenge(r *refusal.Refusal) string {
	text := `Bearer error="insufficient_user_authentication"`
	if r.ACRValues != "" {
		text += fmt.Sprintf(`, acr_values=%q`, r.ACRValues)
	}
	if r.MaxAge != nil {
		text += fmt.Sprintf(`, max_age="%d"`, *r.MaxAge)
	}
	return text
}
