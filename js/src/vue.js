// @ts-check
import { computed, defineComponent, Fragment, h, inject, onMounted, shallowReadonly, shallowRef, watchPostEffect } from "vue";

import { activeOrganization, defineSwitcher, fetchIn, hasPermission, isSignedIn, noPartition, noSwitch, proofIn, starting, switchesOf, tokenFor } from "./starting.js";

/** @import { Client } from "../index.js" */
/** @import { TabardSwitcher as Switcher } from "../switcher.js" */

const key = Symbol("tabard");

/** @param {Client} client */
export function createTabard(client) {
  const state = shallowRef(starting); // as a server renders it; the first component that is mounted ends it
  let live = false;
  const begin = () => {
    if (live) return;
    live = true;
    state.value = client.state;
    client.subscribe((changed) => (state.value = changed));
  };
  return {
    /** @param {import("vue").App} app */
    install: (app) => void app.provide(key, { client, state: shallowReadonly(state), begin }),
  };
}

/** @returns {{client: Client, state: import("vue").ShallowRef<import("../index.js").State>, begin(): void}} */
function provided() {
  const tabard = inject(key, undefined);
  if (!tabard) throw new Error("the app must use createTabard(client)");
  return tabard;
}

export const useTabard = () => provided().client;

export function useSession() {
  const { state, begin } = provided();
  onMounted(begin);
  return state;
}

export function useOrganization() {
  const state = useSession();
  /** @type {import("../index.js").Organization | null} */
  let before = null;
  return computed(() => (before = activeOrganization(state.value, before)));
}

export function usePartition() {
  const { client } = provided();
  const state = useSession();
  return computed(() => (state.value === starting ? noPartition : client.partition));
}

/** Mounts its slot anew for each partition. See vue.d.ts. */
export const TabardPartition = defineComponent((_, { slots }) => {
  const partition = usePartition();
  return () => h(Fragment, { key: partition.value.key }, slots.default?.());
});

export function useToken() {
  const { client } = provided();
  return () => tokenFor(client, client.partition)();
}

export function useOrganizationFetch() {
  const { client } = provided();
  return fetchIn(client, client.partition);
}

export function useOrganizationProof() {
  const { client } = provided();
  return proofIn(client, client.partition);
}

/** @param {string} permission */
export function usePermission(permission) {
  const state = useSession();
  return computed(() => hasPermission(state.value, permission));
}

export function useSwitchOrganization() {
  const state = shallowRef(noSwitch);
  return {
    switchOrganization: switchesOf(provided().client, (switching) => (state.value = switching)),
    switching: computed(() => state.value.switching),
    result: computed(() => state.value.result),
  };
}

/** Shows its slot where a state says so. */
const where = (/** @type {(state: import("../index.js").State) => boolean} */ shows) => defineComponent((_, { slots }) => {
  const state = useSession();
  return () => (shows(state.value) ? slots.default?.() : undefined);
});

export const SignedIn = where(isSignedIn);

export const SignedOut = where(({ status }) => status === "signed_out");

export const RequireOrganization = defineComponent({
  props: { permission: String },
  setup(props, { slots }) {
    const state = useSession();
    return () => {
      const shown = activeOrganization(state.value, null) && (props.permission === undefined || hasPermission(state.value, props.permission));
      return shown ? h(TabardPartition, null, slots) : slots.fallback?.(state.value);
    };
  },
});

export const TabardSwitcher = defineComponent({
  props: {
    texts: /** @type {import("vue").PropType<Switcher["texts"]>} */ (Object),
    badge: /** @type {import("vue").PropType<NonNullable<Switcher["badge"]>>} */ (Function),
    address: /** @type {import("vue").PropType<NonNullable<Switcher["address"]>>} */ (Function),
  },
  emits: ["switch", "before-switch"],
  setup(props, { emit }) {
    const { client } = provided();
    const element = shallowRef(/** @type {any} */ (null));
    onMounted(defineSwitcher);
    watchPostEffect(() => {
      const { texts = {}, badge, address } = props;
      if (element.value) Object.assign(element.value, { client, texts, badge, address });
    });
    return () => h("tabard-switcher", {
      ref: element,
      "onTabard-switch": (/** @type {Event} */ event) => emit("switch", event),
      "onTabard-before-switch": (/** @type {Event} */ event) => emit("before-switch", event),
    });
  },
});
