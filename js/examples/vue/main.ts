// A Vue app: who is signed in, the tab's organization, its notes.
import { createClient } from "@tabard/client";
import { createTabard, TabardPartition, useOrganization, useSession, useTabard, useToken } from "@tabard/client/vue";
import { createSSRApp, defineComponent, h, shallowRef, watch } from "vue";

const tabard = createClient({ backend: "/auth" });

const Notes = defineComponent(() => {
  const organization = useOrganization();
  const getToken = useToken();
  const notes = shallowRef<string[]>([]);
  const load = async (id: string) => {
    const authorization = `Bearer ${await getToken()}`;
    const response = await fetch(`/api/organizations/${id}/notes`, { headers: { authorization } });
    const body: { notes: { text: string }[] } = await response.json();
    if (organization.value?.id === id) notes.value = body.notes.map(({ text }) => text);
  };
  watch(organization, (worn) => {
    notes.value = [];
    if (worn) load(worn.id).catch(() => {}); // the organization was left
  }, { immediate: true });
  return () => h("section", { id: "notes", "data-organization": organization.value?.slug }, [
    h("h1", organization.value?.name),
    h("ul", notes.value.map((text) => h("li", { key: text }, text))),
  ]);
});

export const App = defineComponent(() => {
  const client = useTabard();
  const session = useSession();
  const organization = useOrganization();
  return () => {
    if (session.value.status === "signed_out") return h("button", { id: "sign-in", onClick: () => client.signIn() }, "Sign in");
    return organization.value ? h(TabardPartition, () => h(Notes)) : h("p", { id: "status" }, session.value.status);
  };
});

export const app = createSSRApp(App).use(createTabard(tabard));
if (typeof document !== "undefined") app.mount("#root");
Object.assign(globalThis, { tabard });
