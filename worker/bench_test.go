//go:build !js

package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// BenchmarkWorker measures requests from outside workerd, whose clock stands still
// during execution. CPU is that of the whole process. The costs of the platform's
// response and of its read of D1, which runs in the same process, have rows of their
// own. The isolate's share, which Cloudflare counts, is sampled.
func BenchmarkWorker(b *testing.B) {
	port, inspector := ports.Hold(b), ports.Hold(b)
	origin := fmt.Sprintf("http://localhost:%d", port)
	target := contract.Target{PublicURL: origin + "/auth", Origin: origin}
	issuer := contract.Provider(b, target.PublicURL, origin)
	process := workerd.Start(b, workerd.Options{
		Port: port, Inspector: inspector, Entry: "bench/entry.mjs",
		Variables: workerd.Variables(target.PublicURL, issuer, contract.ClientID, contract.ClientSecret),
		Desired:   contract.Desired(issuer, origin),
	})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

	get := func(path string) func() *http.Request {
		return func() *http.Request { return request(b, http.MethodGet, origin+path, "") }
	}
	isolate := workerd.Inspect(b, inspector)
	coldStart(b, process, client, get("/auth/healthz")())
	device := httpbrowser.NewDevice(b)
	plain, bound := httpbrowser.New(b, origin, target.PublicURL), httpbrowser.New(b, origin, target.PublicURL).On(device)
	plain.SignIn("alice")
	bound.SignIn("alice")
	of := func(browser *httpbrowser.Browser, method, path, body string) func() *http.Request {
		return func() *http.Request {
			r := request(b, method, target.PublicURL+path, body)
			for name, value := range browser.Cookies() {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set(api.HeaderClient, "bench")
			return r
		}
	}
	mint := of(plain, http.MethodPost, api.PathToken, `{"organization":"acme","enter":true}`)
	boundMint := func() *http.Request {
		r := of(bound, http.MethodPost, api.PathToken, `{"organization":"acme","enter":true}`)()
		r.Header.Set(api.HeaderProof, device.Proof(b, r.Method, r.URL.String(), time.Now()))
		return r
	}
	for _, callers := range []int{1, 10} {
		for _, what := range []struct {
			name    string
			request func() *http.Request
		}{
			{"platform", get("/platform")}, {"read", get("/read")}, {"hello", get("/auth/healthz")},
			{"session", of(plain, http.MethodGet, api.PathSession, "")}, {"mint", mint}, {"mint with a device key", boundMint},
		} {
			b.Run(fmt.Sprintf("%s/callers=%d", what.name, callers), func(b *testing.B) {
				measure(b, process, isolate, client, callers, what.request)
			})
		}
	}
	for name, next := range map[string]func() *http.Request{"read": get("/read"), "hello": get("/auth/healthz"), "mint": mint} {
		b.Run("memory/"+name, func(b *testing.B) { benchmarkMemory(b, process, isolate, client, next, get("/memory")) })
	}
}

// benchmarkMemory reports the isolate's memory before b.N requests and after, including
// that of its programs, and the resident memory of the process.
func benchmarkMemory(b *testing.B, process *workerd.Process, inspector *workerd.Inspector, client *http.Client, next, memory func() *http.Request) {
	for _, when := range []string{"before", "after"} {
		var programs float64
		heap := inspector.Heap(b, func() { programs = number(b, fetch(b, client, memory())) / 1e6 })
		b.ReportMetric(heap+programs, "isolate-MB-"+when)
		b.ReportMetric(process.Memory(b), "process-MB-"+when)
		if when == "before" {
			for range b.N {
				fetch(b, client, next())
			}
		}
	}
}

func number(b *testing.B, text string) float64 {
	b.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// coldStart reports the cost of the first request, which starts the program.
func coldStart(b *testing.B, process *workerd.Process, client *http.Client, first *http.Request) {
	cpu, began := process.CPU(b), time.Now()
	fetch(b, client, first)
	took := time.Since(began)
	cpu = process.CPU(b) - cpu
	b.Run("cold", func(b *testing.B) {
		b.ReportMetric(milliseconds(cpu), "cpu-ms/op")
		b.ReportMetric(milliseconds(took), "p50-ms")
	})
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// BenchmarkSize reports the size of the upload.
func BenchmarkSize(b *testing.B) {
	workerd.Must(b, workerd.Build())
	program, err := os.ReadFile(filepath.Join(workerd.Folder(), "build", "tabard.wasm"))
	if err != nil {
		b.Fatal(err)
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	w.Write(program)
	w.Close()
	b.ReportMetric(float64(len(program)), "B-raw")
	b.ReportMetric(float64(packed.Len()), "B-gzip")
}

func request(b *testing.B, method, address, body string) *http.Request {
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func fetch(b *testing.B, client *http.Client, r *http.Request) string {
	response, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Errorf("%s: %d %s %v", r.URL.Path, response.StatusCode, body, err)
	}
	return string(body)
}

// measure sends b.N requests from several callers at once, and as many again for
// the samples, which cost time.
func measure(b *testing.B, process *workerd.Process, isolate *workerd.Inspector, client *http.Client, callers int, next func() *http.Request) {
	cpu := process.CPU(b)
	one := func() { fetch(b, client, next()) }
	took := send(b, callers, one)
	cpu = process.CPU(b) - cpu
	slices.Sort(took)
	b.ReportMetric(milliseconds(cpu)/float64(b.N), "cpu-ms/op")
	b.ReportMetric(milliseconds(took[b.N/2]), "p50-ms")
	b.ReportMetric(milliseconds(took[b.N*99/100]), "p99-ms")
	worked := isolate.Profile(b)
	send(b, callers, one)
	b.ReportMetric(milliseconds(worked())/float64(b.N), "isolate-ms/op")
}

// send sends b.N requests from several callers and returns how long each took.
func send(b *testing.B, callers int, one func()) []time.Duration {
	var (
		took  = make([]time.Duration, b.N)
		taken atomic.Int64
		done  sync.WaitGroup
	)
	for range callers {
		done.Go(func() {
			for i := taken.Add(1) - 1; i < int64(b.N); i = taken.Add(1) - 1 {
				began := time.Now()
				one()
				took[i] = time.Since(began)
			}
		})
	}
	done.Wait()
	return took
}
