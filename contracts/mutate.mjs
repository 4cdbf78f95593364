// Spoils Z402Escrow.sol, one line at a time, and runs the escrow's tests against each spoiled copy: a line that can
// be spoiled without a test going red is a line that nobody tests.
//
//   node mutate.mjs                 prints the table; exit status 1 if a copy passed all tests
//   node mutate.mjs --only WORD     those whose description has this word
//   node mutate.mjs --write         also writes the table between the markers in ../docs/THREATS.md
//
// The tests are compiled once; AGENT_TEST_ARTIFACTS tells them where the spoiled contract is.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const tests = ["escrow", "escrow_property", "differential"];
// Enough to go red; whoever doubts raises them.
const bounds = { AGENT_TEST_CASES: "24", AGENT_TEST_MUTATIONS: "600", RUST_BACKTRACE: "0" };
// One run of all tests takes a few seconds. A spoiled contract could make one of them loop.
const timeout = 180_000;

// Two checks are not here, because no test can tell that they are missing. ecrecover itself refuses a v other than 27
// and 28. A row has no room for an s in the upper half but for one in 2^128 of them, which nobody can make for a signer
// that he knows.
//
// [what is spoiled, what stands there, what is put in its place]; what stands there must be there exactly once.
const mutations = [
  ["vouchers: any signer is taken", "if or(gt(s, HALF_ORDER), iszero(eq(mload(0x00), signer))) {", "if gt(s, HALF_ORDER) {"],
  ["vouchers: what ecrecover wrote before is taken for its answer", "mstore(0x00, 0)\n                pop(", "mstore(0x00, signer)\n                pop("],
  ["claims: may exceed the ceiling", "if gt(claim, ceiling) {", "if gt(claim, not(0)) {"],
  ["claims: may exceed what is authorized", "if gt(claim, authorized) {", "if gt(claim, not(0)) {"],
  ["claims: a claim is paid whole each time", "let delta := sub(claim, claimed)", "let delta := claim"],
  ["claims: an equal claim is paid again", "if or(iszero(gt(claim, claimed)), eq(authorized, claimed)) { continue }", "if eq(authorized, claimed) { continue }"],
  ["claims: a spent lock stops the batch", "if or(iszero(gt(claim, claimed)), eq(authorized, claimed)) { continue }", "if iszero(gt(claim, claimed)) { continue }"],
  ["claims: are not written down", "sstore(slot, add(state, shl(104, delta)))", "pop(slot)"],
  ["claims: count towards what is authorized", "sstore(slot, add(state, shl(104, delta)))", "sstore(slot, add(state, delta))"],
  ["rows: odd lengths are taken", "if (rows.length == 0 || rows.length % ROW_BYTES != 0) revert BadRows();", "if (rows.length == 0) revert BadRows();"],
  ["rows: odd lengths open locks", "if (rows.length == 0 || rows.length % OPENING_ROW_BYTES != 0) revert BadRows();", "if (rows.length == 0) revert BadRows();"],
  ["rows: locks opened by rows are not paid for", "        _debit(msg.sender, token, due);\n    }\n\n    /// @inheritdoc IZ402Escrow\n    function authorizeBySig(", "    }\n\n    /// @inheritdoc IZ402Escrow\n    function authorizeBySig("],
  ["lock ids: the payee is not in them", "mstore(add(m, 0x60), payee)", "mstore(add(m, 0x60), token)"],
  ["deadline: a payer may release before it", "if (block.timestamp <= state.deadline) revert DeadlineNotReached();", ""],
  ["deadline: a payer may release in its last second", "if (block.timestamp <= state.deadline)", "if (block.timestamp < state.deadline)"],
  ["deadline: may be shortened", "if (deadline < until) revert DeadlineShortened();", ""],
  ["deadline: may be too soon", "if (deadline < block.timestamp + MIN_LOCK_SECS) revert DeadlineTooSoon();", ""],
  ["deadline: may be too far", "if (deadline > block.timestamp + MAX_LOCK_SECS) revert DeadlineTooFar();", ""],
  ["release: by anyone after the deadline", "if (lock.payer != msg.sender) revert NotPayer();\n        bytes32 id = _lockId(lock);\n        LockState storage", "bytes32 id = _lockId(lock);\n        LockState storage"],
  ["release: by anyone in the payee's name", "if (lock.payee != msg.sender) revert NotPayee();", ""],
  ["release: more than is left", "released = amount < left ? amount : left;", "released = amount;"],
  ["release: to whoever sends it", "_pay(lock.token, lock.payer, released);", "_pay(lock.token, msg.sender, released);"],
  ["release: not written down", "state.authorized = uint104(authorized - released);", "state.authorized = uint104(authorized);"],
  ["vault: may be overdrawn", "if (held < amount) revert InsufficientVault();", ""],
  ["vault: opened from without paying", "_fund(lock, id, amount, deadline);\n        _debit(lock.payer, lock.token, amount);\n    }\n\n    /// @inheritdoc IZ402Escrow\n    function authorizeMany", "_fund(lock, id, amount, deadline);\n    }\n\n    /// @inheritdoc IZ402Escrow\n    function authorizeMany"],
  ["vault: anyone opens from another's", "if (lock.payer != msg.sender) revert NotPayer();\n        id = _lockId(lock);", "id = _lockId(lock);"],
  ["amounts: above 104 bits are taken", "if (amount > type(uint104).max) revert AmountTooLarge();\n    }", "}"],
  ["amounts: a lock's sum may overflow", "if (authorized > type(uint104).max) revert AmountTooLarge();", ""],
  ["amounts: the signed 128 bits may be overrun", "if (amount > type(uint128).max) revert AmountTooLarge();", ""],
  ["parties: a zero signer is taken", "lock.payer == address(0) || lock.signer == address(0) ||", "lock.payer == address(0) ||"],
  ["tokens: less may arrive than is booked", "if (afterwards < before || afterwards - before != amount) revert InexactTransfer();", ""],
  ["tokens: false is an answer", "default { ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0x00), 1))) }", "default { }"],
  ["tokens: an account without code is one", "case 0 { ok := and(ok, gt(extcodesize(token), 0)) }", "case 0 { }"],
  ["re-entrancy: the guard lets in", "if (_entered) revert Reentered();", ""],
  ["re-entrancy: one function without a guard", "function withdraw(address token, uint256 amount, address to) external nonReentrant {", "function withdraw(address token, uint256 amount, address to) external {"],
  ["signatures: nonces are not used up", "_nonces[signer][nonce] = true;", ""],
  ["signatures: a nonce may be used twice", "if (_nonces[signer][nonce]) revert NonceUsed();", ""],
  ["signatures: of any length", "if (signature.length != 65) revert BadSignature();", ""],
  ["signatures: the upper half of s", "if ((v != 27 && v != 28) || uint256(s) > HALF_ORDER) revert BadSignature();", "if (v != 27 && v != 28) revert BadSignature();"],
  ["signatures: nobody signs for the zero address", "if (recovered == address(0) || recovered != signer) revert BadSignature();", "if (recovered != signer) revert BadSignature();"],
  ["signatures: anybody signs", "if (recovered == address(0) || recovered != signer) revert BadSignature();", "if (recovered == address(0)) revert BadSignature();"],
  ["domain: without the chain", "NAME_HASH, VERSION_HASH, block.chainid, address(this)", "NAME_HASH, VERSION_HASH, uint256(84532), address(this)"],
  ["domain: without the contract", "NAME_HASH, VERSION_HASH, block.chainid, address(this)", "NAME_HASH, VERSION_HASH, block.chainid, address(0)"],
  ["deposits: the nonce does not bind the deadline", "keccak256(abi.encode(id, deadline, salt))", "keccak256(abi.encode(id, uint40(0), salt))"],
  ["deposits: the nonce does not bind the lock", "keccak256(abi.encode(id, deadline, salt))", "keccak256(abi.encode(uint256(0), deadline, salt))"],
];

const settings = JSON.parse(readFileSync(join(here, "artifacts/Z402Escrow.json"), "utf8")).settings;
const source = readFileSync(join(here, "src/Z402Escrow.sol"), "utf8");
const face = readFileSync(join(here, "src/IZ402Escrow.sol"), "utf8");

function compile(content) {
  const input = {
    language: "Solidity",
    sources: { "src/Z402Escrow.sol": { content }, "src/IZ402Escrow.sol": { content: face } },
    settings: { ...settings, outputSelection: { "src/Z402Escrow.sol": { Z402Escrow: ["evm.deployedBytecode.object"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((e) => e.severity === "error");
  if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  return "0x" + output.contracts["src/Z402Escrow.sol"].Z402Escrow.evm.deployedBytecode.object;
}

// The programs that `cargo test` would run.
function programs() {
  const arguments_ = ["test", "-p", "agent-tests", "--no-run", "--message-format=json", ...tests.flatMap((t) => ["--test", t])];
  const text = execFileSync("cargo", arguments_, { cwd: root, maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });
  const built = text.toString().split("\n").filter((l) => l.startsWith("{")).map((l) => JSON.parse(l));
  const found = built.filter((m) => m.executable && tests.includes(m.target?.name));
  if (found.length !== tests.length) throw new Error(`found ${found.length} of ${tests.length} test programs`);
  return tests.map((name) => found.find((m) => m.target.name === name)).map((m) => [m.target.name, m.executable]);
}

// Which tests of the first program that has any go red. They run where no sources are: what proptest finds in a spoiled
// contract is not to be kept beside them.
function run(built, directory) {
  const red = [];
  for (const [name, path] of built) {
    if (red.length) break;
    const env = { ...process.env, ...bounds, AGENT_TEST_ARTIFACTS: directory };
    const done = spawnSync(path, [], { cwd: directory, env, timeout, maxBuffer: 1 << 28 });
    const lines = done.stdout.toString().split("\n");
    red.push(...lines.flatMap((l) => l.match(/^test (\S+) \.\.\. FAILED$/)?.slice(1) ?? []).map((t) => `${name}::${t}`));
    if (done.error) red.push(`${name}: ${done.error.code}`);
  }
  return red.sort();
}

const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : "";
const wanted = mutations.filter(([what]) => what.includes(only));
for (const [what, there] of wanted) {
  if (source.split(there).length !== 2) throw new Error(`"${what}": its line is not there exactly once`);
}

const directory = mkdtempSync(join(tmpdir(), "mutate-"));
const rows = [];
try {
  const built = programs();
  const put = (code) => writeFileSync(join(directory, "Z402Escrow.json"), JSON.stringify({ deployedBytecode: code }));
  put(compile(source));
  const red = run(built, directory);
  if (red.length) throw new Error(`without a mutation, red: ${red.join(", ")}`);
  for (const [what, there, instead] of wanted) {
    put(compile(source.replace(there, () => instead)));
    const red = run(built, directory);
    rows.push([what, red]);
    console.log(`${red.length ? "noticed" : "SURVIVED"}  ${what}  (${red.length}: ${red.slice(0, 2).join(", ")})`);
  }
} finally {
  rmSync(directory, { recursive: true });
}

const survived = rows.filter(([, red]) => red.length === 0);
console.log(`${rows.length - survived.length} of ${rows.length} noticed`);
if (process.argv.includes("--write")) {
  const table = [
    "| what is spoiled | a test that goes red | others in the same program |",
    "|---|---|---:|",
    ...rows.map(([what, red]) => `| ${what} | ${red.length ? `\`${red[0]}\`` : "**none**"} | ${Math.max(red.length - 1, 0)} |`),
  ];
  const path = join(root, "docs/THREATS.md");
  const [begin, end] = ["<!-- mutations: written by contracts/mutate.mjs -->", "<!-- end of mutations -->"];
  const text = readFileSync(path, "utf8");
  const at = [text.indexOf(begin), text.indexOf(end)];
  if (at.some((i) => i < 0)) throw new Error("docs/THREATS.md has no markers for the table");
  writeFileSync(path, `${text.slice(0, at[0] + begin.length)}\n${table.join("\n")}\n${text.slice(at[1])}`);
}
process.exit(survived.length ? 1 : 0);
