// Runs slither over the contracts. Slither wants a native solc; this gives it one that is solc-js.
//
//   node slither.mjs [python with slither-analyzer; default python3]
//
// Prints what slither finds in the escrow. Each kind of finding is answered in ../docs/THREATS.md: a kind that is not
// answered there, or an answer to what is not found any more, ends with exit status 1.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const python = process.argv[2] ?? "python3";
const contract = "src/Z402Escrow.sol";

// The two questions that slither asks a compiler: its version, and everything about one file.
const shim = `#!/usr/bin/env node
const { existsSync, readFileSync } = require("node:fs");
const { dirname, join, relative } = require("node:path");
const solc = require(${JSON.stringify(join(here, "node_modules/solc"))});
const asked = process.argv.slice(2);
if (asked.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface\\nVersion: " + solc.version());
  process.exit(0);
}
const file = asked.find((a) => a.endsWith(".sol"));
const input = {
  language: "Solidity",
  sources: { [file]: { content: readFileSync(file, "utf8") } },
  settings: {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 1000000 },
    viaIR: true,
    outputSelection: { "*": { "": ["ast"], "*": ["abi", "evm.bytecode", "evm.deployedBytecode", "userdoc", "devdoc", "evm.methodIdentifiers"] } },
  },
};
const find = (path) => (existsSync(path) ? { contents: readFileSync(path, "utf8") } : { error: "not found" });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
const errors = (output.errors ?? []).filter((e) => e.severity === "error");
if (errors.length) {
  console.error(errors.map((e) => e.formattedMessage).join("\\n"));
  process.exit(1);
}
const contracts = {};
for (const [path, all] of Object.entries(output.contracts)) {
  for (const [name, c] of Object.entries(all)) {
    contracts[path + ":" + name] = {
      abi: c.abi,
      bin: c.evm.bytecode.object,
      "bin-runtime": c.evm.deployedBytecode.object,
      srcmap: c.evm.bytecode.sourceMap,
      "srcmap-runtime": c.evm.deployedBytecode.sourceMap,
      userdoc: c.userdoc,
      devdoc: c.devdoc,
      hashes: c.evm.methodIdentifiers,
    };
  }
}
const sources = Object.fromEntries(Object.entries(output.sources).map(([path, s]) => [path, { AST: s.ast }]));
console.log(JSON.stringify({ contracts, sourceList: Object.keys(sources), sources, version: solc.version() }));
`;

const directory = mkdtempSync(join(tmpdir(), "slither-"));
try {
  const solc = join(directory, "solc.cjs");
  writeFileSync(solc, shim);
  chmodSync(solc, 0o755);
  const found = join(directory, "found.json");
  const done = spawnSync(python, ["-m", "slither", contract, "--solc", solc, "--json", found, "--disable-color"], {
    cwd: here,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  let report;
  try {
    report = JSON.parse(readFileSync(found, "utf8"));
  } catch {
    throw new Error(done.stderr || String(done.error));
  }
  if (!report.success) throw new Error(report.error);
  const kinds = new Map();
  for (const { check, impact, description } of report.results.detectors ?? []) {
    kinds.set(check, [...(kinds.get(check) ?? []), `${impact}: ${description.trim()}`]);
  }
  for (const [check, all] of kinds) console.log(`== ${check} (${all.length})\n${all.join("\n")}`);
  const text = readFileSync(join(here, "../docs/THREATS.md"), "utf8");
  const section = text.split("<!-- slither -->")[1] ?? "";
  const answered = new Set([...section.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((m) => m[1]));
  const open = [...kinds.keys()].filter((kind) => !answered.has(kind));
  const stale = [...answered].filter((kind) => !kinds.has(kind));
  if (open.length) console.error(`not answered in docs/THREATS.md: ${open.join(", ")}`);
  if (stale.length) console.error(`answered, but not found any more: ${stale.join(", ")}`);
  if (!open.length && !stale.length) console.log(`${kinds.size} kinds of findings, each answered`);
  process.exitCode = open.length || stale.length ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true });
}
