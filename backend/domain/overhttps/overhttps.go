// Package overhttps looks up TXT records by DNS over HTTPS, for hosts that cannot send
// DNS queries themselves.
package overhttps

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Resolver asks a resolver that answers in JSON (application/dns-json), such as
// Cloudflare's or Google's. It implements domain.Resolver.
type Resolver struct {
	// URL is the resolver's address, such as https://cloudflare-dns.com/dns-query.
	URL       string
	Transport http.RoundTripper
}

const (
	maxAnswer = 64 << 10
	timeout   = 5 * time.Second

	typeTXT = 16

	noError, nameError = 0, 3 // RFC 1035 section 4.1.1
)

// LookupTXT implements domain.Resolver.
func (r Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address := r.URL + "?" + url.Values{"name": {strings.TrimSuffix(name, ".")}, "type": {"TXT"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/dns-json")
	response, err := r.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the resolver answered with status %d", response.StatusCode)
	}
	var answer struct {
		Status int
		Answer []struct {
			Type int    `json:"type"`
			Data string `json:"data"`
		}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the resolver's answer: %w", err)
	}
	var texts []string
	for _, record := range answer.Answer {
		if record.Type == typeTXT {
			texts = append(texts, unquote(record.Data))
		}
	}
	switch {
	case answer.Status == nameError, answer.Status == noError && texts == nil:
		return nil, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
	case answer.Status != noError:
		return nil, fmt.Errorf("the resolver answered with code %d", answer.Status)
	}
	return texts, nil
}

// unquote joins the strings of a TXT record, which some resolvers quote.
func unquote(data string) string {
	data = strings.TrimSpace(data)
	if !strings.HasPrefix(data, `"`) || !strings.HasSuffix(data, `"`) || len(data) < 2 {
		return data
	}
	return strings.ReplaceAll(data[1:len(data)-1], `" "`, "")
}
