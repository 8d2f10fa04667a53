// A page whose client has the options that a test gives.
import { createClient } from "@tabard/client";

const given = globalThis as { options?: Parameters<typeof createClient>[0] };
const tabard = createClient(given.options);
const signIn = Object.assign(document.createElement("button"), { id: "sign-in", textContent: "Sign in" });
signIn.addEventListener("click", () => tabard.signIn());
document.body.append(signIn);
Object.assign(globalThis, { tabard });
