// Compiles src/ with the solc that package.json pins and writes artifacts/<Name>.json.
// With --check it writes nothing and fails if what is checked in differs by a byte.
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));

// Contracts somebody deploys or places at an address; interfaces and bases have no artifact.
const wanted = {
  "src/Z402Escrow.sol": ["Z402Escrow"],
  "src/erc8004/IdentityRegistry.sol": ["IdentityRegistry"],
  "src/erc8004/ReputationRegistry.sol": ["ReputationRegistry"],
  "src/test/HostileTokens.sol": [
    "AnswersToken",
    "BlacklistToken",
    "FeeOnTransferToken",
    "PhantomToken",
    "ReentrantToken",
    "ReturnsFalseToken",
    "ReturnsNothingToken",
  ],
  "src/test/TestUSDC.sol": ["TestUSDC"],
  "src/test/Tries.sol": ["Tries"],
  "src/x402/ERC3009DepositCollector.sol": ["ERC3009DepositCollector"],
  "src/x402/Multicall3.sol": ["Multicall3"],
  "src/x402/Permit2DepositCollector.sol": ["Permit2DepositCollector"],
  "src/x402/Permit2SignatureTransfer.sol": ["Permit2SignatureTransfer"],
  "src/x402/X402BatchSettlement.sol": ["X402BatchSettlement"],
  "src/x402/X402ExactPermit2Proxy.sol": ["X402ExactPermit2Proxy"],
  "src/x402/X402UptoPermit2Proxy.sol": ["X402UptoPermit2Proxy"],
};

const settings = {
  // transient storage needs cancun
  evmVersion: "cancun",
  // no hash of the metadata in the bytecode: a changed comment must not change it
  metadata: { bytecodeHash: "none" },
  optimizer: { enabled: true, runs: 1_000_000 },
  viaIR: true,
};

function sources(dir) {
  return readdirSync(join(here, dir), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((e) => (e.isDirectory() ? sources(`${dir}/${e.name}`) : e.name.endsWith(".sol") ? [`${dir}/${e.name}`] : []));
}

const input = {
  language: "Solidity",
  sources: Object.fromEntries(sources("src").map((p) => [p, { content: readFileSync(join(here, p), "utf8") }])),
  settings: {
    ...settings,
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const e of output.errors ?? []) console.error(e.formattedMessage);
// Warnings are denied as well.
if (output.errors?.length) process.exit(1);

// Keys in alphabetical order at every level, so that the bytes do not depend on the compiler's order.
const ordered = (v) =>
  Array.isArray(v)
    ? v.map(ordered)
    : v && typeof v === "object"
      ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, ordered(v[k])]))
      : v;

const files = new Map();
for (const [path, names] of Object.entries(wanted)) {
  for (const name of names) {
    const c = output.contracts[path][name];
    const artifact = {
      contractName: name,
      compiler: solc.version().replace(/\.Emscripten.*$/, ""),
      settings: ordered(settings),
      abi: ordered(c.abi),
      bytecode: "0x" + c.evm.bytecode.object,
      deployedBytecode: "0x" + c.evm.deployedBytecode.object,
    };
    files.set(`${name}.json`, JSON.stringify(artifact, null, 2) + "\n");
  }
}

const dir = join(here, "artifacts");
mkdirSync(dir, { recursive: true });
const present = readdirSync(dir).filter((f) => f.endsWith(".json"));
if (process.argv.includes("--check")) {
  const bad = present.filter((f) => !files.has(f)).map((f) => `${f}: not produced by the build`);
  for (const [f, text] of files) {
    if (!present.includes(f)) bad.push(`${f}: missing`);
    else if (readFileSync(join(dir, f), "utf8") !== text) bad.push(`${f}: differs`);
  }
  if (bad.length) {
    console.error(bad.join("\n"));
    process.exit(1);
  }
  console.log(`${files.size} artifacts match`);
} else {
  for (const [f, text] of files) writeFileSync(join(dir, f), text);
  console.log(`${files.size} artifacts written`);
  for (const f of present) if (!files.has(f)) console.log(`stale: ${f}`);
}
