// @ts-check
export { borrow } from "./src/borrow.js";
