//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// distances are those of D1 from the Worker, in milliseconds.
var distances = []int{0, 30, 100, 200}

// BenchmarkLoad measures crowds that mint, at each distance of the database, while the
// provider responds and while it hangs. worker/D1.md shows the result.
func BenchmarkLoad(b *testing.B) {
	for _, distance := range distances {
		b.Run(fmt.Sprintf("distance=%d", distance), func(b *testing.B) {
			c := newLoadTest(b, "bench/entry.mjs", distance)
			for _, callers := range []int{1, 10, 50, 300} {
				b.Run(fmt.Sprintf("callers=%d/provider=answers", callers), func(b *testing.B) { c.measure(b, callers) })
			}
			end := c.hang(4)
			b.Run("callers=50/provider=hangs", func(b *testing.B) { c.measure(b, 50) })
			end()
		})
	}
}

func (c *loadTest) measure(b *testing.B, callers int) {
	var refused atomic.Int64
	began := time.Now()
	took := send(b, callers, func() {
		if c.mint(b) != http.StatusOK {
			refused.Add(1)
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "mints/s")
	slices.Sort(took)
	b.ReportMetric(milliseconds(took[b.N/2]), "p50-ms")
	b.ReportMetric(milliseconds(took[b.N*99/100]), "p99-ms")
	b.ReportMetric(float64(refused.Load()), "refused")
	b.ReportMetric(float64(c.memory(b))/1e6, "memory-MB")
}

// BenchmarkDistance measures what a person waits for by themselves: the way back from the
// provider, the first mint of an organization, and the session.
func BenchmarkDistance(b *testing.B) {
	for _, distance := range distances {
		b.Run(fmt.Sprintf("distance=%d", distance), func(b *testing.B) {
			c := newLoadTest(b, "bench/entry.mjs", distance)
			took := map[string][]time.Duration{}
			measure := func(name string, run func() httpbrowser.Response) {
				began := time.Now()
				answer := run()
				took[name] = append(took[name], time.Since(began))
				if answer.Status >= http.StatusInternalServerError {
					b.Errorf("%s: %d", name, answer.Status)
				}
			}
			for b.Loop() {
				one := httpbrowser.New(b, c.origin, c.publicURL)
				page := one.Login("")
				measure("sign-in", func() httpbrowser.Response { return one.Choose(page, "alice") })
				measure("entering", func() httpbrowser.Response { return one.Post(api.PathToken, enterAcme) })
				measure("session", func() httpbrowser.Response { return one.Get(api.PathSession) })
				measure("sign-out", func() httpbrowser.Response { return one.Post(api.PathLogout, `{"scope":"session"}`) })
			}
			for name, all := range took {
				slices.Sort(all)
				b.ReportMetric(milliseconds(all[len(all)/2]), name+"-p50-ms")
			}
		})
	}
}

// BenchmarkSteady measures the memory of all programs while ten callers mint: at the start, on
// the way and in the end. With -benchtime 20000x it shows whether anything is left behind.
func BenchmarkSteady(b *testing.B) {
	c := newLoadTest(b, "bench/entry.mjs", 0)
	var refused atomic.Int64
	for part := range 4 {
		before := b.N
		send(b, 10, func() {
			if c.mint(b) != http.StatusOK { // as on a machine with too much other work
				refused.Add(1)
			}
		})
		b.ReportMetric(c.number(b, "/memory")/1e6, fmt.Sprintf("MB-after-%d", (part+1)*before))
	}
	b.ReportMetric(float64(c.memory(b))/1e6, "most-MB")
	b.ReportMetric(c.number(b, "/started"), "programs")
	b.ReportMetric(float64(refused.Load()), "refused")
}
