// @ts-check

/** The element's texts, in English. See switcher.d.ts. @type {import("../../switcher.js").SwitcherTexts} */
export const english = Object.freeze({
  label: (/** @type {string} */ name) => `Organization of this tab: ${name}`,
  choose: "Choose an organization",
  menu: "Your organizations",
  heading: "This tab works for",
  hint: "Switching changes this tab only. The arrow opens a tab of its own.",
  open: (/** @type {string} */ name) => `Open ${name} in a new tab`,
  stepUpRequired: "asks to confirm that it is you",
  expired: "asks to sign in again",
  ended: "session ended",
  loading: "One moment …",
  notLoaded: "Your organizations could not be loaded. Please try again.",
  switching: (/** @type {string} */ name) => `Switching to ${name} …`,
  switched: (/** @type {string} */ name) => `This tab now works for ${name}.`,
  confirm: "Confirm that it is you",
  confirmFirst: (/** @type {string} */ name) => `${name} asks to confirm that it is you.`,
  refused: (/** @type {string} */ name) => `${name} did not let you in. This tab stays as it was.`,
  unavailable: (/** @type {string} */ name) => `${name} cannot be reached. This tab stays as it was; please try again.`,
  others: "Other organizations",
  people: "Signed in in this browser",
  choosePerson: "Choose whom this tab is for",
  addPerson: "Add another account",
  signOut: (/** @type {string} */ name) => `Sign ${name} out`,
  unnamed: "Without a name",
});
