// The example of React Router's with a loader in its layout, and one more page, whose loaders' data and address stand in its forms.
import { useOrganization, useOrganizationFetch } from "@tabard/client/react";
import { followRoutes } from "@tabard/client/routes";
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { createBrowserRouter, Form, Link, type LoaderFunctionArgs, useActionData, useLoaderData, useParams, useRouteLoaderData } from "react-router";

import { layout, pages, show, tabard } from "../examples/react-router/app.js";

/** What does not belong together: the organizations of the tab, the address and the data that a page was rendered with. */
const mixed: string[] = [];

async function load({ params: { organization } }: LoaderFunctionArgs) {
  await tabard.inOrganization(String(organization)).fetch(`/api/organizations/org_${organization}/notes`).catch(() => {}); // nobody is signed in
  return { name: `name of ${organization}` };
}

const loadLayout = ({ params: { organization } }: LoaderFunctionArgs) => `layout of ${organization}`;

const kept = async ({ request }: { request: Request }) => ({ text: String((await request.formData()).get("text")) });

function Settings() {
  const { organization: named } = useParams();
  const organization = useOrganization();
  const send = useOrganizationFetch();
  const { name } = useLoaderData<{ name: string }>();
  const around = useRouteLoaderData<string>("layout");
  const [typed, setTyped] = useState(name);
  const [open, setOpen] = useState(false);
  const [draft] = useState(() => localStorage.getItem("draft of " + named) ?? `draft of ${named}`);
  useEffect(() => {
    if (organization?.slug !== named || name !== `name of ${named}` || around !== `layout of ${named}`) mixed.push(`tab ${organization?.slug}, address ${named}, ${name}, ${around}`);
  });
  const save = () => send(`/api/organizations/${organization?.id}/notes`, { method: "POST", body: JSON.stringify({ text: typed }), headers: { "Content-Type": "application/json" } });
  return (
    <>
      <nav>{["acme", "globex"].map((slug) => <Link key={slug} id={`settings-of-${slug}`} to={`/${slug}/settings`}>{slug}</Link>)}</nav>
      <input id="given" defaultValue={name} />
      <input id="typed" value={typed} onChange={({ target }) => setTyped(target.value)} /><button id="save" onClick={save}>Save</button>
      <input id="kept" defaultValue={draft} />
      <Autosaved />
      <input id="dialog-open" type="checkbox" onChange={({ target }) => setOpen(target.checked)} />
      {open && createPortal(<textarea id="dialog" />, document.body)}
      <Form method="post"><input id="failed" name="text" defaultValue={useActionData<{ text: string }>()?.text} /><button id="fail">Send</button></Form>
    </>
  );
}

/** Saves what is typed by itself, as the guide does. */
function Autosaved() {
  const organization = useOrganization();
  const send = useOrganizationFetch();
  const [text, setText] = useState("");
  const [saved, setSaved] = useState("");
  const unsaved = useRef<() => Promise<void>>(undefined);
  useEffect(() => {
    const go = () => void unsaved.current?.().catch(console.error);
    addEventListener("pagehide", go);
    return () => {
      removeEventListener("pagehide", go);
      go();
    };
  }, []);
  useEffect(() => {
    if (text === saved) return;
    const save = async () => {
      const response = await send(`/api/organizations/${organization?.id}/notes`, { method: "POST", body: JSON.stringify({ text }), keepalive: true, headers: { "Content-Type": "application/json" } });
      if (!response.ok) throw new Error(`the API answered ${response.status}`);
      setSaved(text);
    };
    const timer = setTimeout(() => save().catch(() => {}), 60_000);
    const stop = tabard.beforeSwitch(save); // where it fails, the tab stays
    unsaved.current = save;
    return () => {
      clearTimeout(timer);
      stop();
      unsaved.current = undefined;
    };
  }, [text, saved, send, organization]);
  return <textarea id="autosaved" value={text} onChange={({ target }) => setText(target.value)} />;
}

const settings = { path: "settings", element: <Settings />, loader: load, action: kept };
const router = createBrowserRouter([{ ...layout, id: "layout", loader: loadLayout, children: [settings, ...pages] }]);
const routes = followRoutes(tabard, {
  navigate(url, { replace }) {
    const { pathname, search, hash } = new URL(url);
    return router.navigate({ pathname, search, hash }, { replace });
  },
  home: ({ slug }) => `/${slug}/settings`,
});
router.subscribe(() => routes.follow());
show(routes, router);
Object.assign(globalThis, { mixed });
