// @ts-check
// Compiles a module that does not come from the backend's own address, once all of it was
// seen to be the right one. It is loaded when there is one, or when one is refused.

/** @import { Asset } from "./globals.js" */

/**
 * Throws for a file that is not what was named.
 * @param {Asset} asset
 * @returns {never}
 */
export function refuse({ url }) {
  throw new Error(url + " did not load, or is not the file that module.json names");
}

/**
 * Compiles the module as it arrives. What a proxy calls something else than
 * application/wasm is compiled when it is there.
 * @param {Asset} asset
 * @param {Response} response
 * @param {() => void} onProgress is called for each piece
 */
export async function compileChecked(asset, response, onProgress) {
  if (!asset.integrity) refuse(asset);
  const { subtle } = crypto;
  const pieces = response.clone().body;
  const content = response.clone().arrayBuffer();
  const [module, digest] = await Promise.all([
    WebAssembly.compileStreaming(response).catch((error) => content.then(WebAssembly.compile).catch(() => Promise.reject(error))),
    subtle && content.then((bytes) => subtle.digest("SHA-256", bytes)),
    pieces?.pipeTo(new WritableStream({ write: onProgress })),
  ]);
  if (digest && asset.integrity !== "sha256-" + btoa(String.fromCharCode(...new Uint8Array(digest)))) refuse(asset);
  return module;
}
