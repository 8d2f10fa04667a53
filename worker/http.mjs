/** Splits lines "name: value" into pairs, so that several of one name stay several. */
export function parseHeaders(text) {
  if (text === "") return [];
  return text.split("\n").map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}

/**
 * Reads a body whole.
 * @param {ReadableStream<Uint8Array> | null} stream
 * @param {number} limit
 * @returns {Promise<Uint8Array | undefined>} undefined if it has more than limit bytes
 */
export async function readLimited(stream, limit) {
  if (stream === null) return new Uint8Array(0);
  const chunks = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      return undefined;
    }
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** An error of the contract, where the program itself does not answer. */
export function refusal(status, code, description, headers = {}) {
  const body = { error: code, error_description: description, server_time: Math.floor(Date.now() / 1000) };
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

/** The answer where something failed that is no fault of the request's. */
export function failure(problem) {
  report(problem);
  return refusal(503, "temporarily_unavailable", "Something failed on the server. Try again.", { "Retry-After": "1" });
}

/** Writes a line of the log, as the program does. */
export function report(problem) {
  console.error(JSON.stringify({ level: "ERROR", msg: "event failed", cause: String(problem) }));
}
