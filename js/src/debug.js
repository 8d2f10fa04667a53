// @ts-check
// A client's messages on the console, where they are asked for. It has no imports.

/** @import { Client } from "../index.js" */

/**
 * Tells every state of a client, and the effects of a browser that blocks storage.
 * @param {Client} client
 * @param {string} backend
 */
export function debug(client, backend) {
  const tell = () => {
    const { status, organization, error } = client.state;
    console.debug("tabard:", status, organization?.slug, error?.code, error?.action, error?.description, backend);
  };
  tell();
  client.subscribe(tell);
  try {
    sessionStorage.length;
  } catch {
    console.warn("tabard: storage_blocked: a reload forgets the organization");
  }
}
