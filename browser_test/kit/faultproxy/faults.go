package faultproxy

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// Mints applies a fault only to requests for a token with a text in their body, such as
// an organization's id or slug.
func Mints(text string, fault Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/token") && strings.Contains(body(r), text) && fault(w, r)
	}
}

// body reads a request's body and leaves it to be read again.
func body(r *http.Request) string {
	text, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	return string(text)
}

// Replace replaces a text in a request's body with another.
func Replace(text, other string) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(body(r), text, other)))
		return false
	}
}

// Both applies the second fault to the requests that the first did not answer.
func Both(first, second Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool { return first(w, r) || second(w, r) }
}

// Lost loses a request: the connection breaks.
func Lost(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// AnswerLost loses the answer to a request.
func AnswerLost(_ http.ResponseWriter, r *http.Request) bool {
	forward(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Hung never answers.
func Hung(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// Slow lets a request wait on its way.
func Slow(d time.Duration) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
		return false
	}
}

// Answer answers in the backend's place.
func Answer(status int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
		return true
	}
}

// Dribble answers in the backend's place, in pieces with pauses between them.
func Dribble(pieces int, pause time.Duration, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for i := range pieces {
			Slow(pause)(w, r)
			piece := body[len(body)*i/pieces : len(body)*(i+1)/pieces]
			if i == 0 {
				Answer(http.StatusOK, piece, headers...)(w, r)
			} else {
				io.WriteString(w, piece)
			}
			w.(http.Flusher).Flush()
		}
		return true
	}
}

// CaptivePortal answers every request with a hotel's sign-in page.
var CaptivePortal = Answer(http.StatusOK, "<!doctype html><title>Welcome to the hotel</title>", "Content-Type", "text/html")

// Hold keeps requests back until release is called.
func Hold() (fault Fault, release func()) {
	open := make(chan struct{})
	return func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-open:
		case <-r.Context().Done():
		}
		return false
	}, func() { close(open) }
}

// HoldAnswer lets requests through and keeps their answers back until release is called.
func HoldAnswer() (fault Fault, release func()) {
	open := make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) bool {
		answer := httptest.NewRecorder()
		forward(answer, r)
		select {
		case <-open:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
		return true
	}, func() { close(open) }
}
