const TYPES = {
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  map: "application/json", // source maps, which debuggers load
  wasm: "application/wasm",
  html: "text/html; charset=utf-8",
};

/** The content security policy of a page. */
const PAGE_POLICY = "default-src 'none'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The folder of the files, below the backend's public URL. */
const FOLDER = "/client/";

/** A name that the build made of its file's content; such a file never changes. */
const HASHED = /\.[0-9a-f]{16}\.[a-z]+$/;

/**
 * Serves the browser module and the client below {backend}/client/, in the
 * compressed form in which they were built, as the server does. The program is not
 * started for them.
 * @param {import("./request.mjs").Parsed} parsed
 * @returns {Promise<Response> | undefined} undefined for every other address
 */
export function clientFile({ path, request }, env) {
  if (!path?.startsWith(FOLDER)) return undefined;
  return serve(path.slice(FOLDER.length), request, env.ASSETS);
}

async function serve(name, request, assets) {
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
  if (type === undefined || name.includes("/")) return textResponse("404 page not found", 404);
  if (request.method !== "GET" && request.method !== "HEAD") return textResponse("method not allowed", 405, { Allow: "GET, HEAD" });
  for (const [encoding, suffix] of [["br", ".br"], ["gzip", ".gz"], ["", ""]]) {
    if (!accepts(request, encoding)) continue;
    const file = await fetchAsset(name + suffix, request, assets);
    if (file.status !== 200 && file.status !== 304) continue;
    const headers = {
      "Content-Type": type,
      "Cache-Control": HASHED.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
      "Access-Control-Allow-Origin": "*",
      "Cross-Origin-Resource-Policy": "cross-origin",
      "X-Content-Type-Options": "nosniff",
      Vary: "Accept-Encoding",
      ETag: file.headers.get("ETag"),
      ...(type === TYPES.js && !HASHED.test(name) && { SourceMap: `${name}.map` }),
      ...(encoding !== "" && { "Content-Encoding": encoding }),
      ...(type === TYPES.html && { "Content-Security-Policy": PAGE_POLICY }),
    };
    return new Response(file.body, { status: file.status, headers, encodeBody: "manual" });
  }
  return textResponse("404 page not found", 404);
}

function fetchAsset(file, request, assets) {
  const headers = {};
  const known = request.headers.get("If-None-Match");
  if (known !== null) headers["If-None-Match"] = known;
  return assets.fetch(new Request(`https://assets/${encodeURIComponent(file)}`, { method: request.method, headers }));
}

/** Cloudflare rewrites Accept-Encoding and keeps what the client sent beside it. */
function accepts(request, encoding) {
  if (encoding === "") return true;
  const accepted = request.cf?.clientAcceptEncoding || request.headers.get("Accept-Encoding") || "";
  return accepted.split(",").some((item) => {
    const [coding, weight] = item.trim().toLowerCase().split(/\s*;\s*q=/);
    return coding === encoding && weight !== "0" && !/^0\.0*$/.test(weight);
  });
}

function textResponse(text, status, headers = {}) {
  return new Response(`${text}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", ...headers } });
}
