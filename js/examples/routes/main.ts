// A page whose addresses name the organization: /acme/notes, /globex/notes.
import { createClient } from "@tabard/client";
import { followRoutes, organizationOf } from "@tabard/client/routes";
import "@tabard/client/switcher";

const pattern = { except: ["welcome"] };
const tabard = createClient({ backend: "/auth", organization: organizationOf(pattern) });
const routes = followRoutes(tabard, pattern);
const root = document.getElementById("root") as HTMLElement;

const switcher = document.createElement("tabard-switcher");
switcher.client = tabard;
switcher.address = routes.home;
const view = document.createElement("main");
root.append(switcher, view);

function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, properties: Partial<HTMLElementTagNameMap[Tag]> = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/** A link within the page. */
function link(href: string, textContent: string) {
  const a = element("a", { href, textContent, id: href.slice(1).replaceAll("/", "-") });
  a.addEventListener("click", (event) => {
    event.preventDefault();
    void routes.go(href);
  });
  return a;
}

function render() {
  const { status, organization } = tabard.state;
  const route = routes.state;
  document.body.dataset.route = route.status;
  if (status === "signed_out") {
    const signIn = element("button", { id: "sign-in", textContent: "Sign in" });
    signIn.addEventListener("click", () => tabard.signIn());
    return view.replaceChildren(signIn);
  }
  if (route.status === "switching") return view.replaceChildren(element("p", { textContent: `Opening ${route.organization} …` }));
  const why = element("p", { id: "why", textContent: route.status === "stayed" ? route.result.code : "" });
  const title = element("h1", { textContent: organization?.name ?? status });
  if (status !== "active" || !organization) return view.replaceChildren(title, why);
  const list = element("ul", { id: "notes" });
  view.replaceChildren(title, why, list, link("/acme/notes", "Acme"), link("/globex/notes", "Globex"), link("/nowhere/notes", "Nowhere"), link("/welcome", "Welcome"));
  return void load(organization.id, list).catch(() => {}); // the organization was left
}

async function load(id: string, list: HTMLElement) {
  const response = await tabard.fetch(`/api/organizations/${id}/notes`);
  const body: { notes: { text: string }[] } = await response.json();
  list.replaceChildren(...body.notes.map(({ text }) => element("li", { textContent: text })));
}

tabard.subscribe(render);
routes.subscribe(render);
render();
Object.assign(globalThis, { tabard, routes });
