import { head, parse } from "../request.mjs";

// Answers with how a request is read, where the public URL is what its header
// Public-Url says.
export default {
  fetch(request) {
    const parsed = parse(request, { TABARD_PUBLIC_URL: request.headers.get("Public-Url") });
    const { url, path, signIn = "", asks, sessions } = parsed;
    return Response.json({ url, path, signIn, asks, sessions, head: head(parsed) });
  },
};
