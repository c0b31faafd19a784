// For the pages and their tests: what is likely a mistake. How a line looks, nobody checks.

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["*", "!overlay", "!tests", "tests/*", "!tests/overlay"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-implicit-globals": ["error", { lexicalBindings: false }],
      "no-implied-eval": "error",
      "no-eval": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["tests/**"], languageOptions: { globals: globals.nodeBuiltin } },
];
