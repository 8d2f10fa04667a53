// @ts-check
import * as React from "react";
import { createContext, createElement, Fragment, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { activeOrganization, defineSwitcher, fetchIn, hasPermission, isSignedIn, noPartition, noSwitch, proofIn, starting, switchesOf, tokenFor } from "./starting.js";

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
export function TabardPartition(props) {
  const { key } = usePartition();
  return "named" in props ? createElement(Addressed, { key, ...props }) : createElement(Fragment, { key }, props.children);
}

/** React's parts from 19.2 on. A spread, for bundlers complain of imports that an earlier React lacks. */
const { Activity, use } = /** @type {any} */ ({ ...React });

/**
 * The content of a partition at addresses that name an organization. Routers change their
 * address in a transition, and the tab changes at once, so that either may be ahead for a while.
 * What is hidden has no effects, and is not rendered: it would read the next page's data from the router. An
 * earlier React can hide no page so, and takes it off.
 * @param {import("../react.js").TabardPartitionProps} props
 */
function Addressed({ named, opening, children }) {
  const organization = useOrganization();
  const [known, know] = useState(/** @type {string | undefined} */ (undefined)); // the name by which it was entered: its slug may change
  const matches = !organization || !named || organization.slug === named || organization.id === named;
  if (matches && known !== named) know(named);
  const fits = matches || known === named;
  const kept = Activity ? createElement(Activity, { mode: fits ? "visible" : "hidden" }, createElement(Kept, { fits }, children)) : fits && children;
  return createElement(Fragment, null, fits ? null : opening, kept);
}

/** What never comes. */
const never = () => new Promise(() => {});

/**
 * Shows its children as long as they fit. Then it stays as it was: nothing, if they never did.
 * @param {{fits: boolean, children?: import("react").ReactNode}} props
 */
function Kept({ fits, children }) {
  const [shown, show] = useState(/** @type {import("react").ReactNode} */ (null));
  const [wait] = useState(never);
  if (fits && shown !== children) show(children);
  if (!fits && shown) use(wait); // React keeps what was there, and renders none of it
  return fits ? children : shown;
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

export function useOrganizationProof() {
  const client = useTabard();
  const partition = usePartition();
  return useMemo(() => proofIn(client, partition), [client, partition]);
}

export function useSwitchOrganization() {
  const client = useTabard();
  const [state, setState] = useState(noSwitch);
  const switchOrganization = useMemo(() => switchesOf(client, setState), [client]);
  return useMemo(() => ({ ...state, switchOrganization }), [state, switchOrganization]);
}

/** @param {string} permission */
export const usePermission = (permission) => hasPermission(useSession(), permission);

/** @param {import("../react.js").ChildrenProps} props */
export const SignedIn = ({ children }) => (isSignedIn(useSession()) ? createElement(Fragment, null, children) : null);

/** @param {import("../react.js").ChildrenProps} props */
export const SignedOut = ({ children }) => (useSession().status === "signed_out" ? createElement(Fragment, null, children) : null);

/** @param {import("../react.js").RequireOrganizationProps} props */
export function RequireOrganization({ fallback, permission, ...partition }) {
  const state = useSession();
  const organization = useOrganization();
  if (organization && (permission === undefined || hasPermission(state, permission))) return createElement(TabardPartition, partition);
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
