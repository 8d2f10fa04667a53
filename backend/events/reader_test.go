package events

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// counted is a feed that counts the looks at it.
type counted struct {
	Store
	mu    sync.Mutex
	looks int
	feed  secevent.Feed
	err   error
}

func (c *counted) Feed(context.Context) (secevent.Feed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	return c.feed, c.err
}

// becomes changes the feed and returns how often it was looked at before.
func (c *counted) becomes(number int64, err error) (looks int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	looks, c.looks, c.feed.Number, c.err = c.looks, 0, number, err
	return looks
}

// polls are polls of one reader of a feed whose number is 7.
type polls struct {
	feed    *counted
	reader  *Reader
	answers chan polled
}

type polled struct {
	number int64
	err    error
	after  time.Duration
}

func newPolls() *polls {
	feed := &counted{}
	feed.becomes(7, nil)
	return &polls{feed, NewReader(feed), make(chan polled, 100)}
}

// wait starts n polls and returns when they wait.
func (p *polls) wait(t *testing.T, n int) {
	for range n {
		go func() {
			began := time.Now()
			number, err := p.reader.wait(t.Context(), 7)
			p.answers <- polled{number, err, time.Since(began)}
		}()
	}
	synctest.Wait()
}

// TestReader_LooksForAllAndForNobodyInVain: however many polls wait, a replica looks at the
// feed four times a second, and not at all while none waits.
func TestReader_LooksForAllAndForNobodyInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPolls()
		time.Sleep(time.Minute)
		if looks := p.feed.becomes(7, nil); looks != 0 {
			t.Errorf("%d looks for nobody", looks)
		}
		p.wait(t, 100)
		time.Sleep(longest)
		synctest.Wait()
		for range 100 {
			if a := <-p.answers; a.err != nil || a.number != 7 || a.after != longest {
				t.Fatalf("%+v", a)
			}
		}
		if looks := p.feed.becomes(7, nil); looks > int(longest/every)+1 {
			t.Errorf("%d looks in %v for 100 polls", looks, longest)
		}
		time.Sleep(time.Minute)
		if looks := p.feed.becomes(7, nil); looks > 1 {
			t.Errorf("%d looks after all have gone", looks)
		}
	})
}

// TestReader_EndsPolls by a new event and by a failure, and ends one whose caller leaves.
func TestReader_EndsPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPolls()
		p.wait(t, 2)
		p.feed.becomes(8, nil)
		for range 2 {
			if a := <-p.answers; a.err != nil || a.number != 8 || a.after > every {
				t.Errorf("%+v", a)
			}
		}
		failed := errors.New("the database is away")
		p.feed.becomes(7, failed)
		p.wait(t, 1)
		if a := <-p.answers; !errors.Is(a.err, failed) {
			t.Errorf("%+v", a)
		}
		p.feed.becomes(7, nil)
		ctx, leave := context.WithCancel(t.Context())
		go func() { time.Sleep(every / 2); leave() }()
		if _, err := p.reader.wait(ctx, 7); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		time.Sleep(every) // the last look
	})
}

// TestReader_Bounds: beyond the most that wait, a poll is refused at once.
func TestReader_Bounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := NewReader(&counted{})
		var waiting sync.WaitGroup
		for range most {
			waiting.Go(func() { reader.wait(t.Context(), 0) })
		}
		synctest.Wait()
		if _, err := reader.wait(t.Context(), 0); err == nil {
			t.Error("one more waits")
		}
		reader.Stop()
		waiting.Wait()
		time.Sleep(every) // the last look
	})
}
