// Package coderws upgrades requests for package hold by github.com/coder/websocket.
package coderws

import (
	"context"
	"net/http"

	"github.com/coder/websocket"

	"github.com/tabard-auth/tabard/backend/resource/hold"
)

// Upgrade is a [hold.Upgrade].
func Upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) (hold.Connection, error) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // the holder has its own list of origins
	})
	if err != nil {
		return nil, err
	}
	return connection{c}, nil
}

type connection struct{ *websocket.Conn }

func (c connection) Read(ctx context.Context) (bool, []byte, error) {
	// A canceled context would end the connection without a close frame.
	kind, body, err := c.Conn.Read(context.WithoutCancel(ctx))
	return kind == websocket.MessageText, body, err
}

func (c connection) Write(ctx context.Context, text bool, body []byte) error {
	kind := websocket.MessageBinary
	if text {
		kind = websocket.MessageText
	}
	return c.Conn.Write(context.WithoutCancel(ctx), kind, body)
}

func (c connection) Close(code int, reason string) error {
	return c.Conn.Close(websocket.StatusCode(code), reason)
}
