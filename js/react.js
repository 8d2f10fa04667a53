// @ts-check
export {
  RequireOrganization, SignedIn, SignedOut, TabardPartition, TabardProvider, TabardSwitcher, useOrganization, useOrganizationFetch, useOrganizationProof, usePartition, usePermission, useSession,
  useSwitchOrganization, useTabard, useToken,
} from "./src/react.js";
