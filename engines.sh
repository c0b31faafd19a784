#!/bin/sh
# The engines that OBS has for its browser sources, of npm's @sparticuz/chromium: Chromium 103 is that of OBS 28 to 30,
# and 127 that of 31 and 32. The tests of `make nightly` open the pages in them.
set -eu
cd "$(dirname "$0")"

engine() { # version, sha512 as npm's registry tells it
    folder=.engines/$1
    [ -x "$folder/chromium" ] && return 0
    command -v npm >/dev/null || { echo "Chromium $1 comes from npm, which is not here: install Node.js 20 or newer." >&2; return 0; }
    echo "Fetching Chromium $1 into $folder (60 MB, 250 MB unpacked, once) ..."
    mkdir -p "$folder"
    file=$folder/$(cd "$folder" && npm pack --silent "@sparticuz/chromium@$1.0.0")
    node - "$file" "$2" "$folder" <<'END'
const [, , file, sha512, folder] = process.argv;
const { createHash } = require("node:crypto"), { execFileSync } = require("node:child_process");
const { readFileSync, writeFileSync } = require("node:fs"), { brotliDecompressSync } = require("node:zlib");
const came = createHash("sha512").update(readFileSync(file)).digest("base64");
if (came !== sha512) throw new Error(`${file}: expected a sha512 of ${sha512}, this one has ${came}. Remove it and try again.`);
execFileSync("tar", ["xzf", file, "-C", folder, "--strip-components", "2", "package/bin"]);
writeFileSync(`${folder}/swiftshader.tar`, brotliDecompressSync(readFileSync(`${folder}/swiftshader.tar.br`)));
execFileSync("tar", ["xf", `${folder}/swiftshader.tar`, "-C", folder]);
writeFileSync(`${folder}/chromium`, brotliDecompressSync(readFileSync(`${folder}/chromium.br`)), { mode: 0o755 });
END
    rm -f "$file" "$folder"/*.br "$folder"/*.tar
}

engine 103 tFX5k5uWAT0fIxelUtpN4GN1VOTT61AHB6rRjeYzC296SjizKM1pNslEWj0YeuajKfsnNeDuHizB320TTTOrkA==
engine 127 3YdElfXb6kqcFtlgaArNZohhZ1gWAiWg5kPYIZbaoHFau7dHZvbYg3EEjeE30bYi6cfOnB8wVpluuasF8Y3QyQ==
