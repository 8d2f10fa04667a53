package firefox

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// connection speaks WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/): commands
// with their answers. Events are not subscribed to.
type connection struct {
	socket *websocket.Conn
	mu     sync.Mutex
	last   int64
	waits  map[int64]chan<- answer
	broken error // why the connection has ended
}

type command struct {
	ID     int64  `json:"id"`
	Method string `json:"method"`
	Params any    `json:"params"`
}

type answer struct {
	ID      int64           `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// limit is the longest message that is read: a page's text, not a picture.
const limit = 8 << 20

func dial(ctx context.Context, url string) (*connection, error) {
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(limit)
	c := &connection{socket: socket, waits: map[int64]chan<- answer{}}
	go c.read()
	return c, nil
}

// read passes answers to the waiting callers until the connection breaks.
func (c *connection) read() {
	for {
		_, text, err := c.socket.Read(context.Background())
		var a answer
		if err == nil {
			err = json.Unmarshal(text, &a)
		}
		c.mu.Lock()
		if err != nil {
			c.broken = err
			for _, wait := range c.waits {
				close(wait)
			}
			c.waits = nil
			c.mu.Unlock()
			return
		}
		if wait := c.waits[a.ID]; wait != nil {
			delete(c.waits, a.ID)
			wait <- a
		}
		c.mu.Unlock()
	}
}

// call sends a command and reads its result into result, unless that is nil.
func (c *connection) call(ctx context.Context, method string, params, result any) error {
	wait := make(chan answer, 1)
	c.mu.Lock()
	if c.broken != nil {
		defer c.mu.Unlock()
		return c.broken
	}
	c.last++
	id := c.last
	c.waits[id] = wait
	c.mu.Unlock()
	text, err := json.Marshal(command{id, method, params})
	if err != nil {
		return err
	}
	if err := c.socket.Write(ctx, websocket.MessageText, text); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case a, open := <-wait:
		switch {
		case !open:
			return fmt.Errorf("%s: the browser is gone", method)
		case a.Error != "":
			return fmt.Errorf("%s: %s: %s", method, a.Error, a.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(a.Result, result)
	}
}
