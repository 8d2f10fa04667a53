// The product: which screen to show for the client's state, and the actions of its buttons.
import { createClient } from "/auth/client/tabard.js";
import { followTheme } from "/auth/client/theme.js";
import { $, announce, onPress } from "/dom.js";
import { iconOf } from "/theme.js";
import { askAboutDraft } from "/draft.js";
import { showIdle } from "/idle.js";
import { record } from "/log.js";
import { beginMenus, closeMenus, showMenus } from "/menus.js";
import { forgetNotes, showNotes } from "/notes.js";
import { showReports } from "/reports.js";
import { forgetHead, showChoices, showEnded, showHead, showNobody, showWelcome } from "/screens.js";
import { forgetToken, watchToken } from "/token.js";
import { backend, organization } from "/where.js";

const tabard = createClient({ backend, organization });
window.tabard = tabard;

let shown = "starting"; // the screen
let partition; // to which the data on it belongs

const screens = {
  signed_out: (state) => showWelcome(tabard, state),
  choose: (state) => showChoices(tabard, state),
  nobody: (state) => showNobody(tabard, state),
  ended: (state) => showEnded(tabard, state),
  active(state) {
    showHead(state);
    showNotes(tabard, state);
    showReports(tabard, state);
    watchToken(tabard, state);
  },
};

function screenOf({ status, organizations }) {
  if (status === "choose" && organizations.length === 0) return "nobody";
  return status === "denied" ? "ended" : status;
}

function render(state) {
  const screen = screenOf(state);
  const moved = tabard.partition !== partition || screen !== shown;
  if (moved) {
    forgetHead();
    forgetNotes();
    forgetToken();
    closeMenus();
  }
  document.body.dataset.screen = screen;
  showMenus(tabard, state);
  showIdle(state);
  screens[screen]?.(state);
  if (moved) tell(screen, state);
  if (screen !== shown) keepFocus();
  shown = screen;
  partition = tabard.partition;
}

const words = {
  signed_out: () => "Nobody is signed in.",
  choose: () => "Signed in. This tab has no organization yet.",
  nobody: () => "Signed in, but in no organization.",
  ended: ({ status, named, error }) => status === "denied" && error.action !== "step_up" ? `You cannot enter ${named}.` : error?.code === "origin_not_joined" ? "You are signed in at another address. Sign in here, too." : error?.code === "insufficient_user_authentication" ? "The organization asks to confirm that it is you." : "The organization's session ended in this tab.",
  unavailable: () => "The server cannot be reached. Nobody is signed out.",
  active: ({ organization }) => `This tab works for ${organization.name}.`,
};

function tell(screen, state) {
  const text = words[screen]?.(state);
  if (!text) return;
  record(text);
  announce(text);
}

// Focus that stood on something now hidden goes to the new screen.
function keepFocus() {
  const focused = document.activeElement;
  if (shown !== "starting" && (focused === document.body || !focused.checkVisibility())) $("main").focus({ preventScroll: true });
}

onPress($("sign-in"), () => tabard.signIn());
onPress($("sign-in-northwind"), () => tabard.signIn({ organization: "northwind" }));
// The browser checks the address before the form is sent.
$("by-email").onsubmit = async (event) => {
  event.preventDefault();
  const button = $("find");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await tabard.signIn({ email: $("email").value });
  } finally {
    button.removeAttribute("aria-disabled");
  }
};
onPress($("try-again"), () => tabard.getToken().catch(() => {}));
onPress($("nobody-again"), () => location.reload());

askAboutDraft(tabard);
beginMenus(tabard);
followTheme(tabard, { title: ({ name }) => `${name} · Tabard demo`, icon: iconOf });
tabard.subscribe(render);
render(tabard.state);
