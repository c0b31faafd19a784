// What the page of an invitation makes of its address: overlay/invitation.js. tests/e2e/test_join_page.py compares the
// links with those of relay/common/invitation.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isPhone, links, read } from "../../overlay/invitation.js";

const from = (address, prefix = "/") => read(new URL(address), new URL(prefix, address));

test("relay, channel and password come from the page's own address", () => {
  assert.deepEqual(from("https://h.example/join/Cats#password=a%20b%2Bc+d"),
    { relay: "https://h.example", channel: "Cats", password: "a b+c+d" });
  assert.deepEqual(from("http://[::1]:8765/join/Cats?lang=zh"), { relay: "http://[::1]:8765", channel: "Cats", password: "" });
  assert.deepEqual(from("https://h.example/a/b/join/Cats", "/a/b/"), { relay: "https://h.example/a/b", channel: "Cats", password: "" });
});

test("nothing else of the address gets into the links", () => {
  const found = from("https://h.example/join/Cats?password=s3cret&key=s3cret#key=s3cret&admin_key=s3cret&password=x");
  assert.equal(found.password, "x");
  assert.ok(links(found).every((link) => !link.includes("s3cret")));
});

test("what can be no channel is none", () => {
  for (const name of ["", "big%20cats", "%3Cscript%3E", "-a", "a".repeat(65), "Cats/", "%00", "a'onclick"]) {
    assert.equal(from(`https://h.example/join/${name}`), null, name);
  }
});

test("what can be no password is none", () => {
  for (const text of ["%00", "a%0Ab", "%ff", "a".repeat(129), "%1b[2J"]) {
    assert.equal(from(`https://h.example/join/Cats#password=${text}`).password, "", text);
  }
  assert.equal(from(`https://h.example/join/Cats#password=${encodeURIComponent("🙂".repeat(128))}`).password, "🙂".repeat(128));
});

test("the links escape what a password may have in it", () => {
  const invitation = { relay: "https://h.example/a", channel: "Cats", password: "it's (a) *& =#?/\"<里>!~" };
  const fragment = "#password=it%27s%20%28a%29%20%2A%26%20%3D%23%3F%2F%22%3C%E9%87%8C%3E%21~";
  assert.deepEqual(links(invitation), [
    `https://h.example/a/join/Cats${fragment}`,
    `moodcast://join?relay=https%3A%2F%2Fh.example%2Fa&channel=Cats${fragment}`,
  ]);
  for (const link of links(invitation)) assert.equal(new URLSearchParams(new URL(link).hash.slice(1)).get("password"), invitation.password);
});

test("phones and tablets are known as such", () => {
  const of = (userAgent, maxTouchPoints = 0) => isPhone({ userAgent, maxTouchPoints });
  assert.ok(of("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0.0.0 Mobile Safari/537.36", 5));
  assert.ok(of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1", 5));
  assert.ok(of("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", 5));
  assert.ok(!of("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15"));
  assert.ok(!of("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36"));
  assert.ok(!of("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36", 10));
});
