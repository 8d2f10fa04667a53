// @ts-check

import { mark } from "./admission.js";

/**
 * @import { IncomingMessage, ServerResponse } from "node:http"
 * @import { Admission } from "./admission.js"
 */

/**
 * A Node request as a guard reads it. Repeated headers are joined with a comma, as Fetch does:
 * Node itself drops the second Authorization.
 * @param {IncomingMessage & {originalUrl?: string}} request
 * @returns {any}
 */
export const fromNode = (request) => ({
  method: request.method ?? "",
  url: request.originalUrl ?? request.url ?? "",
  headers: { get: (/** @type {string} */ name) => header(request.rawHeaders, name.toLowerCase()) },
  over: () => (request.headers.upgrade === undefined ? undefined : closeOf(request.socket)),
});

/**
 * A signal that aborts when a connection or an answer is closed.
 * @param {import("node:net").Socket | ServerResponse} emitter
 */
function closeOf(emitter) {
  const over = new AbortController();
  emitter.once("close", () => over.abort());
  if (emitter.destroyed || emitter.writableFinished) over.abort();
  return over.signal;
}

/**
 * A request as a guard reads it, whether of Fetch or of Node.
 * @param {any} request
 * @returns {any}
 */
export const viewOf = (request) => (typeof request.headers?.get === "function" ? request : fromNode(request));

/**
 * @param {string[]} raw names and values in turn
 * @param {string} name in small letters
 */
function header(raw, name) {
  const values = raw.filter((_, i) => i % 2 === 1 && raw[i - 1].toLowerCase() === name);
  return values.length > 0 ? values.join(", ") : null;
}

/**
 * Marks a Node answer when its headers are written.
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {Admission} admission
 */
export function markNode(request, response, admission) {
  for (const [name, value] of admission.tags.conditions((name) => request.headers[name.toLowerCase()]?.toString())) {
    if (value === undefined) delete request.headers[name.toLowerCase()];
    else request.headers[name.toLowerCase()] = value;
  }
  admission.over = () => closeOf(response);
  response.setHeader("Tabard-Organization", admission.organization);
  const writeHead = /** @type {(status: number, reason?: string) => ServerResponse} */ (response.writeHead);
  response.writeHead = (/** @type {number} */ status, /** @type {any[]} */ ...rest) => {
    const reason = typeof rest[0] === "string" ? rest[0] : undefined;
    addHeaders(response, reason === undefined ? rest[0] : rest[1]);
    mark({
      get: (name) => response.getHeader(name)?.toString() ?? null,
      set: (name, value) => void response.setHeader(name, value),
    }, admission);
    return reason === undefined ? writeHead.call(response, status) : writeHead.call(response, status, reason);
  };
}

/**
 * Sets the headers that were passed to writeHead: an object, or names and values in turn.
 * @param {ServerResponse} response
 * @param {any} headers
 */
function addHeaders(response, headers) {
  if (!headers) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    return;
  }
  const flat = headers.flat();
  for (let i = 0; i < flat.length; i += 2) response.removeHeader(flat[i]);
  for (let i = 0; i < flat.length; i += 2) response.appendHeader(flat[i], flat[i + 1]);
}
