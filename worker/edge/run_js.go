package edge

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"syscall/js"
	"time"
)

// Program is the program of a Worker.
type Program struct {
	// Handler answers fetch events.
	Handler http.Handler
	// Scheduled does the periodic work when a cron trigger fires.
	Scheduled func(ctx context.Context) error
}

// platform is the object that ../instance.mjs gives this instance. It is read while the
// program starts, because the global belongs to the instance that was started last.
var platform = js.Global().Get("context")

// Run serves events until the instance is dropped.
func Run(p Program) {
	binding := platform.Get("binding")
	binding.Set("fetch", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go p.fetch(args[0].String(), args[1], time.Duration(args[2].Float()*float64(time.Millisecond)), args[3])
		return nil
	}))
	binding.Set("scheduled", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go p.scheduled(args[0])
		return nil
	}))
	select {}
}

// fetch serves one request within a time, and calls done(status, headers, body,
// healthy). An instance that is not healthy serves no more requests: a panic may have
// left locks held and writes half done.
func (p Program) fetch(head string, body js.Value, within time.Duration, done js.Value) {
	w := newResponseWriter()
	healthy := false
	defer func() {
		if v := recover(); v != nil {
			slog.Error("panic", "value", v, "stack", string(debug.Stack()))
			w = newResponseWriter()
			http.Error(w, "Something failed on the server.", http.StatusInternalServerError)
		}
		status, headers, content := w.finish()
		done.Invoke(status, headers, Uint8Array(content), healthy && status != http.StatusInternalServerError)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	r, err := newRequest(ctx, head, Bytes(body))
	if err != nil {
		http.Error(w, err.Error(), err.status)
	} else {
		p.Handler.ServeHTTP(w, r)
	}
	healthy = true
}

// scheduled calls done(error) at its end; "" means success.
func (p Program) scheduled(done js.Value) {
	failure := "panic"
	defer func() {
		if v := recover(); v != nil {
			slog.Error("panic", "value", v, "stack", string(debug.Stack()))
		}
		done.Invoke(failure)
	}()
	if err := p.Scheduled(context.Background()); err != nil {
		failure = err.Error()
		return
	}
	failure = ""
}
