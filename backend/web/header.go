package web

import (
	"fmt"
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// Limits of a request's header, in bytes. A host may take somewhat more, so that a person
// gets a page that leads on in place of a line of text.
const (
	maxAddress = 32 << 10
	maxFields  = 16 << 10
)

// CheckHeader refuses a request whose address or header fields are too large.
func CheckHeader(r *http.Request) error {
	if fields := fieldsSize(r.Header); fields > maxFields {
		return tooLarge(http.StatusRequestHeaderFieldsTooLarge, "The request's header fields have %d bytes, more than %d.", fields, maxFields)
	}
	if address := len(r.URL.Path) + len(r.URL.RawQuery); address > maxAddress {
		return tooLarge(http.StatusRequestURITooLong, "The address has %d bytes, more than %d.", address, maxAddress)
	}
	return nil
}

func tooLarge(status int, text string, size, most int) error {
	return refusal.New(api.InvalidRequest, fmt.Sprintf(text, size, most)).WithStatus(status).OnPage(page.Large, "")
}

// fieldsSize returns the size of header fields as they are sent.
func fieldsSize(h http.Header) (size int) {
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return size
}
