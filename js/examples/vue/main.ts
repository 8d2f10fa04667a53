// A Vue app: who is signed in, the tab's organization, its notes.
import { createClient } from "@tabard/client";
import { createTabard, RequireOrganization, SignedIn, SignedOut, TabardSwitcher, useOrganization, usePermission, useSession, useSwitchOrganization, useTabard, useToken } from "@tabard/client/vue";
import { createSSRApp, defineComponent, h, shallowRef, watch } from "vue";

const tabard = createClient({ backend: "/auth" });

const Notes = defineComponent(() => {
  const organization = useOrganization();
  const getToken = useToken();
  const mayWrite = usePermission("notes:write");
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
    h("p", { id: "may" }, mayWrite.value ? "You may write notes." : "You may read notes."),
    h("ul", notes.value.map((text) => h("li", { key: text }, text))),
  ]);
});

const Page = defineComponent(() => {
  const session = useSession();
  const { switchOrganization, result } = useSwitchOrganization();
  return () => [
    h("p", { id: "user" }, session.value.user?.name),
    h("button", { id: "nowhere", onClick: () => switchOrganization("nowhere") }, "Nowhere"),
    h("output", { id: "result" }, result.value?.status),
  ];
});

export const App = defineComponent(() => {
  const client = useTabard();
  return () => [
    h("header", h(TabardSwitcher)),
    h("main", [
      h(SignedOut, () => h("button", { id: "sign-in", onClick: () => client.signIn() }, "Sign in")),
      h(SignedIn, () => h(Page)),
      h(RequireOrganization, null, { default: () => h(Notes), fallback: ({ status }: { status: string }) => h("h1", { id: "status" }, status) }),
    ]),
  ];
});

export const app = createSSRApp(App).use(createTabard(tabard));
if (typeof document !== "undefined") app.mount("#root");
Object.assign(globalThis, { tabard });
