// @ts-check
export { TabardProvider, useOrganization, usePartition, useSession, useSwitchOrganization, useTabard, useToken } from "./src/react.js";
