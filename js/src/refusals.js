// @ts-check
// An API's refusals, and answers that are another organization's. It is loaded when there is one,
// and has no imports: its needs are handed to it.

/** @typedef {import("./ondemand.js").Context} Context */

/**
 * Throws for an answer that is not the organization's.
 * @param {Context} context
 * @param {Response} response
 * @returns {never}
 */
export function foreign({ TabardError }, response) {
  void response.body?.cancel();
  const named = response.headers.get("Tabard-Organization");
  throw named
    ? new TabardError("organization_mismatch", "stop", `the answer of ${response.url} is ${named}'s`)
    : new TabardError("organization_unnamed", "stop", `${response.url} does not say whose its answer is: it lacks Tabard-Organization`);
}

/**
 * The answer to a request that an API refused: that to the request made again, where a new
 * token may mend it.
 * @param {Context} context
 * @param {(header: string) => Promise<Error>} challenged returns the error of a challenge
 * @param {Response} response
 * @param {string} token that was refused
 * @param {import("./fetch.js").Again} [again] none where the body can be read only once
 */
export async function answerTo({ credential }, challenged, response, token, again) {
  if (response.type === "opaque") throw new TypeError('mode "no-cors" sends no token, and hides the answer: leave mode out, and let the API allow the page\'s origin by CORS');
  await throwChallenge(response, challenged);
  let access = "";
  if (response.status === 401) access = await credential(token);
  else if (asks(response, 403, "insufficient_scope")) access = await credential(token, "keep").catch(() => "");
  if (!access || !again) return response;
  const second = await again(access);
  await throwChallenge(second, challenged);
  if (second.status === 401) explainRefusal(second);
  return second;
}

/** The origins whose refusals stand on the console. @type {Set<string>} */
const said = new Set();

/**
 * Says why an API refuses a token that was minted just now. A challenge without an error means that
 * no token arrived (RFC 6750, section 3.1).
 * @param {Response} response
 */
function explainRefusal(response) {
  const { origin } = new URL(response.url || location.href);
  if (said.has(origin)) return;
  said.add(origin);
  const challenge = challengeOf(response);
  const problem = /^(bearer|dpop)/i.test(challenge) && !/error=/.test(challenge)
    ? 'got no token, although one was sent: leave mode "no-cors" out of the request, and let neither a wrapper of fetch, a service worker nor a proxy drop the header Authorization'
    : `refuses a token that was minted just now (401${challenge && " " + challenge}): see that it expects this backend as the issuer, and the app's audience`;
  console.error(`tabard: ${response.url} ${problem}`);
}

/**
 * Throws where an API asks for a step-up.
 * @param {Response} response
 * @param {(header: string) => Promise<Error>} challenged
 */
async function throwChallenge(response, challenged) {
  if (asks(response, 401, "insufficient_user_authentication")) throw await challenged(challengeOf(response));
}

const challengeOf = (/** @type {Response} */ { headers }) => headers.get("WWW-Authenticate") ?? "";

/**
 * Whether an API refuses a request for this reason (RFC 6750, RFC 9470).
 * @param {Response} response
 * @param {number} status
 * @param {string} error
 */
const asks = (response, status, error) => response.status === status && challengeOf(response).includes(error);
