import { readLimited } from "./http.mjs";
import { failure, refusal } from "./refusal.mjs";

/** The most bytes of a poll's body, as the program reads it (web.Read). */
const MAX_BODY = 16 << 10;

/** How often the feed is looked at while a poll waits, and how long it waits, in milliseconds. */
const EVERY = 200;
const LONGEST = 10_000;

/** The number of the feed's newest event (backend/store/sqlstore/endings.go). */
const NEWEST = "SELECT number FROM feed WHERE one = 1";

/** Whether a request polls the feed of endings. */
export function isPoll({ request, path }) {
  return request.method === "POST" && path === "/events/poll";
}

/**
 * Answers a poll of the feed. The program, which waits for nothing on Workers, is asked for
 * what there is, and again once there is more: no instance of it is lent in between. It
 * checks the key each time.
 * @param {import("./request.mjs").Parsed} parsed
 * @param {(parsed: import("./request.mjs").Parsed) => Promise<Response>} ask asks the program
 */
export async function poll(parsed, env, ask) {
  const { request } = parsed;
  const body = await readLimited(request.body, MAX_BODY);
  if (body === undefined) return refusal(parsed, 413, "invalid_request", "The body is too large.");
  const { url, headers, signal } = request;
  const again = () => ask({ ...parsed, request: new Request(url, { method: "POST", headers, body, signal }) });
  const answer = await again();
  if (answer.status !== 200 || !mayWait(body)) return answer;
  const text = await answer.text();
  const { sets, after, reset } = JSON.parse(text);
  const found = reset || Object.keys(sets).length > 0;
  try {
    if (!found && (await changes(after, env, signal))) return await again();
  } catch (problem) {
    return failure(parsed, problem);
  }
  return new Response(text, { status: 200, headers: answer.headers });
}

/** Whether a poll that the program answered may wait. */
function mayWait(body) {
  const { returnImmediately, maxEvents } = JSON.parse(new TextDecoder().decode(body));
  return returnImmediately !== true && maxEvents !== 0;
}

/** Waits until the feed's newest event is another than one, and reports whether it is. */
async function changes(number, env, signal) {
  for (const end = Date.now() + LONGEST; Date.now() < end && !signal.aborted; ) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    const newest = await env.DB.prepare(NEWEST).first("number");
    if (newest !== null && newest !== number) return true;
  }
  return false;
}
