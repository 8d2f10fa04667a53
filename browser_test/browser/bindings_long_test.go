//go:build long

package browser

import "testing"

// TestBindings_OtherFrameworks is TestBindings_HydrateAServersPage with the other
// frameworks.
func TestBindings_OtherFrameworks(t *testing.T) {
	t.Parallel()
	t.Run("Vue", vue.hydrates)
	t.Run("Svelte", svelte.hydrates)
}

// vue and svelte are the other examples.
var (
	vue = binding{"vue/main.ts", `import { renderToString } from "vue/server-renderer"; import { app } from "./main.ts";
process.stdout.write(await renderToString(app));`}
	svelte = binding{"svelte/main.js", `import { render } from "svelte/server"; import App from "./App.svelte";
process.stdout.write(render(App).body);`}
)
