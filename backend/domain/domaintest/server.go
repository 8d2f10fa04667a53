// Package domaintest is a small DNS server for tests, which answers by UDP, TCP and HTTPS.
package domaintest

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Fault is what the server does in place of an answer.
type Fault byte

// The faults.
const (
	None      Fault = iota
	Fails           // SERVFAIL
	Refuses         // REFUSED
	Silent          // no answer, until the client gives up
	Truncated       // an answer by UDP and HTTPS without its records, and none by TCP
	Foreign         // an answer to another question
	Garbled         // an answer that ends in the middle
)

// Server answers questions for TXT records on this machine. The names in its answers are
// in capitals, which DNS does not tell apart.
type Server struct {
	mu        sync.Mutex
	records   map[string][][]string // of a name, the strings of each record
	aliases   map[string]string
	fault     Fault
	faults    map[string]Fault // of some names
	asked     []string
	addresses map[string]string // by network
}

// New starts a server. It stops with the test.
func New(t testing.TB) *Server {
	t.Helper()
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { errors.Join(conn.Close(), stream.Close()) })
	s := &Server{
		records: map[string][][]string{}, aliases: map[string]string{}, faults: map[string]Fault{},
		addresses: map[string]string{"udp": conn.LocalAddr().String(), "tcp": stream.Addr().String()},
	}
	go s.serve(conn)
	go s.serveStreams(stream)
	return s
}

// Resolver returns a resolver that asks the server by UDP, and by TCP if an answer does
// not fit.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.addresses[network])
	}}
}

// OverHTTPS serves the server's answers by HTTP (RFC 8484), and returns the address. It
// stops with the test.
func (s *Server) OverHTTPS(t testing.TB) (address string) {
	t.Helper()
	const media = "application/dns-message"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != media {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer := s.answer(question, "https")
		if answer == nil {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", media)
		w.Write(answer)
	}))
	t.Cleanup(func() {
		s.Fault(None)
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL + "/dns-query"
}

// Set replaces the TXT records of a name, each of one string; none removes them.
func (s *Server) Set(name string, texts ...string) {
	records := make([][]string, len(texts))
	for i, text := range texts {
		records[i] = []string{text}
	}
	s.SetStrings(name, records...)
}

// SetStrings replaces the TXT records of a name, each of several strings.
func (s *Server) SetStrings(name string, records ...[]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[name] = records; len(records) == 0 {
		delete(s.records, name)
	}
}

// Alias makes a name an alias of another; an empty target removes it.
func (s *Server) Alias(name, target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aliases[name] = target; target == "" {
		delete(s.aliases, name)
	}
}

// Break makes the server fail, or answer again.
func (s *Server) Break(broken bool) {
	if s.Fault(None); broken {
		s.Fault(Fails)
	}
}

// Fault makes every answer faulty, or those about some names; without names None makes all
// of them right again.
func (s *Server) Fault(f Fault, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(names) == 0 {
		s.fault, s.faults = f, map[string]Fault{}
	}
	for _, name := range names {
		s.faults[name] = f
	}
}

// Asked returns the names that were asked for, each without its last dot.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Server) serve(conn net.PacketConn) {
	packet := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil { // closed
			return
		}
		if answer := s.answer(packet[:n], "udp"); answer != nil {
			conn.WriteTo(answer, from)
		}
	}
}

// serveStreams answers one question on each connection (RFC 1035 section 4.2.2).
func (s *Server) serveStreams(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil { // closed
			return
		}
		go func() {
			defer conn.Close()
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			packet := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(conn, packet); err != nil {
				return
			}
			if answer := s.answer(packet, "tcp"); answer != nil {
				conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			}
		}()
	}
}

// maxPacket is the size of the largest answer by UDP, in bytes.
const maxPacket = 1232

// answer returns the answer to a question, or nil if there is none.
func (s *Server) answer(packet []byte, network string) []byte {
	var question dnsmessage.Message
	if question.Unpack(packet) != nil || len(question.Questions) != 1 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := dnsmessage.Message{Questions: question.Questions}
	answer.ID, answer.Response, answer.RecursionAvailable = question.ID, true, true
	q := question.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	s.asked = append(s.asked, name)
	s.fill(&answer, name, q.Type)
	fault := cmp.Or(s.faults[name], s.fault)
	switch {
	case fault == Silent, fault == Truncated && network == "tcp":
		return nil
	case fault == Fails:
		answer.RCode, answer.Answers = dnsmessage.RCodeServerFailure, nil
	case fault == Refuses:
		answer.RCode, answer.Answers = dnsmessage.RCodeRefused, nil
	case fault == Truncated:
		answer.RCode, answer.Truncated, answer.Answers = dnsmessage.RCodeSuccess, true, nil
	case fault == Foreign:
		answer.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("other.example."), Type: q.Type, Class: q.Class}}
	}
	packed := pack(answer)
	if network == "udp" && len(packed) > maxPacket {
		answer.Truncated, answer.Answers = true, nil
		packed = pack(answer)
	}
	if fault == Garbled {
		return packed[:len(packed)-3]
	}
	return packed
}

func pack(m dnsmessage.Message) []byte {
	packed, err := m.Pack()
	if err != nil {
		panic(err) // a test's records do not fit
	}
	return packed
}

// fill adds the records of a name, by its aliases.
func (s *Server) fill(answer *dnsmessage.Message, name string, kind dnsmessage.Type) {
	add := func(kind dnsmessage.Type, body dnsmessage.ResourceBody) {
		answer.Answers = append(answer.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(strings.ToUpper(name) + "."), Type: kind, Class: dnsmessage.ClassINET, TTL: uint32(time.Minute / time.Second)},
			Body:   body,
		})
	}
	for range 8 {
		target, ok := s.aliases[name]
		if !ok {
			break
		}
		add(dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target + ".")})
		name = target
	}
	records, known := s.records[name]
	switch {
	case !known:
		answer.RCode = dnsmessage.RCodeNameError
	case kind == dnsmessage.TypeTXT:
		for _, texts := range records {
			add(dnsmessage.TypeTXT, &dnsmessage.TXTResource{TXT: texts})
		}
	}
}
