// The product: which screen to show for the client's state, and what its buttons do.
import { createClient } from "/auth/client/tabard.js";
import { $, announce, fill } from "/dom.js";
import { dress, undress } from "/livery.js";
import { record } from "/log.js";
import { closeMenus, showMenus } from "/menus.js";
import { forgetNotes, showNotes } from "/notes.js";
import { showChoices, showEnded, showHead, showNobody } from "/screens.js";
import { forgetToken, watchToken } from "/token.js";

// "Open in a new tab" names the organisation in the address; the tab then wears
// it, and the address is tidied. All tabs have the same address after that.
const named = new URLSearchParams(location.search).get("organization") ?? undefined;
const tabard = createClient({ backend: "/auth", organization: named });
window.tabard = tabard;

function screenOf(state) {
  if (state.status === "choose" && state.organizations.length === 0) return "nobody";
  return state.status;
}

let shown = "starting";
let worn; // the organisation that the screen shows

function render(state) {
  const screen = screenOf(state);
  const organization = screen === "active" ? state.organization : undefined;
  if (worn?.id !== organization?.id) {
    forgetNotes();
    forgetToken();
    closeMenus();
  }
  document.body.dataset.screen = screen;
  if (screen === "active" || screen === "ended") dress(state.organization);
  else undress();
  showMenus(tabard, state);
  screens[screen]?.(state);
  tell(screen, organization);
  keepFocus(screen);
  shown = screen;
  worn = organization;
}

const screens = {
  choose: (state) => showChoices(tabard, state),
  nobody: (state) => showNobody(state),
  ended: (state) => showEnded(tabard, state),
  active: (state) => {
    if (location.search) history.replaceState(null, "", location.pathname);
    showHead(state);
    showNotes(tabard, state);
    watchToken(tabard, state);
  },
};

const words = {
  signed_out: "Nobody is signed in.",
  choose: "Signed in. This tab has no organisation yet.",
  nobody: "Signed in, but in no organisation.",
  ended: "The organisation's session ended in this tab.",
  unavailable: "The server cannot be reached; nobody is signed out.",
};

function tell(screen, organization) {
  if (screen === "active" && worn?.id === organization.id && shown === screen) return;
  if (screen !== "active" && screen === shown) return;
  const text = screen === "active" ? `This tab works for ${organization.name}.` : words[screen];
  if (!text) return;
  record(text);
  announce(text);
}

// Focus that stood on something now hidden goes to the new screen.
function keepFocus(screen) {
  if (screen === shown || shown === "starting") return;
  const focused = document.activeElement;
  if (focused === document.body || !focused.checkVisibility()) $("main").focus({ preventScroll: true });
}

function signIn() {
  tabard.signIn({ organization: named, returnTo: location.href });
}

function showSignInProblem() {
  const address = new URL(location.href);
  const code = address.searchParams.get("tabard_error");
  if (!code) return;
  address.searchParams.delete("tabard_error");
  history.replaceState(null, "", address);
  fill($("sign-in-problem"), `The sign-in did not work (${code}). Please try again.`);
  $("sign-in-problem").hidden = false;
}

$("sign-in").addEventListener("click", signIn);
$("try-again").addEventListener("click", () => location.reload());
$("nobody-again").addEventListener("click", () => location.reload());
$("nobody-sign-out").addEventListener("click", () => tabard.signOut({ scope: "session" }));

showSignInProblem();
tabard.subscribe(() => render(tabard.state));
render(tabard.state);
