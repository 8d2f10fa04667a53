// Command smoke is the program of the pool's tests: its routes panic, exit, hang and go
// on working after their response.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/worker/edge"
)

// served counts the requests that this instance has served.
var served int

// working reports that work goes on after its response.
var working bool

// lock is held over a request, and alarm is closed by a timer of another event.
var (
	lock  sync.Mutex
	alarm = make(chan struct{})
)

// arrived are the requests that go on together.
var (
	arrived  int
	complete = make(chan struct{})
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Expires=Thu, 01 Jan 2032 00:00:00 GMT")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("X-List", "one, two")
		w.Header().Set("X-Broken", "one\r\nX-Two: two")
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("/served", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%d %v", served, working) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	mux.HandleFunc("/fail", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) {
		go func() { panic("on purpose, where nobody recovers") }()
		select {}
	})
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { select {} })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(200 * time.Millisecond)
		fmt.Fprint(w, served)
	})
	mux.HandleFunc("/linger", func(http.ResponseWriter, *http.Request) {
		fmt.Println("lingering")
		time.Sleep(2 * time.Second)
	})
	mux.HandleFunc("/later", func(_ http.ResponseWriter, r *http.Request) {
		working = true
		edge.Later(r.Context(), func() {
			time.Sleep(100 * time.Millisecond)
			working = false
		})
	})
	mux.HandleFunc("/timer", func(http.ResponseWriter, *http.Request) {
		working = true
		time.AfterFunc(20*time.Millisecond, func() { working = false })
	})
	mux.HandleFunc("/together", together)
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		asks(w, r)
	})
	mux.HandleFunc("/held", func(http.ResponseWriter, *http.Request) {
		lock.Lock()
		defer lock.Unlock()
	})
	mux.HandleFunc("/alarm", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-alarm:
		case <-r.Context().Done():
			http.Error(w, r.Context().Err().Error(), http.StatusGatewayTimeout)
		}
	})
	mux.HandleFunc("/set", func(http.ResponseWriter, *http.Request) {
		time.AfterFunc(1500*time.Millisecond, func() { close(alarm) })
	})
	mux.HandleFunc("/background", func(_ http.ResponseWriter, r *http.Request) {
		working = true
		go func() {
			asks(httptest.NewRecorder(), r.WithContext(context.Background()))
			working = false
		}()
	})
	mux.HandleFunc("/login", asks)
	mux.HandleFunc("/logout", asks)
	mux.HandleFunc("/grow", func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 40<<20)[:1])
		_ = err
	})
	count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served++
		mux.ServeHTTP(w, r)
	})
	edge.Run(edge.Program{Handler: count, Scheduled: func(context.Context) error { return errors.New("on purpose") }})
}

// together asks as asks does, when as many requests as n says have arrived: the last one wakes
// the others.
func together(w http.ResponseWriter, r *http.Request) {
	if arrived++; fmt.Sprint(arrived) == r.URL.Query().Get("n") {
		close(complete)
	}
	<-complete
	asks(w, r)
}

// asks asks the address that the request names, as an event that asks a provider does.
func asks(w http.ResponseWriter, r *http.Request) {
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Query().Get("address"), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := edge.Transport{}.RoundTrip(ask)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	fmt.Fprintf(w, "%d", served)
	io.Copy(w, answer.Body)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "uri": r.RequestURI, "path": r.URL.Path, "host": r.Host, "address": r.RemoteAddr,
		"header": r.Header, "body": string(body), "length": r.ContentLength,
	})
}
