package browser

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/hack-pad/safejs"

	"github.com/tabard-auth/tabard/wasm/tab"
)

// Device keeps a P-256 key of WebCrypto that cannot be exported, in IndexedDB.
type Device struct {
	subtle, databases Value
	name              string
}

const (
	database  = "tabard"
	keyStore  = "keys"
	keysReady = 3 * time.Second // for an answer about the key
)

// NewDevice returns the device for the key of a name; nil if the browser has no
// WebCrypto (as outside of secure contexts) or no IndexedDB.
func NewDevice(name string) tab.Device {
	d := Device{subtle: Global("crypto").Get("subtle"), databases: Global("indexedDB"), name: name}
	if !d.subtle.Exists() || !d.databases.Exists() {
		return nil
	}
	return d
}

// Key implements [tab.Device].
func (d Device) Key(name string) (tab.Key, error) {
	var found key
	answer := make(chan error, 2) // from the browser and the clock
	limit := time.AfterFunc(keysReady, func() { answer <- errors.New("no answer about the device key") })
	defer limit.Stop()
	go func() {
		k, err := d.key(name)
		if err == nil {
			found = k
		}
		answer <- err
	}()
	if err := <-answer; err != nil {
		return nil, err
	}
	return found, nil
}

// item is the name of the record of a key.
func (d Device) item(name string) string {
	if name == "" {
		return d.name
	}
	return d.name + ":" + name
}

// Rename implements [tab.Device].
func (d Device) Rename(from, to string) error {
	db, err := d.open()
	if err != nil {
		return err
	}
	defer db.Call("close")
	pair, err := d.request(db, "readonly", "get", d.item(from))
	if err == nil && !isPair(pair) { // a person without one has that without a name
		pair, err = d.request(db, "readonly", "get", d.name)
	}
	if err == nil && isPair(pair) {
		_, err = d.request(db, "readwrite", "put", pair, d.item(to))
	}
	if err == nil && strings.HasPrefix(from, "+") {
		_, err = d.request(db, "readwrite", "delete", d.item(from))
	}
	return err
}

// Forget implements [tab.Device].
func (d Device) Forget(stale func(name string) bool) error {
	db, err := d.open()
	if err != nil {
		return err
	}
	defer db.Call("close")
	items, err := d.request(db, "readonly", "getAllKeys")
	if err != nil {
		return err
	}
	for i := range int(items.Get("length").Number()) {
		item := items.Get(strconv.Itoa(i)).Text()
		if name, named := strings.CutPrefix(item, d.name+":"); named && name != "" && stale(name) {
			d.request(db, "readwrite", "delete", item)
		}
	}
	return nil
}

// key reads the key of a name, or makes it. A person without one has that without a name. If
// several tabs make one at once, the first wins: add does not overwrite, and all tabs read
// again.
func (d Device) key(name string) (key, error) {
	own := d
	own.name = d.item(name)
	db, err := d.open()
	if err != nil {
		return key{}, err
	}
	defer db.Call("close")
	pair, err := d.request(db, "readonly", "get", own.name)
	if err == nil && !isPair(pair) {
		if name != "" && name[0] != '+' { // a person's
			return d.key("")
		}
		pair, err = own.replace(db, pair)
	}
	switch {
	case err != nil:
		return key{}, err
	case !isPair(pair):
		return key{}, errors.New("the browser keeps no device key")
	}
	return d.describe(pair)
}

// replace makes a key if there is none, or a value that is no key pair.
func (d Device) replace(db, found Value) (Value, error) {
	pair, err := d.generate()
	if err != nil {
		return Value{}, err
	}
	if found.Exists() {
		d.request(db, "readwrite", "delete", d.name)
	}
	d.request(db, "readwrite", "add", pair, d.name) // fails where another was first
	return d.request(db, "readonly", "get", d.name)
}

// isPair reports whether a value is a key pair of the kind that generate makes.
func isPair(v Value) bool {
	half := func(name string) bool {
		key := v.Get(name + "Key")
		algorithm := key.Get("algorithm")
		return key.Get("type").Text() == name && algorithm.Get("name").Text() == "ECDSA" && algorithm.Get("namedCurve").Text() == "P-256"
	}
	return half("public") && half("private")
}

func (d Device) open() (Value, error) {
	request, err := d.databases.Call("open", database, 1)
	if err != nil {
		return Value{}, err
	}
	create := FuncOf(func([]Value) any {
		request.Get("result").Call("createObjectStore", keyStore)
		return nil
	})
	defer create.Release()
	request.Call("addEventListener", "upgradeneeded", create)
	return result(request)
}

// request makes one request of the store, in a transaction of its own.
func (d Device) request(db Value, mode, method string, args ...any) (Value, error) {
	transaction, err := db.Call("transaction", keyStore, mode)
	if err != nil {
		return Value{}, err
	}
	store, err := transaction.Call("objectStore", keyStore)
	if err != nil {
		return Value{}, err
	}
	request, err := store.Call(method, args...)
	if err != nil {
		return Value{}, err
	}
	return result(request)
}

// result waits for the result of a request of IndexedDB's.
func result(request Value) (Value, error) {
	done := make(chan bool, 1)
	onSuccess := FuncOf(func([]Value) any { done <- true; return nil })
	defer onSuccess.Release()
	onError := FuncOf(func([]Value) any { done <- false; return nil })
	defer onError.Release()
	request.Call("addEventListener", "success", onSuccess)
	request.Call("addEventListener", "error", onError)
	if !<-done {
		return Value{}, errors.New("IndexedDB: " + request.Get("error").Get("name").Text())
	}
	return request.Get("result"), nil
}

func (d Device) generate() (Value, error) {
	return d.subtleCall("generateKey", map[string]any{"name": "ECDSA", "namedCurve": "P-256"}, false, []any{"sign", "verify"})
}

// describe reads the public half of a pair.
func (d Device) describe(pair Value) (key, error) {
	jwk, err := d.subtleCall("exportKey", "jwk", pair.Get("publicKey"))
	if err != nil {
		return key{}, err
	}
	x, y := jwk.Get("x").Text(), jwk.Get("y").Text()
	return key{Device: d, private: pair.Get("privateKey"), jwk: `{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`}, nil
}

func (d Device) subtleCall(method string, args ...any) (Value, error) {
	promise, err := d.subtle.Call(method, args...)
	if err != nil {
		return Value{}, err
	}
	return await(promise)
}

// Digest implements [tab.Device].
func (d Device) Digest(text string) ([]byte, error) {
	data, err := encoded(text)
	if err != nil {
		return nil, err
	}
	return content(d.subtleCall("digest", "SHA-256", data))
}

// key implements [tab.Key].
type key struct {
	Device
	private Value
	jwk     string
}

func (k key) JWK() string { return k.jwk }

func (k key) Sign(text string) ([]byte, error) {
	data, err := encoded(text)
	if err != nil {
		return nil, err
	}
	return content(k.subtleCall("sign", map[string]any{"name": "ECDSA", "hash": "SHA-256"}, k.private, data))
}

// encoded is a text as UTF-8, in a Uint8Array.
func encoded(text string) (Value, error) {
	encoder, err := Global("TextEncoder").New()
	if err != nil {
		return Value{}, err
	}
	return encoder.Call("encode", text)
}

// content returns the bytes of an ArrayBuffer.
func content(buffer Value, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	view, err := Global("Uint8Array").New(buffer)
	if err != nil {
		return nil, err
	}
	b := make([]byte, int(view.Get("length").Number()))
	_, err = safejs.CopyBytesToGo(b, view.js)
	return b, err
}
