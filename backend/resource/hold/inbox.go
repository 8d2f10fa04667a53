package hold

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxWaiting is the most bytes of messages that wait for a handler, each with messageCost
	// more.
	maxWaiting, messageCost = 1 << 20, 64
	// unreadFor is how long a full inbox waits for the handler. What comes behind, a renewal
	// too, is not read meanwhile.
	unreadFor = 5 * time.Second
)

var errUnread = errors.New("hold: a MiB of messages waits, and the handler reads none")

type message struct {
	text bool
	body []byte
}

func (m message) size() int { return len(m.body) + messageCost }

// inbox keeps the page's messages until the handler reads them.
type inbox struct {
	came, room chan struct{} // each wakes one that waits

	mu       sync.Mutex
	messages []message
	size     int
	discards bool
}

func newInbox() *inbox { return &inbox{came: make(chan struct{}, 1), room: make(chan struct{}, 1)} }

// put adds a message, and waits for room if there is none.
func (i *inbox) put(ctx context.Context, m message) error {
	for !i.add(m) {
		late := time.NewTimer(unreadFor)
		defer late.Stop()
		select {
		case <-i.room:
		case <-late.C:
			return errUnread
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (i *inbox) add(m message) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.discards {
		return true
	}
	if len(i.messages) > 0 && i.size+m.size() > maxWaiting {
		return false
	}
	i.messages, i.size = append(i.messages, m), i.size+m.size()
	wake(i.came)
	return true
}

// get returns the next message, and false if ctx ends before it comes.
func (i *inbox) get(ctx context.Context) (message, bool) {
	for {
		if m, found := i.take(); found {
			return m, ctx.Err() == nil
		}
		select {
		case <-i.came:
		case <-ctx.Done():
			return message{}, false
		}
	}
}

func (i *inbox) take() (m message, found bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.messages) == 0 {
		return m, false
	}
	m, i.messages = i.messages[0], i.messages[1:]
	if i.size -= m.size(); len(i.messages) > 0 {
		wake(i.came) // another reader
	}
	wake(i.room)
	return m, true
}

// discard drops what waits, and all that comes from now on.
func (i *inbox) discard() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.messages, i.size, i.discards = nil, 0, true
	wake(i.room)
}

func wake(waiting chan<- struct{}) {
	select {
	case waiting <- struct{}{}:
	default: // it is awake
	}
}
