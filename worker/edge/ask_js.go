package edge

import (
	"context"
	"errors"
	"sync"
	"syscall/js"
)

// asked is what the program asked the database and waits for, by number.
var asked struct {
	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
}

type reply struct {
	text string
	err  error
}

// Ask sends statements to the database (../d1.mjs) and returns its answer, both one text.
// One callback serves the answers to all. The platform drops an answer that comes after the
// end of the event that asked, so that it wakes nothing in another one.
func Ask(ctx context.Context, statements string) (string, error) {
	answers()
	answered := make(chan reply, 1)
	asked.mu.Lock()
	asked.last++
	number := asked.last
	asked.waiting[number] = answered
	asked.mu.Unlock()
	platform.Call("ask", number, statements)
	select {
	case r := <-answered:
		return r.text, r.err
	case <-ctx.Done():
		asked.mu.Lock()
		defer asked.mu.Unlock()
		delete(asked.waiting, number)
		return "", ctx.Err()
	}
}

// answers sets the callback, once.
var answers = sync.OnceFunc(func() {
	asked.waiting = map[int]chan reply{}
	platform.Get("binding").Set("answered", js.FuncOf(func(_ js.Value, args []js.Value) any {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		number := args[0].Int()
		answered, waits := asked.waiting[number]
		if !waits {
			return nil
		}
		delete(asked.waiting, number)
		r := reply{text: args[2].String()}
		if failure := args[1].String(); failure != "" {
			r = reply{err: errors.New(failure)}
		}
		answered <- r
		return nil
	}))
})
