// What the dashboard says of an invitation: overlay/invite.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { passwordWords, pictureOf } from "../../overlay/invite.js";

test("it is told whether the join password stands in the link", () => {
  const link = "https://h.example/join/a";
  assert.match(passwordWords({ link, password: false }), /no join password/);
  assert.match(passwordWords({ link, password: true }), /does not tell it: viewers are asked/);
  assert.match(passwordWords({ link: `${link}#password=x`, password: true }), /until you change the password/);
});

test("the picture is an address that has the picture in it", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><path fill="#fff" d="M0 0h33v33"/></svg>';
  const [before, after] = pictureOf(svg).split(",");
  assert.equal(before, "data:image/svg+xml;charset=utf-8");
  assert.equal(decodeURIComponent(after), svg);
});
