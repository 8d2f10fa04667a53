package doctor

import (
	"context"
	"net/http"
	"time"

	"github.com/tabard-auth/tabard/backend/probe"
)

// patience begins to examine how long a proxy waits for an answer, beside the other
// checks. The function that it returns waits for the outcome.
func (e *examination) patience(ctx context.Context, r probe.Report) (wait func()) {
	if e.Slow == 0 || !e.behind(r) {
		return func() {}
	}
	slow := probed{}
	var err error
	if slow.Probe, err = e.server().NewSlow(e.now()/1000, e.Slow); err != nil {
		return func() {}
	}
	by := &http.Client{Transport: e.Transport, Timeout: e.Slow + timeout, CheckRedirect: e.http.CheckRedirect}
	done := make(chan struct{})
	begun := time.Now()
	var took time.Duration
	go func() {
		defer close(done)
		slow, err = e.resend(ctx, by, slow, probe.Path+"?"+slow.Query())
		took = time.Since(begun)
	}()
	return func() {
		<-done
		switch {
		case err != nil:
			e.add(proxy, Problem, "Let the proxy wait 25 s for an answer (nginx: proxy_read_timeout 25s; HAProxy: timeout server 25s; Caddy: response_header_timeout 25s).",
				"an answer that takes %v does not arrive, but after %v %v: a sign-in waits for a slow provider, and APIs that follow the feed of endings for 10s",
				e.Slow, took.Round(time.Second), unanswered(slow, err))
		case slow.report.Kind == probe.Slow: // not a release before this one
			e.ok(proxy, "an answer that takes %v arrives", e.Slow)
		}
	}
}
