package tab

import "time"

// Env is the browser as a tab uses it.
type Env struct {
	Backend Backend
	// Session is the tab's own storage, Local the origin's.
	Session, Local Storage
	// Locks is nil if the browser has none.
	Locks Locks
	// Device is nil if the browser has no WebCrypto or no IndexedDB.
	Device  Device
	Channel Channel
	Clock   Clock
	Page    Page
	// Random returns 64 random bits.
	Random func() uint64
	// Parse reads a JSON text.
	Parse func(text string) (Value, error)
	// Join leaves the page for a silent sign-in, and comes back; see [Tab.OnNotJoined].
	Join func(loginURL string)
	// Changed is called with the state, as JSON, whenever it changes. It must return at
	// once and must not call the tab.
	Changed func(state string)
}

// Backend sends one request. It fails if no response came, and soon after stop is
// closed. Every response is a success, whatever its status.
type Backend interface {
	Do(request Request, stop <-chan struct{}) (Response, error)
}

// Request is a request to the backend. It carries the person's cookie and bypasses
// caches.
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
	Nonce  string // [api.HeaderNonce], if the response has one
	// RetryAfter is the header of that name in seconds (RFC 9110 section 10.2.3); 0 if
	// there is none, or it is a date.
	RetryAfter int64
}

// Storage keeps small items. If the browser blocks it, Item returns nothing and SetItem
// keeps nothing. (A method Get(string) string would pull that of reflect.StructTag, and
// much code with it, into the module.)
type Storage interface {
	Item(key string) string
	// SetItem reports whether the item is kept. If there is no room, it removes the old
	// item, which would be taken for the new one.
	SetItem(key, value string) (kept bool)
}

// Locks takes names that only one page of the browser can hold.
type Locks interface {
	// Take takes a name unless another page holds it. It fails if the browser does not
	// answer in time.
	Take(name string, within time.Duration) (release func(), free bool, err error)
}

// Device keeps this browser's key for the backend. The key cannot be exported.
type Device interface {
	// Key returns the key of a name; all tabs of the origin have the same one. The key
	// without a name is made at its first use, and so is one whose name begins with "+".
	// A person without a key has the one without a name. Key fails if the browser does not
	// answer in time.
	Key(name string) (Key, error)
	// Rename gives a key another name, in place of the key that has it. A key without a name,
	// or of a person, keeps its own too.
	Rename(from, to string) error
	// Forget removes the named keys for whose names it is called and returns true.
	Forget(stale func(name string) bool) error
	// Digest returns the SHA-256 of a text.
	Digest(text string) ([]byte, error)
}

// Key is a P-256 key (RFC 7518 section 6.2).
type Key interface {
	// JWK returns the public key in the form of its thumbprint (RFC 7638 section 3).
	JWK() string
	// Sign signs a text (ES256, RFC 7518 section 3.4).
	Sign(text string) ([]byte, error)
}

// Channel reaches the other tabs of the origin. Their messages arrive through
// [Tab.OnMessage].
type Channel interface {
	Send(message string)
}

// Clock has the browser's two clocks.
type Clock interface {
	// Wall returns the time of day since the Unix epoch. A person can change it.
	Wall() time.Duration
	// Monotonic never goes back, and may stand still while the computer sleeps.
	Monotonic() time.Duration
}

// Page is the document that the tab shows.
type Page interface {
	Hidden() bool
	Navigate(url string)
}

// Value is a parsed JSON value. A method that does not fit the value's type returns its
// zero value.
type Value interface {
	// Member returns a member of an object; nil if it is absent or null.
	Member(name string) Value
	Elements() []Value
	Text() string
	Number() float64
	Bool() bool
}
