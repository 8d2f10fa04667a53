// @ts-check
export {
  createTabard, RequireOrganization, SignedIn, SignedOut, TabardPartition, TabardSwitcher, useOrganization, useOrganizationFetch, usePartition, usePermission, useSession,
  useSwitchOrganization, useTabard, useToken,
} from "./src/vue.js";
