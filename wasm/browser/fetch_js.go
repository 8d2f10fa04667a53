package browser

import (
	"github.com/hack-pad/safejs"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// Backend sends requests with the browser's fetch.
type Backend struct{}

// Do implements [tab.Backend]. It sends the cookies, bypasses caches and follows no
// redirect: the backend sends none here, but a captive portal does.
func (Backend) Do(request tab.Request, stop <-chan struct{}) (tab.Response, error) {
	controller, err := Global("AbortController").New()
	if err != nil {
		return tab.Response{}, err
	}
	go func() {
		<-stop
		controller.Call("abort")
	}()
	promise, err := Value{safejs.Global()}.Call("fetch", request.URL, options(request, controller.Get("signal")))
	if err != nil {
		return tab.Response{}, err
	}
	response, err := await(promise)
	if err != nil {
		return tab.Response{}, err
	}
	return read(response)
}

func options(request tab.Request, signal Value) map[string]any {
	headers := map[string]any{}
	for _, h := range request.Headers {
		headers[h[0]] = h[1]
	}
	init := map[string]any{
		"method": request.Method, "headers": headers, "signal": signal.js,
		"credentials": "include", "cache": "no-store", "redirect": "error",
	}
	if request.Body != "" {
		init["body"] = request.Body
	}
	return init
}

func read(response Value) (tab.Response, error) {
	promise, err := response.Call("text")
	if err != nil {
		return tab.Response{}, err
	}
	body, err := await(promise)
	if err != nil {
		return tab.Response{}, err
	}
	return tab.Response{
		Status:     int(response.Get("status").Number()),
		Body:       body.Text(),
		Nonce:      header(response, api.HeaderNonce).Text(),
		RetryAfter: seconds(header(response, "Retry-After")),
	}, nil
}

// header returns a header of a response; null if it has none or the page may not see
// it.
func header(response Value, name string) Value {
	v, _ := response.Get("headers").Call("get", name)
	return v
}

// seconds reads a text of digits.
func seconds(text Value) int64 {
	if n, err := Global("Number").Invoke(text); err == nil && n.Number() > 0 {
		return int64(n.Number())
	}
	return 0
}
