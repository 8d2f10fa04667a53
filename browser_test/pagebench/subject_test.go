package pagebench

import (
	"fmt"
	"testing"
)

// subject is a page that is measured: it sets ready, and token if it gets one, to the
// milliseconds since its navigation began.
type subject struct {
	name         string
	head, script string
}

const (
	tabard = "tabard"
	hinted = "tabard-hinted" // with a preload in its head
)

// module reports when the module has started: when it hands its functions to the page's
// script.
const module = `
let handle;
Object.defineProperty(globalThis, "__tabard", {
	configurable: true,
	get: () => handle,
	set(given) {
		const { ready } = given;
		given.ready = (functions) => (globalThis.ready = performance.now(), ready(functions));
		handle = given;
	},
});
const { createClient } = await import("/auth/client/tabard.js");
globalThis.tabard = createClient({ backend: "/auth", organization: "acme" });
globalThis.first = tabard.getToken().then(() => (globalThis.token = performance.now()), () => {});
`

// libraries are other clients, as far as they start without their servers. Their
// tokens, switches and renewals need those servers and are left out.
var libraries = []struct{ name, script string }{
	{"@workos-inc/authkit-js", `import { createClient } from "@workos-inc/authkit-js"; globalThis.made = createClient;`},
	{"@auth0/auth0-spa-js", `import { Auth0Client } from "@auth0/auth0-spa-js"; globalThis.made = new Auth0Client({ domain: "x.example", clientId: "x" });`},
	{"oidc-client-ts", `import { UserManager } from "oidc-client-ts"; globalThis.made = new UserManager({ authority: "https://x.example", client_id: "x", redirect_uri: location.href });`},
	{"@frontegg/js", `import { initialize } from "@frontegg/js"; globalThis.made = initialize;`},
	{"@clerk/clerk-js", `import { Clerk } from "@clerk/clerk-js/no-rhc"; globalThis.made = new Clerk("pk_test_" + btoa("x.example$"));`},
}

// waiting is an empty Go program that goes on, as the module does. One that has ended is
// garbage.
func waiting(b *testing.B, s *site) subject {
	b.Helper()
	wasm, exec := emptyProgram(b, "func main() { select {} }")
	return subject{name: "waiting", script: fmt.Sprintf(`
		const [module] = await Promise.all([WebAssembly.compileStreaming(fetch(%q)), import(%q)]);
		globalThis.go = new Go();
		go.run(await WebAssembly.instantiate(module, go.importObject));
		globalThis.ready = performance.now();`,
		s.keep("waiting.wasm", "application/wasm", wasm), s.keep("exec.js", "text/javascript", exec))}
}

// subjects returns all subjects of the measurement; the site serves their files.
func subjects(b *testing.B, s *site) []subject {
	b.Helper()
	wasm, exec := emptyProgram(b, "func main() {}")
	wasmAddress, execAddress := s.keep("empty.wasm", "application/wasm", wasm), s.keep("exec.js", "text/javascript", exec)
	all := []subject{
		{name: "nothing", script: `globalThis.ready = performance.now();`},
		{name: "empty", script: fmt.Sprintf(`
			const [module] = await Promise.all([WebAssembly.compileStreaming(fetch(%q)), import(%q)]);
			const go = new Go();
			await go.run(await WebAssembly.instantiate(module, go.importObject));
			globalThis.ready = performance.now();`, wasmAddress, execAddress)},
		{name: tabard, script: module},
		{name: hinted, script: module, head: `<link rel=modulepreload href=/auth/client/tabard.js>`},
	}
	if !*others {
		return all
	}
	for _, l := range libraries {
		address := s.keep(fmt.Sprintf("%d.js", len(all)), "text/javascript", bundle(b, l.script+`globalThis.ready = performance.now();`))
		all = append(all, subject{name: l.name, script: fmt.Sprintf(`import(%q);`, address)})
	}
	return all
}
