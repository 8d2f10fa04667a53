// @ts-check
export { createTabard, useOrganization, useSession, useTabard, useToken } from "./src/vue.js";
