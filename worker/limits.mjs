import { failure, refusal } from "./refusal.mjs";

/** The longest limit's period, in seconds: when it is worth trying again. */
const PERIOD = 60;

/** A browser has at most twelve sessions; this is more than any that the release before left. */
const MAX_SESSIONS = 32;

/** So many of them stay where a browser has more, as the program leaves it (authn.maxSessions). */
const KEPT_SESSIONS = 12;

/**
 * Counts a request, and answers it where there were too many. The platform's rate
 * limits hold for all isolates of a location; an instance's memory would not. Where
 * they fail, nothing is known, and nothing goes on.
 * @param {import("./request.mjs").Parsed} parsed
 * @returns {Promise<Response | undefined>} undefined where the request may go on
 */
export async function checkLimits(parsed, env) {
  try {
    return await count(parsed, env);
  } catch (problem) {
    return failure(parsed, problem);
  }
}

async function count(parsed, env) {
  const { client, signIn, foreign, sessions } = parsed;
  const from = network(client);
  // Requests of foreign pages have a share of their own: such a page must not use up that
  // of the network of whoever visits it.
  const counted = [env.PER_ADDRESS.limit({ key: foreign ? `foreign ${from}` : from })];
  // Each half of a sign-in is counted by itself: whoever was let in to begin has been at
  // the provider since, and is not turned away at the end because others of the same
  // office begin.
  if (signIn !== undefined && !foreign) counted.push(env.SIGN_INS.limit({ key: `${signIn} ${from}` }));
  // The whole token counts, not the session that it names: who cannot show it
  // cannot use its session's limit up.
  if (sessions.length <= MAX_SESSIONS) {
    for (const token of sessions) counted.push(digest(token).then((key) => env.PER_SESSION.limit({ key })));
  }
  const outcomes = await Promise.all(counted);
  if (!outcomes.every(({ success }) => success)) {
    return refusal(parsed, 429, "rate_limited", "There were too many requests. Wait a moment.", { headers: { "Retry-After": String(PERIOD) } });
  }
  if (sessions.length <= MAX_SESSIONS) return undefined;
  return tooManySessions(parsed);
}

/** Refuses a browser with too many sessions. A page takes away the oldest, so that it leads on. */
function tooManySessions(parsed) {
  const description = parsed.navigation
    ? "This browser had too many sessions. The oldest ones were removed."
    : "This browser has too many sessions. Clear its cookies.";
  const answer = refusal(parsed, 400, "invalid_request", description, { page: "crowded" });
  if (!parsed.navigation) return answer;
  for (const name of parsed.sessionNames.slice(0, -KEPT_SESSIONS)) {
    answer.headers.append("Set-Cookie", `${name}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict`);
  }
  return answer;
}

/** The network that an address stands for: itself, or the /64 of an IPv6 address. */
export function network(address) {
  if (!address.includes(":")) return address;
  const canonical = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (canonical === undefined) return address;
  const [before, after] = canonical.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = Array(8 - head.length - tail.length).fill("0");
  return [...head, ...(after === undefined ? [] : zeros), ...tail].slice(0, 4).join(":");
}

async function digest(text) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...hash.subarray(0, 16)].map((b) => b.toString(16).padStart(2, "0")).join("");
}
