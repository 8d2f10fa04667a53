// @ts-check
export { createClient } from "./src/client.js";
export { TabardError } from "./src/error.js";
