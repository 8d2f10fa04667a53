// SWR: the partition's key stands in every key, its signal ends every request, and
// each partition has a cache of its own.
import { createClient } from "@tabard/client";
import { TabardPartition, TabardProvider, useOrganization, usePartition, useSession, useTabard } from "@tabard/client/react";
import { StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import useSWR, { SWRConfig } from "swr";

const tabard = createClient({ backend: "/auth" });

/** What is below is made anew for each partition, cache and all. */
function Partitioned({ children }: { children: ReactNode }) {
  return (
    <TabardPartition>
      <SWRConfig value={{ provider: () => new Map(), shouldRetryOnError: false }}>{children}</SWRConfig>
    </TabardPartition>
  );
}

function Notes() {
  const client = useTabard();
  const organization = useOrganization();
  const { key, signal } = usePartition();
  const { data, isLoading } = useSWR(organization && [key, `/api/organizations/${organization.id}/notes`], async ([, path]) => {
    const response = await client.fetch(path, { signal });
    const body: { notes: { text: string }[] } = await response.json();
    return body.notes.map(({ text }) => text);
  });
  return (
    <section id="notes" data-organization={organization?.slug} data-status={isLoading ? "pending" : "success"}>
      <h1>{organization?.name}</h1>
      <ul>{data?.map((text) => <li key={text}>{text}</li>)}</ul>
    </section>
  );
}

function Page() {
  const client = useTabard();
  const { status } = useSession();
  if (status === "signed_out") return <button id="sign-in" onClick={() => client.signIn()}>Sign in</button>;
  return status === "active" ? <Partitioned><Notes /></Partitioned> : <p>{status}</p>;
}

const root = document.getElementById("root") as HTMLElement;
createRoot(root).render(
  <StrictMode>
    <TabardProvider client={tabard}>
      <Page />
    </TabardProvider>
  </StrictMode>,
);
Object.assign(globalThis, { tabard });
