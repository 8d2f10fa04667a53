// @ts-check
export { followTheme, hueOf } from "./src/theme.js";
