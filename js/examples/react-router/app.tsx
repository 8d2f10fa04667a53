// An app of React Router's whose addresses name the organization, with a form that asks
// before a draft is left, and keeps what was not sent.
import { createClient, TabardError } from "@tabard/client";
import { RequireOrganization, SignedOut, TabardProvider, TabardSwitcher, useOrganization, useOrganizationFetch, useSession } from "@tabard/client/react";
import { organizationOf, type Routes } from "@tabard/client/routes";
import { createContext, type FormEvent, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { type ActionFunctionArgs, createBrowserRouter, Form, Link, RouterProvider, useActionData, useBeforeUnload, useBlocker, useLocation, useNavigation, useOutlet } from "react-router";

export const tabard = createClient({ backend: "/auth", organization: organizationOf() });

/** The organization is in the layout's own path: a loader of a layout without it would run once, for the first organization. */
export const layout = { path: "/:organization?", element: <Layout /> };

const notes = { element: <Notes />, action: remark };

export const pages = [{ index: true, ...notes }, { path: "*", ...notes }];

export const router = createBrowserRouter([{ ...layout, children: pages }]);

const note = (text: unknown) => ({ method: "POST", body: JSON.stringify({ text }), headers: { "Content-Type": "application/json" } });

// The form says for which organization it was filled in, whatever address the router is at by now. Returns why the remark was
// not added: a throw would take the page away, and what was typed in it.
async function remark({ request }: ActionFunctionArgs) {
  const form = await request.formData();
  const id = String(form.get("organization"));
  try {
    const response = await tabard.inOrganization(id).fetch(`/api/organizations/${id}/notes`, note(form.get("remark")));
    return response.ok ? null : `the API answered ${response.status}`;
  } catch (error) {
    return String(error);
  }
}

const RoutesContext = createContext<Routes | undefined>(undefined);

export function show(routes: Routes, of = router) {
  createRoot(document.getElementById("root") as HTMLElement).render(
    <TabardProvider client={tabard}>
      <RoutesContext value={routes}>
        <RouterProvider router={of} />
      </RoutesContext>
    </TabardProvider>,
  );
  Object.assign(globalThis, { tabard, routes, router: of });
}

function Layout() {
  const { status } = useSession();
  const organization = useOrganization();
  const routes = useContext(RoutesContext) as Routes;
  const named = organizationOf({ url: useLocation().pathname });
  return (
    <>
      <TabardSwitcher address={routes.home} />
      <SignedOut><button id="sign-in" onClick={() => tabard.signIn()}>Sign in</button></SignedOut>
      <h1>{organization?.name ?? status}</h1>
      <nav>
        <Link id="to-globex" to="/globex/notes">Globex</Link> <Link id="to-initech" to="/initech/notes">Initech</Link> <Link id="to-nowhere" to="/nowhere/notes">Nowhere</Link>
      </nav>
      <WhyNot />
      <RequireOrganization named={named} opening={<p>Opening {named} …</p>}>{useOutlet()}</RequireOrganization>
    </>
  );
}

/** Why the tab was not let in, unless the person chose to stay. */
function WhyNot() {
  const routes = useContext(RoutesContext) as Routes;
  const route = useSyncExternalStore(routes.subscribe, () => routes.state);
  const result = route.status === "stayed" || route.status === "denied" ? route.result : undefined;
  if (!result || result.status === "overtaken" || result.code === "switch_declined") return null;
  return (
    <p id="why" role="alert">
      {result.description} {result.status === "step_up_required" && <button id="continue" onClick={() => result.continue()}>Continue</button>}
    </p>
  );
}

function Notes() {
  const organization = useOrganization();
  const send = useOrganizationFetch(); // what was typed for this organization goes to no other
  const routes = useContext(RoutesContext) as Routes;
  const [draft, setDraft] = useState("");
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const stepUp = problem instanceof TabardError && problem.action === "step_up" ? problem : undefined;
  const notSent = useActionData<string | null>();
  const leaving = useNavigation().state === "loading"; // what is typed now would be lost
  const blocker = useBlocker(routes.blocker(() => draft !== ""));
  useBeforeUnload((event) => draft !== "" && event.preventDefault()); // a bookmark, and a closed tab
  useEffect(() => {
    if (blocker.state === "blocked" && draft === "") blocker.proceed(); // added meanwhile
  }, [blocker, draft]);

  async function add() {
    setSending(true);
    setProblem(undefined);
    try {
      const response = await send(`/api/organizations/${organization?.id}/notes`, note(draft));
      if (!response.ok) throw new Error(`the API answered ${response.status}`);
      setDraft((now) => (now === draft ? "" : now)); // what was typed while a window for the step-up was open stays
    } catch (error) {
      setProblem(error);
    } finally {
      setSending(false);
    }
  }

  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void add();
  };
  return (
    <>
      <form onSubmit={onSubmit}>
        <textarea id="draft" readOnly={sending || leaving} value={draft} onChange={({ target }) => setDraft(target.value)} />
        <button id="add" disabled={sending}>Add</button>
        {problem !== undefined && (
          <p id="problem" role="alert">
            Your note was not added: {problem instanceof Error ? problem.message : String(problem)}.
            {stepUp && <button id="confirm" type="button" onClick={() => stepUp.continue?.({ popup: true }).then(add, setProblem)}>Confirm that it is you</button>}
          </p>
        )}
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
        {notSent && <p id="not-sent" role="alert">Your remark was not added: {notSent}.</p>}
      </Form>
    </>
  );
}
