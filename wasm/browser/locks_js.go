package browser

import (
	"errors"
	"time"

	"github.com/hack-pad/safejs"

	"github.com/tabard-auth/tabard/wasm/tab"
)

// Locks are the browser's Web Locks.
type Locks struct {
	manager Value
	// hold is given the release of each lock, for when the module dies.
	hold func(release Value)
}

// NewLocks returns the browser's locks; nil if it has none.
func NewLocks(hold func(release Value)) tab.Locks {
	manager := Global("navigator").Get("locks")
	if !manager.Exists() {
		return nil
	}
	return Locks{manager, hold}
}

// Take implements [tab.Locks].
func (l Locks) Take(name string, within time.Duration) (release func(), free bool, err error) {
	held, letGo, err := openPromise()
	if err != nil {
		return nil, false, err
	}
	answer := make(chan error, 3) // from the lock, the promise and the clock
	var onGrant *Func
	onGrant = FuncOf(func(args []Value) any {
		onGrant.Release()
		free = first(args).Exists()
		answer <- nil
		return held
	})
	promise, err := l.manager.Call("request", name, map[string]any{"ifAvailable": true}, onGrant)
	if err != nil {
		return nil, false, err
	}
	limit := time.AfterFunc(within, func() { answer <- errors.New("no answer about the lock") })
	defer limit.Stop()
	go func() {
		if _, err := await(promise); err != nil {
			answer <- err
		}
	}()
	release = func() { letGo.Invoke() }
	if err = <-answer; err != nil || !free {
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
