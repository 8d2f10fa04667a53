import { refusal } from "./http.mjs";

/** The longest limit's period, in seconds: when it is worth trying again. */
const PERIOD = 60;

const SIGN_IN = /\/(login|callback|callback\/[^/]+)$/;
const SESSION = /(?:^|; )__Host-Http-tabard\.[^=]+=([^;]+)/g;

/**
 * Counts a request, and answers it where there were too many. The platform's rate
 * limits hold for all isolates of a location; an instance's memory would not.
 * @returns {Promise<Response | undefined>} undefined where the request may go on
 */
export async function exceeded(request, env) {
  const from = network(request.headers.get("CF-Connecting-IP") ?? "");
  const counted = [env.PER_ADDRESS.limit({ key: from })];
  if (SIGN_IN.test(new URL(request.url).pathname)) counted.push(env.SIGN_INS.limit({ key: from }));
  // The whole token counts, not the session that it names: who cannot show it
  // cannot use its session's limit up.
  for (const [, token] of (request.headers.get("Cookie") ?? "").matchAll(SESSION)) {
    counted.push(digest(token).then((key) => env.PER_SESSION.limit({ key })));
  }
  const outcomes = await Promise.all(counted);
  if (outcomes.every(({ success }) => success)) return undefined;
  return refusal(429, "rate_limited", "There were too many requests. Wait a moment.", { "Retry-After": String(PERIOD) });
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
