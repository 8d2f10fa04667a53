// @ts-check
export {
  createTabard, RequireOrganization, SignedIn, SignedOut, TabardPartition, TabardSwitcher, useOrganization, useOrganizationFetch, useOrganizationProof, usePartition, usePermission,
  useSession, useSwitchOrganization, useTabard, useToken,
} from "./src/vue.js";
