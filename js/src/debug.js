// @ts-check
// What a client tells on the console if it is asked to. It imports nothing.

/** @import { Client } from "../index.js" */

/**
 * Tells every state of a client, and what a browser that blocks storage takes away.
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
