// @ts-nocheck
// The table of addresses that Go runs too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { normalized } from "../src/address.js";

test("addresses are compared in one form, and odd ones are refused", () => {
  for (const [address, want] of JSON.parse(readFileSync(new URL("../vectors/addresses.json", import.meta.url), "utf8"))) {
    assert.equal(normalized(address) ?? null, want, address);
  }
});
