// @ts-check
export { createVerifier } from "./src/verifier.js";
export { createGuard } from "./src/guard.js";
export { TokenError } from "./src/error.js";
export { refusalOf, refuse } from "./src/refusal.js";
export { renewalUrl } from "./src/renewal.js";
export { allows, byStaff, serves } from "./src/claims.js";
export { logTo } from "./src/record.js";
