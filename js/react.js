// @ts-check
export {
  RequireOrganization, SignedIn, SignedOut, TabardPartition, TabardProvider, TabardSwitcher, useOrganization, useOrganizationFetch, usePartition, usePermission, useSession,
  useSwitchOrganization, useTabard, useToken,
} from "./src/react.js";
