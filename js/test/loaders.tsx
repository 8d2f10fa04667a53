// An app of React Router's whose pages have loaders, whose form asks by the router's blocker, and
// in which an action leads to another organization.
import { createClient } from "@tabard/client";
import { RequireOrganization, SignedOut, TabardProvider } from "@tabard/client/react";
import { followRoutes, organizationOf } from "@tabard/client/routes";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter, Link, type LoaderFunctionArgs, redirect, RouterProvider, useBlocker, useFetcher, useLocation, useOutlet } from "react-router";

const tabard = createClient({ backend: "/auth", organization: organizationOf() });
const router = createBrowserRouter([{ path: "/create", action: () => redirect("/globex/welcome") }, { element: <Layout />, children: [{ path: "/:organization?/*", element: <Notes />, loader: load }] }]);
const routes = followRoutes(tabard, {
  navigate(url, { replace }) {
    const { pathname, search, hash } = new URL(url);
    return router.navigate({ pathname, search, hash }, { replace });
  },
});
router.subscribe(() => routes.follow());

async function load({ params: { organization } }: LoaderFunctionArgs) {
  if (organization) await tabard.inOrganization(organization).fetch(`/api/organizations/org_${organization}/notes`).catch(() => {});
  return null;
}

function Layout() {
  const named = organizationOf({ url: useLocation().pathname });
  const page = useOutlet();
  return (
    <>
      <SignedOut><button id="sign-in" onClick={() => tabard.signIn()}>Sign in</button></SignedOut>
      <nav><Link id="to-globex" to="/globex/notes">Globex</Link></nav>
      {"unnamed" in globalThis ? <RequireOrganization>{page}</RequireOrganization> : <RequireOrganization named={named} opening={<p>Opening {named} …</p>}>{page}</RequireOrganization>}
    </>
  );
}

function Notes() {
  const [draft, setDraft] = useState("");
  const fetcher = useFetcher();
  const blocker = useBlocker(routes.blocker(() => draft !== ""));
  return (
    <>
      <textarea id="draft" value={draft} onChange={({ target }) => setDraft(target.value)} />
      <button id="create" onClick={() => fetcher.submit(null, { method: "post", action: "/create" })}>New organization</button>
      {blocker.state === "blocked" && (
        <p role="alert">
          Your note is not saved.
          <button id="stay" onClick={() => blocker.reset()}>Stay</button>
          <button id="leave" onClick={() => blocker.proceed()}>Leave</button>
        </p>
      )}
    </>
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(<TabardProvider client={tabard}><RouterProvider router={router} /></TabardProvider>);
Object.assign(globalThis, { tabard, routes, router });
