// @ts-check
import { computed, defineComponent, Fragment, h, inject, onMounted, shallowReadonly, shallowRef } from "vue";

import { activeOrganization, noPartition, starting, tokenFor } from "./starting.js";

/** @import { Client } from "../index.js" */

const key = Symbol("tabard");

/** @param {Client} client */
export function createTabard(client) {
  const state = shallowRef(starting); // what a server renders; the first component that is mounted ends it
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
