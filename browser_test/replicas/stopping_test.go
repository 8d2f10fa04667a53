//go:build long

package replicas_test

import (
	"sync"
	"testing"
	"time"
)

// TestProxies_RollingRestart: behind the proxies that resend every request, a rolling
// restart fails no request.
func TestProxies_RollingRestart(t *testing.T) {
	for _, kind := range proxyKinds {
		if kind.givesUp > 0 {
			continue // the client repeats the requests that it gives up
		}
		t.Run(kind.name, func(t *testing.T) {
			d := startBehind(t, kind, "--stop-delay", "3s", "--log-level", "error")
			counts, all := d.underLoad(d.rollOut), 0
			for _, n := range counts {
				all += n
			}
			if all != counts["401 login_required"] || all < 100 {
				t.Errorf("answers: %v", counts)
			}
		})
	}
}

// rollOut restarts the servers one after the other, and gives the proxy two checks to see
// that one is ready before the next one stops.
func (d *proxied) rollOut() {
	d.Helper()
	for _, r := range d.Replicas {
		d.Restart(r)
		<-time.After(2 * time.Second)
	}
}

// underLoad has callers mint until act returns, and counts their answers. The callers
// have no session: a server answers 401, and the proxy itself answers 5xx.
func (d *proxied) underLoad(act func()) map[string]int {
	d.Helper()
	var waiting sync.WaitGroup
	done, answers := make(chan struct{}), make(chan string)
	for range callers {
		waiting.Go(func() {
			for {
				answers <- d.mint()
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	counts, counted := map[string]int{}, make(chan struct{})
	go func() {
		defer close(counted)
		for a := range answers {
			counts[a]++
		}
	}()
	act()
	close(done)
	waiting.Wait()
	close(answers)
	<-counted
	return counts
}
