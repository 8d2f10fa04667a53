package edge

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"syscall/js"
)

// platform is the object that ../instance.mjs gives this instance. It is read while the
// program starts, because the global belongs to the instance that was started last.
var platform = js.Global().Get("context")

// event is an event of the platform that the program serves.
type event struct {
	number int
	later  sync.WaitGroup
	failed bool // a goroutine of it panicked
}

type eventKey struct{}

// eventOf returns the event that a context belongs to. Without one, what is asked is done by
// whatever event runs: its number is 0.
func eventOf(ctx context.Context) *event {
	if e, ok := ctx.Value(eventKey{}).(*event); ok {
		return e
	}
	return &event{}
}

// post gives the event something, which takes it in whatever context the program runs.
func (e *event) post(what string, args ...any) {
	platform.Call("post", append([]any{e.number, what}, args...)...)
}

// guard runs a function and reports whether it returned.
func (e *event) guard(run func()) (returned bool) {
	defer func() {
		if v := recover(); v != nil {
			slog.Error("panic", "value", v, "stack", string(debug.Stack()))
			e.failed = true
		}
	}()
	run()
	return true
}

// Later runs what goes on after the answer of the event that a context belongs to. The
// platform waits for it.
func Later(ctx context.Context, run func()) {
	e := eventOf(ctx)
	e.later.Go(func() { e.guard(run) })
}

// asked is what the program asked and waits for, by number.
var asked struct {
	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
}

type reply struct {
	value js.Value
	err   error
}

// ask posts what the event of a context is to do, and waits for its reply. One callback serves
// the replies to all.
func ask(ctx context.Context, what string, args ...any) (js.Value, error) {
	answers()
	answered := make(chan reply, 1)
	asked.mu.Lock()
	asked.last++
	number := asked.last
	asked.waiting[number] = answered
	asked.mu.Unlock()
	e := eventOf(ctx)
	e.post(what, append([]any{number}, args...)...)
	select {
	case r := <-answered:
		return r.value, r.err
	case <-ctx.Done():
		asked.mu.Lock()
		delete(asked.waiting, number)
		asked.mu.Unlock()
		e.post("abort", number)
		return js.Value{}, ctx.Err()
	}
}

// answers sets the callback, once.
var answers = sync.OnceFunc(func() {
	asked.waiting = map[int]chan reply{}
	platform.Get("binding").Set("replied", js.FuncOf(func(_ js.Value, args []js.Value) any {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		number := args[0].Int()
		answered, waits := asked.waiting[number]
		if !waits {
			return nil
		}
		delete(asked.waiting, number)
		r := reply{value: args[2]}
		if failure := args[1].String(); failure != "" {
			r = reply{err: errors.New(failure)}
		}
		answered <- r
		return nil
	}))
})

// Query sends statements to the database (../d1.mjs) and returns its answer, both one text.
func Query(ctx context.Context, statements string) (string, error) {
	answer, err := ask(ctx, "query", statements)
	if err != nil {
		return "", err
	}
	return answer.String(), nil
}
