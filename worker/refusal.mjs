import pages from "./build/pages.mjs";
import { report } from "./http.mjs";

/**
 * An error of the contract, where the program itself does not answer. A person gets the
 * page that the server has for the code.
 * @param {import("./request.mjs").Parsed} parsed
 * @param {object} [more]
 * @param {Record<string, string>} [more.headers]
 * @param {string} [more.page] the page's name, if it is not the code's
 */
export function refusal(parsed, status, code, description, { headers = {}, page = code } = {}) {
  if (parsed.navigation) {
    const values = { code, detail: description, next: nextURL(parsed) };
    const html = pages.html[page].replace(/\{(code|detail|next)\}/g, (_, name) => escapeHTML(values[name]));
    return new Response(html, { status, headers: { ...pages.headers, ...headers } });
  }
  const body = { error: code, error_description: description, server_time: Math.floor(Date.now() / 1000) };
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

/** The answer where something failed that is no fault of the request's. */
export function failure(parsed, problem) {
  report(problem);
  return refusal(parsed, 503, "temporarily_unavailable", "Something failed on the server. Try again.", { headers: { "Retry-After": "1" } });
}

/**
 * Where a page leads: to the same address, or to a new sign-in where a form was posted. A
 * foreign link is marked (api.ParamAsk), as a link of our own page would pass for the app's.
 */
function nextURL({ request, url, base, signIn }) {
  if (request.method === "POST") return `${new URL(url).origin}${base}/login`;
  const foreign = signIn === "login" && request.headers.get("Sec-Fetch-Site") !== "same-origin";
  if (!foreign || new URL(url).searchParams.has("ask")) return url;
  return `${url}${url.includes("?") ? "&" : "?"}ask=1`;
}

function escapeHTML(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
