// Fails on a function, event or error that can be seen from outside and does not say what it is for: every one has
// its own @notice, or the one of the interface that it inherits. Test contracts are left out, and so are the pieces of
// other people's interfaces that a file repeats to call them.
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));

function sources(dir) {
  return readdirSync(join(here, dir), { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? sources(`${dir}/${e.name}`) : e.name.endsWith(".sol") ? [`${dir}/${e.name}`] : [],
  );
}

const input = {
  language: "Solidity",
  sources: Object.fromEntries(sources("src").map((p) => [p, { content: readFileSync(join(here, p), "utf8") }])),
  settings: { evmVersion: "cancun", outputSelection: { "*": { "*": ["abi", "devdoc", "userdoc"] } } },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter((e) => e.severity === "error");
if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));

// The types as they stand in a signature: structs by their members.
const type = (i) => (i.type.startsWith("tuple") ? `(${i.components.map(type).join(",")})${i.type.slice(5)}` : i.type);
const signature = (item) => `${item.name}(${item.inputs.map(type).join(",")})`;

const missing = [];
let seen = 0;
for (const [path, contracts] of Object.entries(output.contracts)) {
  if (path.startsWith("src/test/")) continue;
  for (const [name, { abi, devdoc, userdoc }] of Object.entries(contracts)) {
    if (name !== basename(path, ".sol")) continue;
    if (!userdoc.notice && !devdoc.title) missing.push(`${path}: ${name}`);
    for (const item of abi) {
      const key = item.name && signature(item);
      const said = {
        function: () => userdoc.methods?.[key]?.notice,
        event: () => userdoc.events?.[key]?.notice,
        error: () => userdoc.errors?.[key]?.some((e) => e.notice),
      }[item.type];
      if (!said) continue;
      seen += 1;
      if (!said()) missing.push(`${path}: ${name}.${item.type} ${key}`);
    }
  }
}
if (missing.length) {
  console.error(`without @notice:\n${missing.join("\n")}`);
  process.exit(1);
}
console.log(`${seen} functions, events and errors say what they are for`);
