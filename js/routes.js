// @ts-check
export { followRoutes, organizationOf } from "./src/routes/follow.js";
