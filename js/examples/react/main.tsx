// A React app: who is signed in, the tab's organization, its notes.
import { createClient } from "@tabard/client";
import { RequireOrganization, SignedIn, SignedOut, TabardProvider, TabardSwitcher, useOrganization, usePermission, useSession, useSwitchOrganization, useTabard, useToken } from "@tabard/client/react";
import { StrictMode, useEffect, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";

const tabard = createClient({ backend: "/auth" });

export function App() {
  return (
    <StrictMode>
      <TabardProvider client={tabard}>
        <Page />
      </TabardProvider>
    </StrictMode>
  );
}

function Page() {
  const client = useTabard();
  const { user } = useSession();
  return (
    <>
      <header><TabardSwitcher /></header>
      <main>
        <SignedOut><button id="sign-in" onClick={() => client.signIn()}>Sign in</button></SignedOut>
        <SignedIn>
          <p id="user">{user?.name}</p>
          <Choice />
        </SignedIn>
        <RequireOrganization fallback={({ status }) => <h1 id="status">{status}</h1>}><Notes /></RequireOrganization>
      </main>
    </>
  );
}

function Choice() {
  const client = useTabard();
  const { organizations } = useSession();
  const { switchOrganization, switching, result } = useSwitchOrganization();
  useEffect(() => {
    if (!organizations) client.organizations().catch(() => {});
  }, [client, organizations]);
  return (
    <nav>
      {organizations?.map(({ id, slug, name }) => (
        <button key={id} id={slug} disabled={switching === slug} onClick={() => switchOrganization(slug)}>{name}</button>
      ))}
      <button id="nowhere" onClick={() => switchOrganization("nowhere")}>Nowhere</button>
      <output id="result">{result?.status}</output>
    </nav>
  );
}

function Notes() {
  const organization = useOrganization();
  const getToken = useToken();
  const mayWrite = usePermission("notes:write");
  const [notes, setNotes] = useState<{ of: string; texts: string[] }>();
  useEffect(() => {
    if (!organization) return;
    let shown = true;
    const load = async () => {
      const authorization = `Bearer ${await getToken()}`;
      const response = await fetch(`/api/organizations/${organization.id}/notes`, { headers: { authorization } });
      const body: { notes: { text: string }[] } = await response.json();
      if (shown) setNotes({ of: organization.id, texts: body.notes.map(({ text }) => text) });
    };
    load().catch(() => {}); // the organization was left
    return () => void (shown = false);
  }, [organization, getToken]);
  return (
    <section id="notes" data-organization={organization?.slug}>
      <h1>{organization?.name}</h1>
      <p id="may">{mayWrite ? "You may write notes." : "You may read notes."}</p>
      <ul>{notes?.of === organization?.id && notes?.texts.map((text) => <li key={text}>{text}</li>)}</ul>
    </section>
  );
}

const root = globalThis.document?.getElementById("root"); // on a server there is none
if (root?.hasChildNodes()) hydrateRoot(root, <App />);
else if (root) createRoot(root).render(<App />);
Object.assign(globalThis, { tabard });
