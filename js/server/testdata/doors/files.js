// @ts-nocheck
import { readFileSync } from "node:fs";

import { createDoors } from "./doors.js";

const read = (name) => JSON.parse(readFileSync(`${process.env.VECTORS}/${name}`, "utf8"));

export const doors = createDoors(read("tokens.json"), read("requests.json"));
