package edge

import (
	"context"
	"errors"
	"net/http"
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

// Run serves events until the instance is dropped.
func Run(p Program) {
	binding := platform.Get("binding")
	binding.Set("fetch", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go p.fetch(args[0].Int(), args[1].String(), args[2], time.Duration(args[3].Float()*float64(time.Millisecond)))
		return nil
	}))
	binding.Set("scheduled", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go p.scheduled(args[0].Int())
		return nil
	}))
	select {}
}

// fetch serves one request within a time. It posts the answer (status, headers, body), and at
// the end whether the instance is healthy. One that is not takes no more requests: a panic may
// have left locks held and writes half done.
func (p Program) fetch(number int, head string, body js.Value, within time.Duration) {
	e := &event{number: number}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), eventKey{}, e), within)
	defer cancel()
	w := newResponseWriter()
	if !e.guard(func() { p.serve(ctx, w, head, body) }) {
		w = newResponseWriter()
		http.Error(w, "Something failed on the server.", http.StatusInternalServerError)
	}
	status, headers, content := w.finish()
	e.post("answer", status, headers, Uint8Array(content))
	cancel()
	e.later.Wait()
	e.post("end", !e.failed && status != http.StatusInternalServerError)
}

func (p Program) serve(ctx context.Context, w *responseWriter, head string, body js.Value) {
	r, err := newRequest(ctx, head, Bytes(body))
	if err != nil {
		http.Error(w, err.Error(), err.status)
		return
	}
	p.Handler.ServeHTTP(w, r)
}

// scheduled posts the error of the periodic work; "" means success.
func (p Program) scheduled(number int) {
	e := &event{number: number}
	err := errors.New("panic")
	e.guard(func() { err = p.Scheduled(context.WithValue(context.Background(), eventKey{}, e)) })
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	e.post("answer", failure)
	e.later.Wait()
	e.post("end", !e.failed)
}
