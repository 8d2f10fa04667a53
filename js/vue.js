// @ts-check
export { createTabard, TabardPartition, useOrganization, usePartition, useSession, useTabard, useToken } from "./src/vue.js";
