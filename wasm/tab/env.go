package tab

import "time"

// World is what a tab needs of the browser.
type Env struct {
	Backend Backend
	// Session is the tab's own storage, Local the one that all tabs share.
	Session, Local Storage
	// Locks is nil where the browser has none.
	Locks Locks
	// Device is nil where the browser has no WebCrypto or no IndexedDB.
	Device  Device
	Channel Channel
	Clock   Clock
	Page    Page
	// Random returns 64 random bits.
	Random func() uint64
	// Parse reads a JSON text.
	Parse func(text string) (Value, error)
	// Changed is told the state, as JSON, whenever it changes. It must return
	// at once and must not call the tab.
	Changed func(state string)
}

// Backend sends one request. It fails when no answer came, and soon after stop
// is closed; every answer, whatever its status, is a success.
type Backend interface {
	Do(request Request, stop <-chan struct{}) (Response, error)
}

// Request is a request to the backend, sent with the person's cookie, past
// every cache.
type Request struct {
	Method  string
	URL     string
	Headers [][2]string
	Body    string // empty for none
}

// Response is the backend's answer.
type Response struct {
	Status int
	Body   string
	Nonce  string // [api.HeaderNonce], if the answer has one
	// RetryAfter is the header of that name in seconds (RFC 9110 section 10.2.3), 0
	// where there is none, or a date.
	RetryAfter int64
}

// Storage keeps small items. Where the browser blocks it, Item finds nothing and
// SetItem keeps nothing. (A method Get(string) string would bring that of
// reflect.StructTag into the module, and much with it.)
type Storage interface {
	Item(key string) string
	// SetItem tells whether the item is kept. Where there is no room for it, none is:
	// the one before would be taken for it.
	SetItem(key, value string) (kept bool)
}

// Locks hands out names that one page of the browser can hold.
type Locks interface {
	// Take takes a name unless another page holds it. It fails when the
	// browser gives no answer within a time.
	Take(name string, within time.Duration) (release func(), free bool, err error)
}

// Device keeps this browser's key for the backend, with which no one can walk away.
type Device interface {
	// Key returns the key, made at the first use: all tabs of the origin have the
	// same. It fails when the browser gives no answer within a time.
	Key() (Key, error)
	// Digest is the SHA-256 of a text.
	Digest(text string) ([]byte, error)
}

// Key is a P-256 key (RFC 7518 section 6.2).
type Key interface {
	// JWK is the public key as its thumbprint is taken of it (RFC 7638 section 3).
	JWK() string
	// Sign signs a text (ES256, RFC 7518 section 3.4).
	Sign(text string) ([]byte, error)
}

// Channel reaches the other tabs of the origin. What they send comes in through
// [Tab.Hear].
type Channel interface {
	Send(message string)
}

// Clock is the browser's two clocks.
type Clock interface {
	// Wall is the time of day, since the Unix epoch. People change it.
	Wall() time.Duration
	// Monotonic never goes back, and may stand still while the computer sleeps.
	Monotonic() time.Duration
}

// Page is the document that the tab shows.
type Page interface {
	Hidden() bool
	Navigate(url string)
}

// Value is a parsed JSON value. A method that does not fit the value's type
// returns that method's zero.
type Value interface {
	// Member returns a member of an object, nil where there is none or it is null.
	Member(name string) Value
	Elements() []Value
	Text() string
	Number() float64
	Bool() bool
}
