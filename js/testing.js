// @ts-check
export { createFakeClient } from "./src/testing/fake.js";
