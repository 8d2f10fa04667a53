// Package domaintest is a small DNS server for tests.
package domaintest

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Server answers questions for TXT records, by UDP on this machine.
type Server struct {
	mu      sync.Mutex
	records map[string][]string
	broken  bool
	asked   []string
	address string
}

// New starts a server. It stops with the test.
func New(t testing.TB) *Server {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := &Server{records: map[string][]string{}, address: conn.LocalAddr().String()}
	go s.serve(conn)
	return s
}

// Resolver returns a resolver that asks the server.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", s.address)
	}}
}

// Set replaces the TXT records of a name; none removes it.
func (s *Server) Set(name string, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[name] = texts; len(texts) == 0 {
		delete(s.records, name)
	}
}

// Break makes the server fail, or answer again.
func (s *Server) Break(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

// Asked returns the names that were asked for, each without its last dot.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func (s *Server) serve(conn net.PacketConn) {
	packet := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil { // closed
			return
		}
		var question dnsmessage.Message
		if question.Unpack(packet[:n]) != nil || len(question.Questions) != 1 {
			continue
		}
		answer := s.answer(question.Questions[0])
		answer.ID, answer.Response = question.ID, true
		if packed, err := answer.Pack(); err == nil {
			conn.WriteTo(packed, from)
		}
	}
}

func (s *Server) answer(q dnsmessage.Question) dnsmessage.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := dnsmessage.Message{Questions: []dnsmessage.Question{q}}
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	s.asked = append(s.asked, name)
	texts, known := s.records[name]
	switch {
	case s.broken:
		answer.RCode = dnsmessage.RCodeServerFailure
	case !known:
		answer.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeTXT:
		for _, text := range texts {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.TXTResource{TXT: []string{text}},
			})
		}
	}
	answer.RecursionAvailable = true
	return answer
}
