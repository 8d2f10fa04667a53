package workerd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// Inspector looks into the Worker's own isolate, apart from the platform's and
// from D1's, over the protocol of Chrome's developer tools.
type Inspector struct {
	connection net.Conn
	last       int // the number of the call that was sent last
}

// Inspect connects to the isolate of a Worker that runs with Options.Inspector.
func Inspect(t testing.TB, port int) *Inspector {
	t.Helper()
	connection, _, _, err := ws.Dial(context.Background(), isolateURL(t, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return &Inspector{connection: connection}
}

// isolateURL returns the address of the isolate's inspector.
func isolateURL(t testing.TB, port int) string {
	t.Helper()
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/json", port))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var targets []struct {
		ID      string `json:"id"`
		Address string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(response.Body).Decode(&targets); err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if strings.HasPrefix(target.ID, "core:user:") {
			return target.Address
		}
	}
	t.Fatalf("the Worker is none of %v", targets)
	return ""
}

func (i *Inspector) call(t testing.TB, method string, parameters map[string]any, result any) {
	t.Helper()
	i.send(t, method, parameters)
	i.receive(t, method, result)
}

func (i *Inspector) send(t testing.TB, method string, parameters map[string]any) {
	t.Helper()
	i.last++
	text, err := json.Marshal(map[string]any{"id": i.last, "method": method, "params": parameters})
	if err == nil {
		err = wsutil.WriteClientText(i.connection, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// receive reads the result of the last message; nil ignores it.
func (i *Inspector) receive(t testing.TB, method string, result any) {
	t.Helper()
	for {
		var answer struct {
			ID            int // 0 for an event
			Error, Result json.RawMessage
		}
		text, err := wsutil.ReadServerText(i.connection)
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		if err == nil && answer.ID != i.last {
			continue
		}
		if err == nil && result != nil {
			err = json.Unmarshal(answer.Result, result)
		}
		if err != nil || answer.Error != nil {
			t.Fatalf("%s: %s %v", method, answer.Error, err)
		}
		return
	}
}

// Heap returns the size of the isolate's heap after a garbage collection, in megabytes:
// objects and buffers, without WebAssembly memories. The isolate collects when it next
// serves a request; request sends one.
func (i *Inspector) Heap(t testing.TB, request func()) float64 {
	t.Helper()
	collected := make(chan struct{})
	i.send(t, "HeapProfiler.collectGarbage", nil)
	go func() {
		defer close(collected)
		i.receive(t, "HeapProfiler.collectGarbage", nil)
	}()
	for waiting := true; waiting; {
		request()
		select {
		case <-collected:
			waiting = false
		default:
		}
	}
	var use struct{ UsedSize, EmbedderHeapUsedSize, BackingStorageSize float64 }
	i.call(t, "Runtime.getHeapUsage", nil, &use)
	return (use.UsedSize + use.EmbedderHeapUsedSize + use.BackingStorageSize) / 1e6
}

// Profile samples the isolate until the returned function is called, which returns the
// time that the isolate was busy. That is a little more than its CPU time, because of
// the sampling and of waiting for a core.
func (i *Inspector) Profile(t testing.TB) (busy func() time.Duration) {
	t.Helper()
	i.call(t, "Profiler.enable", nil, nil)
	i.call(t, "Profiler.setSamplingInterval", map[string]any{"interval": 100}, nil)
	i.call(t, "Profiler.start", nil, nil)
	return func() time.Duration {
		var answer struct{ Profile profile }
		i.call(t, "Profiler.stop", nil, &answer)
		return answer.Profile.busy()
	}
}

// profile is Profiler.Profile of the protocol.
type profile struct {
	Nodes []struct {
		ID        int
		CallFrame struct{ FunctionName string }
	}
	Samples    []int   // the node that ran, by sample
	TimeDeltas []int64 // microseconds before each sample
}

// busy omits the nodes that V8 names idle, and the program around the isolate.
func (p profile) busy() time.Duration {
	outside := map[int]bool{}
	for _, node := range p.Nodes {
		outside[node.ID] = node.CallFrame.FunctionName == "(idle)" || node.CallFrame.FunctionName == "(program)"
	}
	var sum int64
	for n, id := range p.Samples {
		if !outside[id] {
			sum += p.TimeDeltas[n]
		}
	}
	return time.Duration(sum) * time.Microsecond
}
