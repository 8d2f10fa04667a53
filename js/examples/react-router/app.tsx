// An app of React Router's whose addresses name the organization, with a form that asks
// before a draft is left.
import { createClient } from "@tabard/client";
import { RequireOrganization, SignedOut, TabardProvider, TabardSwitcher, useOrganization, useOrganizationFetch, useSession } from "@tabard/client/react";
import { organizationOf, type Routes } from "@tabard/client/routes";
import { createContext, useContext, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { type ActionFunctionArgs, createBrowserRouter, Form, Link, Outlet, RouterProvider, useBeforeUnload, useBlocker } from "react-router";

export const tabard = createClient({ backend: "/auth", organization: organizationOf() });

export const router = createBrowserRouter([{ element: <Layout />, children: [{ path: "/:organization?/*", element: <Notes />, action: remark }] }]);

// The form says for which organization it was filled in, whatever address the router is at by now.
async function remark({ request }: ActionFunctionArgs) {
  const form = await request.formData();
  const id = String(form.get("organization"));
  await tabard.inOrganization(id).fetch(`/api/organizations/${id}/notes`, { method: "POST", body: JSON.stringify({ text: form.get("remark") }), headers: { "Content-Type": "application/json" } });
  return null;
}

const RoutesContext = createContext<Routes | undefined>(undefined);

export function show(routes: Routes) {
  createRoot(document.getElementById("root") as HTMLElement).render(
    <TabardProvider client={tabard}>
      <RoutesContext value={routes}>
        <RouterProvider router={router} />
      </RoutesContext>
    </TabardProvider>,
  );
  Object.assign(globalThis, { tabard, routes, router });
}

function Layout() {
  const { status } = useSession();
  const organization = useOrganization();
  const routes = useContext(RoutesContext) as Routes;
  const route = useSyncExternalStore(routes.subscribe, () => routes.state);
  if (route.status === "switching") return <p>Opening {route.organization} …</p>; // and no page of it yet
  return (
    <>
      <TabardSwitcher address={routes.home} />
      <SignedOut><button id="sign-in" onClick={() => tabard.signIn()}>Sign in</button></SignedOut>
      <h1>{organization?.name ?? status}</h1>
      <nav>
        <Link id="to-globex" to="/globex/notes">Globex</Link> <Link id="to-initech" to="/initech/notes">Initech</Link>
      </nav>
      <RequireOrganization><Outlet /></RequireOrganization>
    </>
  );
}

function Notes() {
  const organization = useOrganization();
  const send = useOrganizationFetch(); // what was typed for this organization goes to no other
  const routes = useContext(RoutesContext) as Routes;
  const [draft, setDraft] = useState("");
  const blocker = useBlocker(routes.blocker(() => draft !== ""));
  useBeforeUnload((event) => draft !== "" && event.preventDefault()); // a bookmark, and a closed tab
  const add = async () => {
    await send(`/api/organizations/${organization?.id}/notes`, { method: "POST", body: JSON.stringify({ text: draft }), headers: { "Content-Type": "application/json" } });
    setDraft("");
  };
  return (
    <>
      <form action={add}>
        <textarea id="draft" value={draft} onChange={({ target }) => setDraft(target.value)} />
        <button id="add">Add</button>
        {blocker.state === "blocked" && (
          <p role="alert">
            Your note is not saved.
            <button id="stay" type="button" onClick={() => blocker.reset()}>Stay</button>
            <button id="leave" type="button" onClick={() => blocker.proceed()}>Leave</button>
          </p>
        )}
      </form>
      <Form method="post">
        <input type="hidden" name="organization" value={organization?.id} />
        <input id="remark" name="remark" />
        <button id="send">Send a remark</button>
      </Form>
    </>
  );
}
