// An app by the guide with three forms: one that sends at once, one that waits before it sends, and one of React Router's
// actions. A control leaves one of the guide's rules out. browser_test/soak drives it.
import { createClient } from "@tabard/client";
import { RequireOrganization, TabardProvider, TabardSwitcher, useOrganization, useOrganizationFetch, useSession } from "@tabard/client/react";
import { followRoutes, organizationOf } from "@tabard/client/routes";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { type ActionFunctionArgs, createBrowserRouter, Form, Link, Outlet, RouterProvider, useBeforeUnload, useBlocker } from "react-router";

/** The rule that is left out: "partition", "fetch" or none. */
const { control } = globalThis as { control?: string };

const tabard = createClient({ backend: "/auth", organization: organizationOf() });
const router = createBrowserRouter([{ element: <Layout />, children: [{ path: "/:organization?/*", element: <Notes />, action: remark }] }]);
const routes = followRoutes(tabard, {
  navigate(url, { replace }) {
    const { pathname, search, hash } = new URL(url);
    return router.navigate({ pathname, search, hash }, { replace });
  },
});
router.subscribe(() => routes.follow());

const request = (text: unknown) => ({ method: "POST", body: JSON.stringify({ text }), headers: { "Content-Type": "application/json" } });
const notesOf = (id: string | undefined) => `/api/organizations/${id}/notes`;

async function remark({ request: posted }: ActionFunctionArgs) {
  const form = await posted.formData();
  const id = String(form.get("organization"));
  await tabard.inOrganization(id).fetch(notesOf(id), request(form.get("remark"))).catch(() => {});
  return null;
}

function Layout() {
  const { status, user } = useSession();
  const organization = useOrganization();
  const route = useSyncExternalStore(routes.subscribe, () => routes.state);
  if (route.status === "switching" && control !== "partition") return <p>Opening {route.organization} …</p>;
  const Page = control === "partition" ? WhileActive : RequireOrganization;
  return (
    <>
      <TabardSwitcher address={routes.home} />
      <h1 data-organization={organization?.id} data-person={user?.id}>{organization?.name ?? status}</h1>
      <nav>{["acme", "globex", "initech"].map((slug) => <Link key={slug} id={`to-${slug}`} to={`/${slug}/notes`}>{slug}</Link>)}</nav>
      <Page><Outlet /></Page>
    </>
  );
}

/** Keeps what a form holds, whichever organization the tab is in. */
const WhileActive = ({ children }: { children: ReactNode }) => (useOrganization() ? children : null);

function Notes() {
  const organization = useOrganization();
  const send = useOrganizationFetch();
  const [draft, setDraft] = useState("");
  const [slow, setSlow] = useState("");
  const [answer, setAnswer] = useState<(leaves: boolean) => void>();
  const blocker = useBlocker(routes.blocker(() => draft !== ""));
  useBeforeUnload((event) => draft !== "" && event.preventDefault());
  useEffect(() => tabard.beforeSwitch(() => (slow === "" ? undefined : new Promise<boolean>((resolve) => setAnswer(() => resolve)).finally(() => setAnswer(undefined)))), [slow]);

  const add = async () => {
    await send(notesOf(organization?.id), request(draft)).then(() => setDraft(""), () => {});
  };
  const addSlowly = async () => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000)); // such as a check of what was typed
    const asked = control === "fetch" ? tabard.fetch(notesOf(tabard.state.organization?.id), request(slow)) : send(notesOf(organization?.id), request(slow));
    await asked.then(() => setSlow(""), () => {});
  };
  return (
    <>
      <form action={add}><textarea id="draft" value={draft} onChange={({ target }) => setDraft(target.value)} /><button id="add">Add</button></form>
      <form action={addSlowly}><textarea id="slow" value={slow} onChange={({ target }) => setSlow(target.value)} /><button id="add-slowly">Add</button></form>
      <Form method="post">
        <input type="hidden" name="organization" value={organization?.id} />
        <input id="remark" name="remark" /><button id="send">Send</button>
      </Form>
      {blocker.state === "blocked" && <p><button className="no" onClick={() => blocker.reset()}>Stay</button><button className="yes" onClick={() => blocker.proceed()}>Leave</button></p>}
      {answer && <p><button className="no" onClick={() => answer(false)}>Stay</button><button className="yes" onClick={() => answer(true)}>Leave</button></p>}
    </>
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(<TabardProvider client={tabard}><RouterProvider router={router} /></TabardProvider>);
Object.assign(globalThis, { tabard, routes, router });
