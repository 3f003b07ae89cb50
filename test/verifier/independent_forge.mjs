// independent_forge.mjs: folders of a log that its own site forged: one thing in each is wrong, and tree, chain and
// signatures are made anew over it with the site's key.  A flipped bit never gets so far: the hashes give it away first.
//
//   node independent_forge.mjs FOLDER KEYFILE INTO      prints a line a folder: its name, and the reason to be found
//
// FOLDER: less than 256 leaves, two blocks, one key.
import { createPrivateKey, sign } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Reader, leafHash, lp, nodeHash, parseLeaf, u16, u32 } from "./independent_leaf.mjs";

const [folder, keyFile, into] = process.argv.slice(2);
const [origin, size] = readFileSync(join(folder, "checkpoint"), "utf8").split("\n");
const keyIdBytes = Buffer.from(readFileSync(join(folder, "checkpoint"), "utf8").trimEnd().split(" ").at(-1), "base64").subarray(0, 4);
const seed = Buffer.from(readFileSync(keyFile, "utf8").trimEnd().split("\n")[0].split(" ")[1], "base64");
const key = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" });
const bundle = (name, one) => {
	const r = new Reader(readFileSync(join(folder, name, "000.p", size)), name);
	return Array.from({ length: Number(size) }, () => one(r));
};

function root(hashes) {
	if (hashes.length === 1)
		return hashes[0];
	let k = 1;
	while (k * 2 < hashes.length)
		k *= 2;
	return nodeHash(root(hashes.slice(0, k)), root(hashes.slice(k)));
}

function log() {
	const leaves = bundle("tile/entries", (r) => Buffer.from(r.take(r.u16())));
	const rows = bundle("rows", (r) => Array.from({ length: r.u32() }, () => Buffer.from(r.lp())));
	const kinds = leaves.map((d) => d[1]), parsed = leaves.map(parseLeaf);
	return { leaves, rows, kinds, parsed, entries: [...kinds.keys()].filter((i) => kinds[i] === 1), blocks: [...kinds.keys()].filter((i) => kinds[i] === 3),
		// the entry's root as its rows now give it
		rooted(i) { root(rows[i].map(leafHash)).copy(leaves[i], leaves[i].indexOf(parsed[i].root)); },
		entryOf(relation) { return kinds.findIndex((k, i) => k === 1 && parsed[i].relation === relation); } };
}

function write(name, { leaves, rows, blocks, keepChain }) {
	const put = (file, data) => {
		mkdirSync(dirname(join(into, name, file)), { recursive: true });
		writeFileSync(join(into, name, file), data);
	};
	blocks.forEach((i, b) => b > 0 && !keepChain && leafHash(leaves[blocks[b - 1]]).copy(leaves[i], 10));
	put(`tile/entries/000.p/${size}`, Buffer.concat(leaves.flatMap((d) => [u16(d.length), d])));
	put(`tile/0/000.p/${size}`, Buffer.concat(leaves.map(leafHash)));
	put(`rows/000.p/${size}`, Buffer.concat(rows.flatMap((list) => [u32(list.length), ...list.map(lp)])));
	for (const i of blocks) {
		const body = `${origin}\n${i + 1}\n${root(leaves.slice(0, i + 1).map(leafHash)).toString("base64")}\n`;
		const note = `${body}\n\u2014 ${origin} ${Buffer.concat([keyIdBytes, sign(null, Buffer.from(body), key)]).toString("base64")}\n`;
		put(`checkpoints/${i + 1}`, note);
		put("checkpoint", note);
	}
}

const swap = (list, i, j) => { [list[i], list[j]] = [list[j], list[i]]; };
const swapLeaves = (l, i, j) => { swap(l.leaves, i, j); swap(l.rows, i, j); };
const event = (l, kind) => l.leaves[l.kinds.indexOf(kind)];
const FAULTS = {
	nothing: ["^verified", () => {}],
	version: ["leaf is of another version", (l) => { l.leaves[0][0] = 2; }],
	kind: ["unknown kind 10", (l) => { l.leaves[0][1] = 10; }],
	left_over: ["bytes left over", (l) => { l.leaves[0] = Buffer.concat([l.leaves[0], Buffer.from([0])]); }],
	entries_swapped: ["out of order in its batch", (l) => swapLeaves(l, l.entries[0], l.entries[1])],
	schema_late: ["out of order in its batch", (l) => swapLeaves(l, l.entries[0] - 2, l.entries[0])],
	schema_twice: ["comes twice", (l) => { l.leaves[1] = l.leaves[0]; }],
	digest: ["names a schema that is not before it", (l) => { l.leaves[l.entries[0]][l.leaves[l.entries[0]].indexOf(l.parsed[l.entries[0]].digest)] ^= 1; }],
	rows_root: ["do not give its rows_root", (l) => { l.leaves[l.entries[0]][l.leaves[l.entries[0]].indexOf(l.parsed[l.entries[0]].root)] ^= 1; }],
	row_lost: ["has not as many rows", (l) => { l.rows[l.entries[0]].pop(); }],
	rows_swapped: ["or not in order", (l) => { const i = l.entryOf('app.Odd "Näme"'); swap(l.rows[i], 5, 6); l.rooted(i); }],
	row_outside: ["lies outside of the run", (l) => { const i = l.entryOf("public.saved"); l.rows[i][0][5] ^= 1; l.rooted(i); }],
	run_too_wide: ["does not begin and end with a row", (l) => { const i = l.entryOf("public.saved"); l.leaves[i].writeBigUInt64BE(l.parsed[i].first - 1n, 2); }],
	run_twice: ["runs of two entries overlap", (l) => { const i = l.entryOf("public.saved"), j = l.entries.find((e) => e > l.blocks[0]); l.leaves[j] = l.leaves[i]; l.rows[j] = l.rows[i]; }],
	ordinal: ["column 513 that its schema has not", (l) => { const i = l.entryOf("public.saved"); l.rows[i][0].writeUInt16BE(513, 11); l.rooted(i); }],
	value: ["is not of type integer", (l) => { const i = l.entryOf("public.saved"), row = l.rows[i][0]; row.writeUInt32BE(3, 13); l.rows[i][0] = row.subarray(0, -1); l.rooted(i); }],
	height: ["does not chain", (l) => { l.leaves[l.blocks[1]][9] ^= 1; }],
	previous: ["does not chain", (l) => { l.leaves[l.blocks[1]][10] ^= 1; l.keepChain = true; }],
	first_index: ["does not span", (l) => { l.leaves[l.blocks[1]][49] ^= 1; }],
	count: ["does not span", (l) => { l.leaves[l.blocks[1]][57] ^= 1; }],
	event_name: ["event of kind 9 has the values", (l) => { const e = event(l, 9); e.write("R", e.indexOf("relation")); }],
	event_number: ["not a decimal number", (l) => { const e = event(l, 9); e.write("7x0", e.indexOf("700")); }],
	event_rows: ["converted table has other rows", (l) => { const e = event(l, 9); e.write("701", e.indexOf("700")); }],
	retired_rows: ["retired table has other rows", (l) => { const e = event(l, 5); e.write("4", e.indexOf("row_count") + 13); }],
	renamed_to: ["renamed table has other ordinals", (l) => { const e = event(l, 4); e.write("9", e.indexOf("new_schema_version") + 22); }],
	redacted: ["names no redactable column", (l) => { const e = event(l, 8); e.write("1", e.indexOf("ordinal") + 11); }],
	incarnation: ["name does not follow", (l) => { const e = event(l, 6); e.write("2", e.indexOf("incarnation") + 15); }],
	log_key: ["not signed by the log's keys", (l) => { const e = event(l, 6); e.write("AAAA", e.indexOf("public_key") + 14); }],
};

for (const [name, [reason, fault]] of Object.entries(FAULTS)) {
	const l = log();
	fault(l);
	write(name, l);
	console.log(`${name} ${reason}`);
}
