// @ts-check

/**
 * Whether an answer of GET /session says that the browser has no session: none came with the
 * request, or the one that came has ended.
 * @param {unknown} code
 */
export const isSignedOut = (code) => /^(login_required|session_(expired|revoked))$/.test(String(code));
