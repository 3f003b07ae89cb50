// independent.mjs: the second verifier.  It was written from doc/format.md and the specifications which that page
// names, by somebody who had not seen the project's code, and shares no line with it: what both accept is what the page
// says, and where the page lacks something this file cannot be right.  Node's own modules only; when it has to be
// changed, change it from the page.
//
//   node independent.mjs folder DIR... --vkey KEY...       node independent.mjs receipt FILE... --vkey KEY...
//
// A line for each, with the reason in words.  Exit status 0: all are verified, 1: not.
import { createPublicKey, verify as ed25519 } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { H, Reader, Refusal, base64, decimal, leafHash, lp, must, nodeHash, parseLeaf, parseRow, u16, u32, utf8 } from "./independent_leaf.mjs";

// ---------------------------------------------------------------- the tree

function fold(stack) {					// [{size, hash}], from the largest to the smallest
	return stack.reduceRight((right, s) => right === null ? s.hash : nodeHash(s.hash, right), null) ?? H("");
}

function push(stack, hash) {
	let top = { size: 1, hash };
	while (stack.length > 0 && stack.at(-1).size === top.size) {
		const left = stack.pop();
		top = { size: left.size * 2, hash: nodeHash(left.hash, top.hash) };
	}
	stack.push(top);
}

function merkleRoot(hashes) {
	const stack = [];
	hashes.forEach((hash) => push(stack, hash));
	return fold(stack);
}

// RFC 6962, 2.1.1: the root that a path leads to, the leaf's sibling first.
function rootFromPath(hash, index, size, path, what) {
	must(index < size, `${what}: the index lies beyond the tree`);
	const climb = (i, n, at) => {
		if (n === 1n) {
			must(at === 0, `${what} is too long`);
			return hash;
		}
		must(at > 0, `${what} is too short`);
		let k = 1n;
		while (k * 2n < n)
			k *= 2n;
		return i < k ? nodeHash(climb(i, k, at - 1), path[at - 1]) : nodeHash(path[at - 1], climb(i - k, n - k, at - 1));
	};
	return climb(index, size, path.length);
}

// ---------------------------------------------------------------- keys and checkpoints

const keyId = (origin, raw) => H(`${origin}\n`, Buffer.from([1]), raw).subarray(0, 4);

function parseVkey(vkey) {
	const [, name, id, key] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(vkey) ?? [];
	must(name, "the verifier key is none");
	const bytes = base64(key, "the verifier key", 33);
	must(bytes[0] === 1 && keyId(name, bytes.subarray(1)).toString("hex") === id, "the verifier key is none");
	return { origin: name, raw: bytes.subarray(1) };
}

function parseCheckpoint(bytes) {
	const text = utf8(bytes, "a checkpoint"), split = text.lastIndexOf("\n\n");
	must(split >= 0 && text.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(text), "a checkpoint is no note");
	const [origin, size, root, ...rest] = text.slice(0, split + 1).split("\n");
	must(origin && root !== undefined && rest.length === 1, "a checkpoint has not three lines");
	const signatures = text.slice(split + 2, -1).split("\n").map((line) => {
		const [, name, signature] = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line) ?? [];
		must(name, "a checkpoint's signature line is none");
		return { name, bytes: base64(signature, "a signature") };
	});
	return { body: text.slice(0, split + 1), origin, size: decimal(size, "a checkpoint's size"), root: base64(root, "a checkpoint's root", 32), signatures };
}

function signedBy(checkpoint, signature, key) {
	if (checkpoint.origin !== key.origin || signature.name !== key.origin || !signature.bytes.subarray(0, 4).equals(keyId(key.origin, key.raw)))
		return false;
	const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key.raw]);
	must(signature.bytes.length === 68 && ed25519(null, Buffer.from(checkpoint.body),
		createPublicKey({ key: spki, format: "der", type: "spki" }), signature.bytes.subarray(4)),
	"a checkpoint's signature is wrong");
	return true;
}

// ---------------------------------------------------------------- a receipt

const MEMBERS = ["format", "relation", "ledger_id", "row", "row_index", "row_count", "row_path", "entry", "schema", "proof"];

function checkReceipt(file, keys) {
	const text = utf8(readFileSync(file), "the receipt");
	let j;
	try {
		j = JSON.parse(text);
	} catch {
		throw new Refusal("the receipt is not JSON");
	}
	// What JSON.parse forgives: a member twice, numbers in other spellings.
	const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*(:?)/g)].filter((m) => m[1]).length;
	must(names === MEMBERS.length && Object.keys(j).sort().join() === [...MEMBERS].sort().join(), "the receipt has not the ten members");
	must(!/[-+.E]|\de/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, "")), "the receipt has a number that is no plain integer");
	for (const m of MEMBERS)
		must(m === "row_path" ? Array.isArray(j[m]) && j[m].every((h) => typeof h === "string")
			: typeof j[m] === (["ledger_id", "row_index", "row_count"].includes(m) ? "number" : "string")
			&& (typeof j[m] !== "number" || Number.isSafeInteger(j[m])), `${m} is of another type`);
	must(j.format === "energyledger/row-receipt/v1", "the receipt is of another format");

	const entryData = base64(j.entry, "entry"), schemaData = base64(j.schema, "schema"), rowData = base64(j.row, "row");
	const [proof, ...rest] = j.proof.split("\n\n"), lines = proof.split("\n");
	must(lines.shift() === "c2sp.org/tlog-proof@v1", "the proof is none");
	if (lines[0]?.startsWith("extra "))
		base64(lines.shift().slice(6), "the proof's extra data");
	must(lines[0]?.startsWith("index "), "the proof has no index");
	const index = decimal(lines.shift().slice(6), "the proof's index");
	const checkpoint = parseCheckpoint(Buffer.from(rest.join("\n\n")));
	must(checkpoint.signatures.filter((s) => keys.some((k) => signedBy(checkpoint, s, k))).length > 0, "the checkpoint is not signed by the key");
	must(rootFromPath(leafHash(entryData), index, checkpoint.size, lines.map((h) => base64(h, "the proof's hash", 32)), "the proof")
		.equals(checkpoint.root), "the proof does not lead to the checkpoint's root");

	const entry = parseLeaf(entryData), schema = parseLeaf(schemaData);
	must(entry.kind === 1, "the entry is none");
	must(schema.kind === 2 && leafHash(schemaData).equals(entry.digest), "the schema is not the entry's");
	must(schema.relation === entry.relation && schema.version === entry.version, "the schema is another table's or version's");
	must(j.relation === entry.relation, "relation is not the entry's");
	must(j.row_count === entry.rows, "row_count is not the entry's");
	must(rootFromPath(leafHash(rowData), BigInt(j.row_index), BigInt(j.row_count), j.row_path.map((h) => base64(h, "row_path", 32)), "row_path")
		.equals(entry.root), "row_path does not lead to the entry's rows_root");
	const id = parseRow(rowData, schema);
	must(id === BigInt(j.ledger_id), "the row has another ledger_id");
	must(id >= entry.first && id <= entry.last, "the row's ledger_id lies outside of the entry's run");
	return `row ${id} of ${j.relation}, leaf ${index} of ${checkpoint.size}`;
}

// ---------------------------------------------------------------- a folder

const tilePath = (n) => String(n).padStart(Math.ceil(String(n).length / 3) * 3, "0").match(/\d{3}/g).map((d, i, all) => i < all.length - 1 ? `x${d}` : d).join("/");

// The bundles of tile/entries/ and of rows/, taken apart: what belongs to each leaf.
function readBundles(dir, folder, size, one) {
	const all = [];
	for (let n = 0; n * 256 < size; n++) {
		const width = Math.min(256, size - n * 256), name = `${folder}/${tilePath(n)}` + (width < 256 ? `.p/${width}` : "");
		const r = new Reader(readFileSync(join(dir, name)), name);
		for (let i = 0; i < width; i++)
			all.push(one(r));
		r.end();
	}
	return all;
}

function checkFolder(dir, keys) {
	const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((f) => !f.isDirectory())
		.map((f) => join(f.parentPath ?? f.path, f.name).slice(join(dir, "/").length));
	const newest = parseCheckpoint(readFileSync(join(dir, "checkpoint"))), size = Number(newest.size);
	const leaves = readBundles(dir, "tile/entries", size, (r) => r.take(r.u16()));
	const rows = readBundles(dir, "rows", size, (r) => Array.from({ length: r.u32() }, () => r.lp()));
	const trusted = checkLog(leaves, rows, keys, (at) => {
		const bytes = readFileSync(join(dir, `checkpoints/${at}`));
		return at < size ? [parseCheckpoint(bytes)] : [parseCheckpoint(bytes), newest];
	});
	must(trusted.size === size, "the log does not end with a block");
	must(trusted.newest, "the newest checkpoint's key is neither the given one nor one that it handed over to");

	// Every file is one that the leaves give, or the beginning of one that there is now.
	const parts = { "tile/entries": leaves.map((d) => Buffer.concat([u16(d.length), d])),
		rows: rows.map((list) => Buffer.concat([u32(list.length), ...list.map(lp)])), "tile/0": leaves.map(leafHash) };
	for (let level = 0; parts[`tile/${level}`].length >= 256; level++) {
		const below = parts[`tile/${level}`];
		parts[`tile/${level + 1}`] = Array.from({ length: Math.floor(below.length / 256) }, (_, i) => merkleRoot(below.slice(i * 256, i * 256 + 256)));
	}
	const want = new Set(["checkpoint", ...trusted.sizes.map((s) => `checkpoints/${s}`)]), have = new Set(files);
	for (const [folder, list] of Object.entries(parts))
		for (let n = 0; n * 256 < list.length; n++)
			want.add(`${folder}/${tilePath(n)}` + (list.length - n * 256 < 256 ? `.p/${list.length - n * 256}` : ""));
	for (const name of want)
		must(have.has(name), `${name} is missing`);
	for (const name of files) {
		const [, folder, path, width] = /^(tile\/entries|tile\/[0-7]|rows)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(name) ?? [];
		must(want.has(name) || folder in parts, `${name} does not belong to the folder`);
		if (folder) {
			const n = Number(path.replace(/[x/]/g, "")), list = parts[folder].slice(n * 256, n * 256 + Number(width ?? 256));
			must(tilePath(n) === path && list.length === Number(width ?? 256), `${name} does not belong to the folder`);
			must(readFileSync(join(dir, name)).equals(Buffer.concat(list)), `${name} is not what the leaves give`);
		}
	}
	return `${size} leaves, ${trusted.sizes.length} blocks, ${rows.reduce((n, list) => n + list.length, 0)} rows`;
}

// Walks the log from its first leaf; returns what is known at its end.
function checkLog(leaves, rows, keys, checkpointsOf) {
	const schemas = new Map(), entries = [], events = [], stack = [], sizes = [];
	let block = { height: 0n, hash: Buffer.alloc(32), end: 0, newest: -1, incarnation: 0n };
	let log = { incarnation: 0n, origin: "", keys: [], trusted: -1 };		// the name in force, and its newest key that is trusted
	let rank = 0, order = 0n;
	leaves.forEach((data, i) => {
		const leaf = parseLeaf(data), step = { 2: 0, 1: 2, 3: 3 }[leaf.kind] ?? 1;
		push(stack, leafHash(data));
		must(leaf.kind === 1 || rows[i].length === 0, `leaf ${i} is no entry and has rows`);
		must(step >= rank, `leaf ${i} is out of order in its batch`);
		order = step > rank ? -1n : order;
		rank = step;
		if (step === 1 || step === 2) {
			must((leaf.id ?? leaf.first) > order, `leaf ${i} is out of order in its batch`);
			order = leaf.id ?? leaf.last;
		}
		if (leaf.kind === 2) {
			const name = `${leaf.version} ${leaf.relation}`;
			must(!schemas.has(name), `schema version ${name} comes twice`);
			schemas.set(name, { ...leaf, digest: leafHash(data) });
		} else if (leaf.kind === 1) {
			const schema = schemas.get(`${leaf.version} ${leaf.relation}`);
			must(schema && schema.digest.equals(leaf.digest), `entry ${i} names a schema that is not before it`);
			must(rows[i].length === leaf.rows, `entry ${i} has not as many rows as it says`);
			must(merkleRoot(rows[i].map(leafHash)).equals(leaf.root), `the rows of entry ${i} do not give its rows_root`);
			let before = leaf.first - 1n, first = null;
			for (const row of rows[i]) {
				const id = parseRow(row, schema);
				must(id > before && id <= leaf.last, `row ${id} lies outside of the run of entry ${i}, or not in order`);
				before = id;
				first ??= id;
			}
			must(first === leaf.first && before === leaf.last, `the run of entry ${i} does not begin and end with a row`);
			entries.push(leaf);
		} else if (leaf.kind === 3) {
			must(leaf.height === block.height + 1n && leaf.previous.equals(block.hash), `block ${leaf.height} does not chain to the block before`);
			must(Number(leaf.first) === block.end && Number(leaf.first + leaf.count) === i, `block ${leaf.height} does not span the leaves since the block before`);
			for (const checkpoint of checkpointsOf(i + 1)) {
				must(checkpoint.size === BigInt(i + 1) && checkpoint.root.equals(fold(stack)), `the checkpoint of block ${leaf.height} is not of these leaves`);
				checkSignatures(checkpoint, log, block, keys);
			}
			block = { height: leaf.height, hash: leafHash(data), end: i + 1, newest: log.keys.length - 1, incarnation: log.incarnation };
			sizes.push(i + 1);
			rank = 0;
		} else {
			events.push(leaf);
			log = nameOrKey(leaf, log);
		}
	});
	const runs = entries.toSorted((a, b) => (a.first < b.first ? -1 : 1));
	must(runs.every((e, i) => i === 0 || runs[i - 1].last < e.first), "the runs of two entries overlap");
	checkTables(schemas, entries, events);
	return { size: block.end, sizes, newest: log.trusted === log.keys.length - 1 };
}

function nameOrKey({ kind, values: v }, log) {
	if (kind === 6) {
		must(v.incarnation === log.incarnation + 1n && v.previous_origin === log.origin, "a log's name does not follow the name before");
		must(v.incarnation > 1n || v.reason === "created", "a log's first name has another reason");
		return { incarnation: v.incarnation, origin: v.origin, keys: [base64(v.public_key, "public_key", 32)], trusted: -1 };
	}
	must(log.incarnation > 0n, "the first event is not the log's name");
	if (kind === 7) {
		must(v.incarnation === log.incarnation && v.key_number === BigInt(log.keys.length + 1)
			&& base64(v.previous_public_key, "previous_public_key", 32).equals(log.keys.at(-1)), "a log's key does not follow the key before");
		return { ...log, keys: [...log.keys, base64(v.public_key, "public_key", 32)] };
	}
	return log;
}

// A line of every key from the one of the block before to the newest, newest first; and what is trusted from here on.
function checkSignatures(checkpoint, log, block, keys) {
	const from = block.incarnation === log.incarnation ? block.newest : 0;
	const signers = checkpoint.signatures.map((s) => log.keys.findIndex((raw) => signedBy(checkpoint, s, { origin: log.origin, raw })));
	must(signers.filter((k) => k >= 0).join() === [...log.keys.keys()].slice(from).reverse().join(), "a checkpoint is not signed by the log's keys");
	log.keys.forEach((raw, i) => {			// given, or named under a signature of one that is trusted
		if (i >= from && (log.trusted >= from || keys.some((k) => k.origin === log.origin && k.raw.equals(raw))))
			log.trusted = Math.max(log.trusted, i);
	});
}

// Tables through their names: what events say of tables is what the entries give.
function checkTables(schemas, entries, events) {
	const renames = events.filter((e) => e.kind === 4 || e.kind === 5).map((e) => ({ ...e.values, kind: e.kind, rows: 0n, last: 0n }));
	for (const v of renames) {
		const from = schemas.get(`${v.schema_version} ${v.relation}`), to = schemas.get(`${v.new_schema_version} ${v.new_relation}`);
		must(from && to && [...from.columns.keys()].join() === [...to.columns.keys()].join(), "a renamed table has other ordinals");
	}
	for (const e of entries) {
		let version = BigInt(e.version), v;
		for (e.names = [e.relation]; ; e.names.push(v.new_relation), version = v.new_schema_version) {
			v = renames.filter((r) => r.relation === e.names.at(-1) && r.schema_version >= version)
				.reduce((least, r) => least && least.schema_version <= r.schema_version ? least : r, null);
			if (!v)
				break;
			v.rows += BigInt(e.rows);
			v.last = e.last > v.last ? e.last : v.last;
		}
	}
	for (const v of renames)
		must(v.kind === 4 || (v.rows === v.row_count && v.last === v.last_id), "a retired table has other rows than its event says");
	for (const { values: v } of events.filter((e) => e.kind === 9)) {
		const own = entries.filter((e) => e.relation === v.relation && e.first >= v.first_id && e.last <= v.last_id);
		must(own.reduce((n, e) => n + BigInt(e.rows), 0n) === v.row_count, "a converted table has other rows than its event says");
	}
	for (const { values: v } of events.filter((e) => e.kind === 8))
		must(entries.some((e) => e.names.includes(v.relation) && e.first <= v.ledger_id && v.ledger_id <= e.last
			&& schemas.get(`${e.version} ${e.relation}`).columns.get(Number(v.ordinal))?.type === "energyledger.redactable"),
		"a redaction names no redactable column of a row");
}

// ---------------------------------------------------------------- command line

const args = process.argv.slice(2), paths = args.slice(1, args.indexOf("--vkey")), options = args.slice(paths.length + 1);
const check = { folder: checkFolder, receipt: checkReceipt }[args[0]];

// A line for what each gives; a mistake in here is thrown on, and node then exits with 1 without such a line.
function tell(prefix, give) {
	try {
		console.log(prefix + give());
	} catch (e) {
		if (!(e instanceof Refusal) && !e.syscall)
			throw e;
		console.log("not verified: " + e.message);
		process.exitCode = 1;
	}
}

if (!check || paths.length === 0 || options.length % 2 !== 0 || options.some((o, i) => i % 2 === 0 && o !== "--vkey")) {
	console.log("usage: independent.mjs folder DIR... | receipt FILE... --vkey KEY...");
	process.exitCode = 1;
} else {
	for (const path of paths)
		tell("verified: ", () => check(path, options.filter((_, i) => i % 2 === 1).map(parseVkey)));
}
