// @ts-check
// Tabs of an app that has an origin for each organization. It is loaded when it is used, and
// has no imports: its needs are handed to it.

/**
 * Leads a new tab to an organization's own origin, once the backend has agreed. The tab was
 * opened before, in the click.
 * @param {{ask(name: string, ...args: string[]): Promise<string>}} context
 * @param {string} organization
 * @param {URL | undefined} url whose path is opened there; default: the app's first page
 * @param {Window} tab
 */
export async function openTab({ ask }, organization, url, tab) {
  tab.opener = null;
  try {
    tab.location.replace(await ask("lead", organization, url ? url.pathname + url.search + url.hash : ""));
  } catch (error) {
    tab.close();
    reportError(error);
  }
}
