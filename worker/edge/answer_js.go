package edge

import (
	"bytes"
	"net/http"
	"strings"
)

// responseWriter is an http.ResponseWriter that keeps the whole response: those of the
// contract are small, and one call passes all of it to the platform.
type responseWriter struct {
	header  http.Header
	status  int
	written http.Header // header when the status was written
	body    bytes.Buffer
}

func newResponseWriter() *responseWriter { return &responseWriter{header: http.Header{}} }

func (a *responseWriter) Header() http.Header { return a.header }

func (a *responseWriter) WriteHeader(status int) {
	if a.status != 0 || status < 200 { // informational answers cannot be sent
		return
	}
	a.status, a.written = status, a.header.Clone()
}

func (a *responseWriter) Write(b []byte) (int, error) {
	if a.status == 0 {
		if a.header.Get("Content-Type") == "" {
			a.header.Set("Content-Type", http.DetectContentType(b))
		}
		a.WriteHeader(http.StatusOK)
	}
	return a.body.Write(b)
}

// oneLine keeps a header's value from ending its line.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// finish returns the answer; its headers one line "name: value" each, so that
// several cookies stay several.
func (a *responseWriter) finish() (status int, headers string, body []byte) {
	a.WriteHeader(http.StatusOK)
	var text strings.Builder
	for name, values := range a.written {
		for _, value := range values {
			text.WriteString(name + ": " + oneLine.Replace(value) + "\n")
		}
	}
	return a.status, strings.TrimSuffix(text.String(), "\n"), a.body.Bytes()
}
