//go:build long

package browser

import "testing"

// TestBindings_OtherFrameworks is TestBindings_HydrateAServersPage with the other
// frameworks.
func TestBindings_OtherFrameworks(t *testing.T) {
	t.Parallel()
	t.Run("Vue", binding{"vue/main.ts", `import { renderToString } from "vue/server-renderer"; import { app } from "./main.ts";
process.stdout.write(await renderToString(app));`}.hydrates)
	t.Run("Svelte", binding{"svelte/main.js", `import { render } from "svelte/server"; import App from "./App.svelte";
process.stdout.write(render(App).body);`}.hydrates)
}
