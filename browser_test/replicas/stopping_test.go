//go:build long

package replicas_test

import (
	"testing"
	"time"
)

// TestProxies_RollingRestart: behind each proxy, a rolling restart fails no request.
func TestProxies_RollingRestart(t *testing.T) {
	for _, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			d := startBehind(t, kind, "--stop-delay", "3s", "--log-level", "error")
			if answers := d.underLoad(d.rollOut); failures(answers) > 0 || answers[served] < 100 {
				t.Errorf("answers: %v", answers)
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
