// @ts-check
export { TabardPartition, TabardProvider, useOrganization, usePartition, useSession, useSwitchOrganization, useTabard, useToken } from "./src/react.js";
