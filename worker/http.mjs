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

/** Writes a line of the log, as the program does. */
export function report(problem) {
  console.error(JSON.stringify({ level: "ERROR", msg: "event failed", cause: String(problem) }));
}
