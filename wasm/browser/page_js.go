package browser

import "time"

// Storage is sessionStorage or localStorage. If it is blocked or full, it finds and
// keeps no items.
type Storage struct{ area Value }

// NewStorage returns the storage area of that name.
func NewStorage(name string) Storage { return Storage{Global(name)} }

// Item implements [tab.Storage].
func (s Storage) Item(key string) string {
	v, err := s.area.Call("getItem", key)
	if err != nil {
		return ""
	}
	return v.Text()
}

// SetItem implements [tab.Storage].
func (s Storage) SetItem(key, value string) bool {
	_, err := s.area.Call("setItem", key, value)
	if err != nil {
		s.area.Call("removeItem", key)
	}
	return err == nil
}

// Page is the document.
type Page struct{}

// Hidden implements [tab.Page].
func (Page) Hidden() bool { return Global("document").Get("visibilityState").Text() == "hidden" }

// Navigate implements [tab.Page].
func (Page) Navigate(url string) { Global("location").Call("assign", url) }

// Clock is Date.now and performance.now, which Go's own clocks are made of.
type Clock struct{}

// start is no field of Clock: a [time.Time] that reflection can reach brings all
// its methods into the module, 20 KB of them.
var start = time.Now()

// Wall implements [tab.Clock].
func (Clock) Wall() time.Duration { return time.Duration(time.Now().UnixNano()) }

// Monotonic implements [tab.Clock].
func (Clock) Monotonic() time.Duration { return time.Since(start) }
