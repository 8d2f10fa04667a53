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

// row prints a figure beside the parts of the same moment.
func row(k kind, connections int, r result, p parts) {
	whole := r.server + r.database
	fmt.Printf("%-11s %7d %9.0f %8.2f %8.2f %8.0f %9.0f | %6.0f %6.0f %7.0f %6.0f %6.0f | %5.2f | %8.0f %5.2f\n",
		k.name, connections, r.perSecond, milli(r.p50), milli(r.p99), micro(r.server), micro(r.database),
		micro(p.empty), micro(p.read), micro(p.verify), micro(p.sign), micro(p.sum()), float64(whole)/float64(p.sum()),
		micro(p.together), float64(whole)/float64(p.together))
}

func milli(d time.Duration) float64 { return d.Seconds() * 1e3 }
func micro(d time.Duration) float64 { return d.Seconds() * 1e6 }
