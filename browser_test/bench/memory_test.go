package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// BenchmarkMemory mints from a handler in this process and reports what one request
// allocates, without the server's own reading and writing:
//
//	go test -run '^$' -bench Memory -benchmem -benchtime 2000x ./browser_test/bench
//
// Other work on the machine does not change the figures.
func BenchmarkMemory(b *testing.B) {
	for _, name := range []string{sqliteName, postgresName} {
		address := database(b, name)
		loaded, handler := startHandler(b, address)
		loaded.fill(requests() + warmUp)
		for _, k := range kinds {
			b.Run(name+"/"+k.name, func(b *testing.B) {
				loaded.prepare(k)
				all := loaded.parsedRequests(k)
				for _, r := range all[:warmUp] {
					serve(b, handler, r)
				}
				if all = all[warmUp:]; b.N > len(all) {
					b.Fatalf("at most %d requests: pass -benchtime %dx", len(all), len(all))
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					serve(b, handler, all[i])
				}
			})
		}
	}
}

// mostAllocations is the most allocations of a steady mint with a device key on SQLite. A
// commit that raises it says what a user gains.
const mostAllocations = 413

// TestMint_Allocations counts what a mint allocates, which no other work on the machine
// changes: of a session that no provider is asked about, and of one between two revalidations.
func TestMint_Allocations(t *testing.T) {
	t.Run("without revalidation", func(t *testing.T) { mintAllocations(t, 0, mostAllocations) })
	t.Run("between revalidations", func(t *testing.T) { // whose time is read
		mintAllocations(t, time.Now().Unix()+3600, mostAllocations+1)
	})
}

// mintAllocations counts what the mints of sessions allocate that are revalidated at a time.
func mintAllocations(t *testing.T, due int64, most float64) {
	loaded, handler := startHandler(t, database(t, sqliteName))
	const runs = 500
	loaded.fill(runs + warmUp + 1)
	loaded.exec(fmt.Sprintf("UPDATE sessions SET revalidate_at = %d", due))
	loaded.prepare(kinds[1])
	all := loaded.parsedRequests(kinds[1])
	next := func() {
		serve(t, handler, all[0])
		all = all[1:]
	}
	for range warmUp {
		next()
	}
	if got := testing.AllocsPerRun(runs, next); got > most {
		t.Errorf("a steady mint with a device key has %.0f allocations, the most are %.0f", got, most)
	}
}

// parsedRequests are requests as a server reads them.
func (loaded *loadedServer) parsedRequests(k kind) (all []*http.Request) {
	for _, wire := range loaded.tokenRequests(k) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		loaded.check(err)
		r.RemoteAddr = "192.0.2.1:1024"
		all = append(all, r)
	}
	return all
}

// serve answers a request without the costs of a connection or a recorder.
func serve(b testing.TB, handler http.Handler, r *http.Request) {
	answer := unsent{header: http.Header{}}
	if handler.ServeHTTP(&answer, r); answer.status != http.StatusOK {
		b.Fatalf("the status is %d", answer.status)
	}
}

// unsent is the writer of an answer that is not sent.
type unsent struct {
	header http.Header
	status int
}

func (u *unsent) Header() http.Header                { return u.header }
func (u *unsent) WriteHeader(status int)             { u.status = status }
func (u *unsent) Write(body []byte) (n int, _ error) { return len(body), nil }
