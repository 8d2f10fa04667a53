package bench

import (
	"fmt"
	"testing"
	"time"
)

func heading(b *testing.B, database string) {
	b.Helper()
	fmt.Printf("\n%s; CPU in µs a request\n", database)
	fmt.Println("mint        at once     req/s   p50 ms   p99 ms   server  database |  empty   read  verify   sign    sum | ratio | together ratio")
}

// measurement is of a mint and of its parts, at the same time.
type measurement struct {
	result
	parts
}

func (m measurement) whole() float64 { return micro(m.server + m.database) }

// measureRow measures a mint in several rounds and prints its lowest cost, beside the lowest
// cost of each part: other work on the machine only adds to a cost.
func (loaded *loadedServer) measureRow(k kind, connections int) {
	var least measurement
	for i := range rounds() {
		loaded.prepare(k)
		m := measurement{parts: loaded.parts(k, connections)}
		m.result = loaded.load(loaded.tokenRequests(k), connections)
		if i == 0 {
			least = m
		}
		least.parts = least.parts.least(m.parts)
		if m.whole() < least.whole() {
			least.result = m.result
		}
	}
	least.print(k, connections)
}

func (m measurement) print(k kind, connections int) {
	r, p := m.result, m.parts
	fmt.Printf("%-11s %7d %9.0f %8.2f %8.2f %8.0f %9.0f | %6.0f %6.0f %7.0f %6.0f %6.0f | %5.2f | %8.0f %5.2f\n",
		k.name, connections, r.perSecond, milli(r.p50), milli(r.p99), micro(r.server), micro(r.database),
		micro(p.empty), micro(p.read()), micro(p.verify()), micro(p.sign()), micro(p.sum()), m.whole()/micro(p.sum()),
		micro(p.together), m.whole()/micro(p.together))
}

func milli(d time.Duration) float64 { return d.Seconds() * 1e3 }
func micro(d time.Duration) float64 { return d.Seconds() * 1e6 }
