// @ts-check
import { createContext, createElement, Fragment, useCallback, useContext, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { activeOrganization, noPartition, starting, tokenFor } from "./starting.js";

/** @import { Client, Organization, SwitchResult } from "../index.js" */

const Context = createContext(/** @type {Client | undefined} */ (undefined));

/** @param {import("../react.js").TabardProviderProps} props */
export function TabardProvider({ client, children }) {
  return createElement(Context.Provider, { value: client }, children);
}

export function useTabard() {
  const client = useContext(Context);
  if (!client) throw new Error("useTabard must be used inside <TabardProvider>");
  return client;
}

export function useSession() {
  const client = useTabard();
  return useSyncExternalStore(client.subscribe, () => client.state, () => starting);
}

/** The last organization of each client. @type {WeakMap<Client, Organization | null>} */
const lastOrganizations = new WeakMap();

/** @param {Client} client */
function organizationOf(client) {
  const organization = activeOrganization(client.state, lastOrganizations.get(client) ?? null);
  lastOrganizations.set(client, organization);
  return organization;
}

export function useOrganization() {
  const client = useTabard();
  return useSyncExternalStore(client.subscribe, () => organizationOf(client), () => null);
}

export function usePartition() {
  const client = useTabard();
  return useSyncExternalStore(client.subscribe, () => client.partition, () => noPartition);
}

/** @param {import("../react.js").TabardPartitionProps} props */
export function TabardPartition({ children }) {
  const { key } = usePartition();
  return createElement(Fragment, { key }, children);
}

export function useToken() {
  const client = useTabard();
  const partition = usePartition();
  return useMemo(() => tokenFor(client, partition), [client, partition]);
}

const idle = Object.freeze({ switching: null, result: null });

export function useSwitchOrganization() {
  const client = useTabard();
  const last = useRef(0);
  const [state, setState] = useState(/** @type {{switching: string | null, result: SwitchResult | null}} */ (idle));
  const switchOrganization = useCallback(async (/** @type {string} */ organization) => {
    const number = ++last.current;
    setState({ switching: organization, result: null });
    /** @type {SwitchResult | null} */
    let result = null;
    try {
      return (result = await client.switchOrganization(organization));
    } finally {
      if (number === last.current) setState({ switching: null, result });
    }
  }, [client]);
  return useMemo(() => ({ ...state, switchOrganization }), [state, switchOrganization]);
}
