export { GET } from "../../../../doors.js";
