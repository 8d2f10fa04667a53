// An app of React Router's for any React from 18 on, whose page writes down what its effects are given.
import { createClient } from "@tabard/client";
import { RequireOrganization, SignedOut, TabardProvider, TabardSwitcher, useOrganization, useOrganizationFetch } from "@tabard/client/react";
import { followRoutes, organizationOf } from "@tabard/client/routes";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter, Link, type LoaderFunctionArgs, RouterProvider, useBlocker, useLoaderData, useLocation, useOutlet, useParams } from "react-router";

const tabard = createClient({ backend: "/auth", organization: organizationOf() });
const page = { element: <Page />, loader: ({ params }: LoaderFunctionArgs) => `data of ${params.organization}` };
const router = createBrowserRouter([{ path: "/:organization?", element: <Layout />, children: [{ index: true, ...page }, { path: "*", ...page }] }]);
const routes = followRoutes(tabard, {
  navigate(url, { replace }) {
    const { pathname, search, hash } = new URL(url);
    return router.navigate({ pathname, search, hash }, { replace });
  },
  home: ({ slug }) => `/${slug}/notes`,
});
router.subscribe(() => routes.follow());

/** What effects were given that does not belong together, and what was sent by them. */
const mixed: string[] = [];

function Layout() {
  const named = organizationOf({ url: useLocation().pathname });
  const outlet = useOutlet();
  return (
    <>
      <TabardSwitcher address={routes.home} />
      <SignedOut><button id="sign-in" onClick={() => tabard.signIn()}>Sign in</button></SignedOut>
      <nav>{["acme", "globex", "nowhere"].map((slug) => <Link key={slug} id={`to-${slug}`} to={`/${slug}/notes`}>{slug}</Link>)}</nav>
      <RequireOrganization named={named} opening={<p id="opening">Opening {named} …</p>}>{outlet}</RequireOrganization>
    </>
  );
}

function Page() {
  const organization = useOrganization();
  const { organization: named } = useParams();
  const data = useLoaderData();
  const send = useOrganizationFetch();
  const [draft, setDraft] = useState("");
  const [first] = useState(data);
  const blocker = useBlocker(routes.blocker(() => draft !== ""));
  useEffect(() => {
    if (organization?.slug === named && data === `data of ${named}` && first === data) return;
    mixed.push(`tab ${organization?.slug}, address ${named}, ${data}, ${first}`);
    send(`/api/organizations/${organization?.id}/notes`, { method: "POST", body: JSON.stringify({ text: data }), headers: { "Content-Type": "application/json" } }).then(({ status }) => mixed.push(`${data} was sent to ${organization?.slug}: ${status}`), () => {});
  });
  return (
    <>
      <textarea id="draft" value={draft} onChange={({ target }) => setDraft(target.value)} />
      {blocker.state === "blocked" && (
        <p role="alert">
          <button id="stay" onClick={() => blocker.reset()}>Stay</button> <button id="leave" onClick={() => blocker.proceed()}>Leave</button>
        </p>
      )}
    </>
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(<TabardProvider client={tabard}><RouterProvider router={router} /></TabardProvider>);
Object.assign(globalThis, { tabard, routes, router, mixed });
