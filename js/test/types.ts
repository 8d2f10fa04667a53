// Read by tsc only: the declarations match the exports, and are pleasant to use.
import * as declared from "../index.js";
import { createClient as made } from "../src/client.js";
import { TabardError as thrown } from "../src/error.js";
import * as react from "../react.js";
import * as routes from "../routes.js";
import * as svelte from "../svelte.js";
import type { RequireOrganization } from "../svelte/index.js";
import * as switcher from "../switcher.js";
import * as testing from "../testing.js";
import * as vue from "../vue.js";
import * as reactCode from "../src/react.js";
import * as routesCode from "../src/routes/follow.js";
import * as svelteCode from "../src/svelte.js";
import * as switcherCode from "../src/switcher/element.js";
import * as testingCode from "../src/testing/fake.js";
import * as vueCode from "../src/vue.js";

export const createClient: typeof declared.createClient = made;
export const TabardError: typeof declared.TabardError = thrown;
export const entries: [typeof react, typeof routes, typeof svelte, typeof switcher, typeof testing, typeof vue] =
  [reactCode, routesCode, svelteCode, switcherCode, testingCode, vueCode];

export async function page(): Promise<string> {
  const tabard = declared.createClient({ backend: "/auth", apis: ["https://api.example"] });
  tabard.subscribe(({ status, organization }) => console.log(status, organization?.name));
  try {
    const result = await tabard.switchOrganization("globex");
    switch (result.status) {
      case "switched":
        return result.organization.name;
      case "step_up_required":
        await result.continue({ returnTo: "/" });
        return result.code;
      default:
        return `${result.status} ${result.code}`;
    }
  } catch (error) {
    if (error instanceof declared.TabardError && error.action === "sign_in") await tabard.signIn();
    const reason: declared.Ending | undefined = error instanceof declared.TabardError ? error.reason : undefined;
    console.log(reason === "idle");
    // @ts-expect-error: the state cannot be written
    tabard.state.status = "active";
    // @ts-expect-error: scopes are a closed list
    await tabard.signOut({ scope: "tenant" });
    return (await tabard.inOrganization("acme").fetch("/api", { signal: tabard.partition.signal })).statusText;
  }
}

/** The properties of Svelte's component, which tsc cannot read from it. */
export const required: Parameters<typeof RequireOrganization>[1] = { client: declared.createClient(), permission: "notes:write" };
