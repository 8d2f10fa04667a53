// @ts-nocheck: svelte-check reads components, tsc does not.
import { hydrate, mount } from "svelte";
import App from "./App.svelte";

const target = document.getElementById("root");
if (target.hasChildNodes()) hydrate(App, { target });
else mount(App, { target });
