// TanStack Query: the partition's key stands in every query key, its signal ends every request.
import { createClient } from "@tabard/client";
import { TabardPartition, TabardProvider, useOrganization, usePartition, useSession, useTabard } from "@tabard/client/react";
import { QueryClient, QueryClientProvider, useQuery, useQueryClient } from "@tanstack/react-query";
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";

const tabard = createClient({ backend: "/auth" });
const queries = new QueryClient({ defaultOptions: { queries: { staleTime: 60_000, retry: false } } });

/** Forgets what belonged to the partition that has ended. */
function useForgetting() {
  const cache = useQueryClient();
  const { key, signal } = usePartition();
  useEffect(() => {
    const forget = () => cache.removeQueries({ predicate: ({ queryKey }) => queryKey[0] === key });
    signal.addEventListener("abort", forget);
    return () => signal.removeEventListener("abort", forget);
  }, [cache, key, signal]);
}

function Notes() {
  useForgetting();
  const client = useTabard();
  const organization = useOrganization();
  const partition = usePartition();
  const { data, status } = useQuery({
    queryKey: [partition.key, "notes"],
    enabled: organization !== null,
    queryFn: async ({ signal }) => {
      const either = AbortSignal.any([signal, partition.signal]);
      const response = await client.fetch(`/api/organizations/${organization?.id}/notes`, { signal: either });
      const body: { notes: { text: string }[] } = await response.json();
      return body.notes.map(({ text }) => text);
    },
  });
  return (
    <section id="notes" data-organization={organization?.slug} data-status={status}>
      <h1>{organization?.name}</h1>
      <ul>{data?.map((text) => <li key={text}>{text}</li>)}</ul>
    </section>
  );
}

function Page() {
  const client = useTabard();
  const { status } = useSession();
  if (status === "signed_out") return <button id="sign-in" onClick={() => client.signIn()}>Sign in</button>;
  return status === "active" ? <TabardPartition><Notes /></TabardPartition> : <p>{status}</p>;
}

const root = document.getElementById("root") as HTMLElement;
createRoot(root).render(
  <StrictMode>
    <TabardProvider client={tabard}>
      <QueryClientProvider client={queries}>
        <Page />
      </QueryClientProvider>
    </TabardProvider>
  </StrictMode>,
);
Object.assign(globalThis, { tabard, cached: () => queries.getQueryCache().getAll().map(({ queryKey, state }) => [queryKey[0], state.data]) });
