// Package overhttps looks up TXT records by DNS over HTTPS (RFC 8484), for hosts that
// cannot send DNS queries themselves.
package overhttps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolver asks a resolver such as Cloudflare's or Google's. It implements
// domain.Resolver.
type Resolver struct {
	// URL is the resolver's address, such as https://cloudflare-dns.com/dns-query.
	URL       string
	Transport http.RoundTripper
}

const (
	mediaType = "application/dns-message"
	// maxMessage is the size of the largest DNS message, in bytes (RFC 8484 section 6).
	maxMessage = 1<<16 - 1
	// maxAliases is more than resolvers follow.
	maxAliases = 16
	timeout    = 5 * time.Second
)

// CheckURL returns an error for people if a text is not the address of a resolver: one
// without TLS would be believed by whoever is on the way to it.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !local {
		return fmt.Errorf("%q is not the address of a resolver by DNS over HTTPS, such as https://cloudflare-dns.com/dns-query", text)
	}
	return nil
}

// LookupTXT implements domain.Resolver. The name may end with a dot. An error other than
// a net.DNSError that is not found means that the resolver gave no answer.
func (r Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	question, err := questionOf(name)
	if err != nil {
		return nil, err
	}
	query, err := pack(question)
	if err != nil {
		return nil, err
	}
	answer, err := r.post(ctx, query)
	if err != nil {
		return nil, err
	}
	return texts(question, answer)
}

func questionOf(name string) (dnsmessage.Question, error) {
	absolute, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	return dnsmessage.Question{Name: absolute, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}, err
}

// pack returns the query with a question. Its ID is 0, as RFC 8484 section 4.1 recommends.
func pack(question dnsmessage.Question) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{RecursionDesired: true})
	if err := errors.Join(b.StartQuestions(), b.Question(question)); err != nil {
		return nil, err
	}
	return b.Finish()
}

// post sends a query and returns the message that answers it.
func (r Resolver) post(ctx context.Context, query []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", mediaType)
	response, err := r.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	media, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the resolver answered with status %d", response.StatusCode)
	case !strings.EqualFold(strings.TrimSpace(media), mediaType):
		return nil, fmt.Errorf("the resolver answered with %.100q, not with %s", media, mediaType)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	if err == nil && len(body) > maxMessage {
		err = errors.New("the resolver's answer is larger than a DNS message")
	}
	return body, err
}

// texts returns the TXT records that an answer has for the question's name, or for the
// name to which its aliases lead.
func texts(question dnsmessage.Question, answer []byte) ([]string, error) {
	var p dnsmessage.Parser
	header, err := p.Start(answer)
	if err != nil {
		return nil, fmt.Errorf("the resolver's answer: %w", err)
	}
	asked, err := p.AllQuestions()
	missing := &net.DNSError{Err: "no such record", Name: question.Name.String(), IsNotFound: true}
	switch {
	case err != nil:
		return nil, fmt.Errorf("the resolver's answer: %w", err)
	case !header.Response || len(asked) != 1 || !sameQuestion(asked[0], question):
		return nil, errors.New("the resolver answered another question")
	case header.Truncated:
		return nil, errors.New("the resolver's answer is truncated")
	case header.RCode == dnsmessage.RCodeNameError:
		return nil, missing
	case header.RCode != dnsmessage.RCodeSuccess:
		return nil, fmt.Errorf("the resolver answered with code %d", header.RCode)
	}
	all, err := readRecords(&p)
	if err != nil {
		return nil, fmt.Errorf("the resolver's answer: %w", err)
	}
	name := nameKey(question.Name)
	for range maxAliases {
		found := all[name]
		if found.texts != nil {
			return found.texts, nil
		}
		if found.alias == "" {
			return nil, missing
		}
		name = found.alias
	}
	return nil, errors.New("the resolver's answer has too many aliases")
}

// records are what an answer says of one name.
type records struct {
	texts []string
	alias string
}

// readRecords reads the answers by name.
func readRecords(p *dnsmessage.Parser) (map[string]records, error) {
	all := map[string]records{}
	for {
		header, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		name := nameKey(header.Name)
		found := all[name]
		switch header.Type {
		case dnsmessage.TypeTXT:
			var body dnsmessage.TXTResource
			body, err = p.TXTResource()
			found.texts = append(found.texts, strings.Join(body.TXT, "")) // as RFC 7208 section 3.3 reads them
		case dnsmessage.TypeCNAME:
			var body dnsmessage.CNAMEResource
			body, err = p.CNAMEResource()
			found.alias = nameKey(body.CNAME)
		default:
			err = p.SkipAnswer()
		}
		if err != nil {
			return nil, err
		}
		all[name] = found
	}
}

// nameKey returns a name as DNS compares it (RFC 4343).
func nameKey(n dnsmessage.Name) string { return strings.ToLower(n.String()) }

func sameQuestion(a, b dnsmessage.Question) bool {
	return nameKey(a.Name) == nameKey(b.Name) && a.Type == b.Type && a.Class == b.Class
}
