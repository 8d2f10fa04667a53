// @ts-check
import { createContext, createElement, Fragment, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { activeOrganization, defineSwitcher, fetchIn, hasPermission, isSignedIn, noPartition, noSwitch, starting, switchesOf, tokenFor } from "./starting.js";

/** @import { Client, Organization } from "../index.js" */

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

export function useOrganizationFetch() {
  const client = useTabard();
  const partition = usePartition();
  return useMemo(() => fetchIn(client, partition), [client, partition]);
}

export function useSwitchOrganization() {
  const client = useTabard();
  const [state, setState] = useState(noSwitch);
  const switchOrganization = useMemo(() => switchesOf(client, setState), [client]);
  return useMemo(() => ({ ...state, switchOrganization }), [state, switchOrganization]);
}

/** @param {string} permission */
export const usePermission = (permission) => hasPermission(useSession(), permission);

/** @param {import("../react.js").TabardPartitionProps} props */
export const SignedIn = ({ children }) => (isSignedIn(useSession()) ? createElement(Fragment, null, children) : null);

/** @param {import("../react.js").TabardPartitionProps} props */
export const SignedOut = ({ children }) => (useSession().status === "signed_out" ? createElement(Fragment, null, children) : null);

/** @param {import("../react.js").RequireOrganizationProps} props */
export function RequireOrganization({ children, fallback, permission }) {
  const state = useSession();
  const organization = useOrganization();
  if (organization && (permission === undefined || hasPermission(state, permission))) return createElement(TabardPartition, null, children);
  return createElement(Fragment, null, typeof fallback === "function" ? fallback(state) : fallback);
}

/** @param {import("../react.js").TabardSwitcherProps} props */
export function TabardSwitcher({ texts, badge, address, onSwitch, onBeforeSwitch, ...attributes }) {
  const client = useTabard();
  const ref = useRef(/** @type {any} */ (null));
  useEffect(defineSwitcher, []);
  // By a ref, because hydration sets no properties on elements.
  useEffect(() => void Object.assign(ref.current, { client, texts: texts ?? {}, badge, address }), [client, texts, badge, address]);
  useListener(ref, "tabard-switch", onSwitch);
  useListener(ref, "tabard-before-switch", onBeforeSwitch);
  return createElement("tabard-switcher", /** @type {any} */ ({ ...attributes, ref }));
}

/**
 * @param {import("react").RefObject<HTMLElement>} ref
 * @param {string} type
 * @param {((event: any) => unknown) | undefined} listener
 */
function useListener(ref, type, listener) {
  useEffect(() => {
    const element = ref.current;
    if (!listener) return;
    element.addEventListener(type, listener);
    return () => element.removeEventListener(type, listener);
  }, [ref, type, listener]);
}
