package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// result is the cost of one request under a load.
type result struct {
	perSecond        float64
	p50, p99         time.Duration
	server, database time.Duration // CPU time
}

// load is a list of requests as they go over the wire. Each connection sends the next
// one when its last was answered.
type load struct {
	address     string
	requests    [][]byte
	connections int
	next        atomic.Int64
	took        []time.Duration
}

// send sends all requests and returns how long that took.
func send(address string, requests [][]byte, connections int) (time.Duration, []time.Duration, error) {
	l := &load{address: address, requests: requests, connections: connections, took: make([]time.Duration, len(requests))}
	var (
		group sync.WaitGroup
		errs  = make(chan error, connections)
	)
	start := time.Now()
	for range connections {
		group.Go(func() { errs <- l.connection() })
	}
	group.Wait()
	wall := time.Since(start)
	for range connections {
		if err := <-errs; err != nil {
			return 0, nil, err
		}
	}
	slices.Sort(l.took)
	return wall, l.took, nil
}

func (l *load) connection() error {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for {
		i := int(l.next.Add(1)) - 1
		if i >= len(l.requests) {
			return nil
		}
		start := time.Now()
		if err := exchange(conn, answers, l.requests[i]); err != nil {
			return err
		}
		l.took[i] = time.Since(start)
	}
}

func exchange(conn net.Conn, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer is %s: %s", answer.Status, body)
	}
	return err
}
