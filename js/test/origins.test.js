// @ts-nocheck
// Clients of an app that has an origin for each organization. See stage.js.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { open } from "./open.js";
import { publish, set, settle } from "./stage.js";

const origins = { home: "https://app.example", pattern: "https://:organization.app.example" };
const url = "https://app.example/auth/login?join=1&prompt=none";

/** A client of such an app. */
async function many(functions) {
  const stage = set();
  Object.assign(stage.module, functions);
  const client = open();
  await settle();
  publish(stage, { origins });
  await settle();
  return { stage, client };
}

/** Settles the calls that load a part of the client. */
const turns = async () => {
  for (let i = 0; i < 5; i++) await settle();
};

test("the code in the address is the module's, and leaves the address", async () => {
  const stage = set({ href: "https://app.example/p?q#top&tabard_join=a%2Bb" });
  open();
  await settle();
  assert.equal(stage.host.options.join, "a+b");
  assert.equal(String(stage.replaced[2]), "https://app.example/p?q#top");
});

test("the page leaves for a silent sign-in, and the person is asked where it cannot", async () => {
  const { stage } = await many({ stepUp: () => "", asked: () => "" });
  stage.calls.length = 0;
  stage.host.join(url);
  await turns();
  assert.deepEqual(stage.calls, [["stepUp", "", url, "https://app.example/page"]]);
  stage.calls.length = 0;
  globalThis.window.parent = {}; // the page is in a frame
  stage.host.join(url);
  await turns();
  delete globalThis.window.parent;
  assert.deepEqual(stage.calls, [["asked"]]);
});

test("a new tab is opened in the click, and led to the organization's origin or closed", async () => {
  const { stage, client } = await many({
    lead(organization, path) {
      if (organization === "hooli") throw { code: "organization_access_denied", action: "stop", description: "" };
      return `https://${organization}.app.example${path}#tabard_join=c`;
    },
  });
  const tab = { opener: 1, location: { replace: mock.fn() }, close: mock.fn() };
  globalThis.window.open = mock.fn(() => tab);
  client.openTab("globex", "/x?y#z");
  assert.deepEqual(globalThis.window.open.mock.calls.map(({ arguments: args }) => args), [["", "_blank"]]);
  await turns();
  assert.deepEqual(tab.location.replace.mock.calls[0].arguments, ["https://globex.app.example/x?y#z#tabard_join=c"]);
  assert.equal(tab.opener, null);
  client.openTab("acme");
  await turns();
  assert.deepEqual(tab.location.replace.mock.calls[1].arguments, ["https://acme.app.example#tabard_join=c"]);
  assert.equal(tab.close.mock.callCount(), 0);
  client.openTab("hooli");
  await turns();
  assert.equal(tab.close.mock.callCount(), 1);
  assert.equal(stage.errors[0].code, "organization_access_denied");
});

test("without an organization the page leaves for the app's own", async () => {
  const { stage, client } = await many({ switch: () => JSON.stringify({ status: "leaving", code: "page_left", action: "stop", description: "" }) });
  stage.calls.length = 0;
  assert.equal((await client.switchOrganization(null)).status, "leaving");
  assert.deepEqual(stage.calls, [["switch", ""]]);
  await assert.rejects(client.switchOrganization(""), TypeError);
  await assert.rejects(client.switchOrganization(), TypeError);
});

test("the page is asked before it leaves for another origin", async () => {
  const { client } = await many({ switch: () => assert.fail("it left") });
  client.beforeSwitch(({ to }) => (assert.equal(to, ""), false));
  assert.equal((await client.switchOrganization(null)).code, "switch_declined");
});
