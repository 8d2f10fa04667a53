package browser

import (
	"context"
	"errors"

	"github.com/hack-pad/safejs"

	"github.com/tabard-auth/tabard/wasm/tab"
)

// Locks are the browser's Web Locks.
type Locks struct {
	manager Value
	// hold is given the release of each lock, for when the module dies.
	hold func(release Value)
}

// NewLocks returns the browser's locks, nil where it has none.
func NewLocks(hold func(release Value)) tab.Locks {
	manager := Global("navigator").Get("locks")
	if !manager.Exists() {
		return nil
	}
	return Locks{manager, hold}
}

// Take implements [tab.Locks].
func (l Locks) Take(ctx context.Context, name string) (release func(), free bool, err error) {
	held, letGo, err := openPromise()
	if err != nil {
		return nil, false, err
	}
	granted := make(chan bool, 1)
	var onGrant *Func
	onGrant = FuncOf(func(args []Value) any {
		onGrant.Release()
		granted <- first(args).Exists()
		return held
	})
	release = func() { letGo.Invoke() }
	promise, err := l.manager.Call("request", name, map[string]any{"ifAvailable": true}, onGrant)
	if err != nil {
		return nil, false, err
	}
	refused := make(chan struct{})
	go func() {
		if _, err := await(context.Background(), promise); err != nil {
			close(refused)
		}
	}()
	select {
	case free = <-granted:
	case <-refused:
		err = errors.New("the browser refused the lock")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if !free {
		release()
		return nil, false, err
	}
	l.hold(letGo)
	return release, true, nil
}

// openPromise returns a promise and the function that resolves it.
func openPromise() (promise, resolve Value, err error) {
	executor := FuncOf(func(args []Value) any {
		resolve = first(args)
		return safejs.Undefined()
	})
	defer executor.Release()
	promise, err = Global("Promise").New(executor)
	return promise, resolve, err
}
