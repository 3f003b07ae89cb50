// independent_leaf.mjs: what the bytes of leaves and rows say; the second verifier's first half, see independent.mjs.
import { createHash } from "node:crypto";

export class Refusal extends Error {}
export const must = (condition, reason) => { if (!condition) throw new Refusal(reason); };

// ---------------------------------------------------------------- bytes

export const H = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
export const leafHash = (data) => H(Buffer.from([0]), data);
export const nodeHash = (left, right) => H(Buffer.from([1]), left, right);
export const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return b; };
export const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
export const lp = (x) => Buffer.concat([u32(x.length), x]);

export function utf8(bytes, what) {
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw new Refusal(`${what} is not UTF-8`);
	}
}

// Base64 with padding, and nothing else that decodes to the same.
export function base64(text, what, length = -1) {
	const bytes = Buffer.from(text, "base64");
	must(bytes.toString("base64") === text, `${what} is not base64`);
	must(length < 0 || bytes.length === length, `${what} has not ${length} bytes`);
	return bytes;
}

export const decimal = (text, what) => { must(/^(0|[1-9]\d{0,18})$/.test(text), `${what} is not a decimal number`); return BigInt(text); };

// Reads a structure from its bytes, and insists that they all belong to it.
export class Reader {
	constructor(bytes, what) { this.bytes = bytes; this.at = 0; this.what = what; }
	take(n) {
		must(n <= this.bytes.length - this.at, `${this.what} ends early`);
		return this.bytes.subarray(this.at, this.at += n);
	}
	u8() { return this.take(1)[0]; }
	u16() { return this.take(2).readUInt16BE(); }
	u32() { return this.take(4).readUInt32BE(); }
	u64() { return this.take(8).readBigUInt64BE(); }
	i32() { return this.take(4).readInt32BE(); }
	i64() { return this.take(8).readBigInt64BE(); }
	lp() { return this.take(this.u32()); }
	text() { return utf8(this.lp(), this.what); }
	end() { must(this.at === this.bytes.length, `${this.what} has bytes left over`); }
}

// ---------------------------------------------------------------- leaves and rows

const EVENTS = {
	4: ["relation", "new_relation", "schema_version", "new_schema_version"],
	5: ["relation", "new_relation", "schema_version", "new_schema_version", "row_count", "last_id", "reason"],
	6: ["incarnation", "origin", "public_key", "previous_origin", "reason"],
	7: ["incarnation", "key_number", "public_key", "previous_public_key"],
	8: ["relation", "ledger_id", "column", "ordinal", "reason"],
	9: ["relation", "row_count", "first_id", "last_id"],
};
const NUMBERS = ["schema_version", "new_schema_version", "row_count", "first_id", "last_id", "incarnation", "key_number", "ledger_id", "ordinal"];

function ledgerId(id, what) {
	must(id >> 45n >= 1n && id >> 45n <= 255n && (id & (1n << 45n) - 1n) > 0n, `${what} ${id} is no ledger_id`);
	return id;
}

export function parseLeaf(data) {
	const r = new Reader(data, "a leaf");
	must(r.u8() === 1, "a leaf is of another version");
	const kind = r.u8();
	let leaf;
	if (kind === 1) {
		leaf = { first: ledgerId(r.u64(), "an entry's first_id"), last: ledgerId(r.u64(), "an entry's last_id"), rows: r.u32(),
			relation: r.text(), version: r.u32(), digest: r.take(32), root: r.take(32), xid: r.u64(), time: r.i64(), role: r.text() };
		must(leaf.first <= leaf.last && leaf.first >> 45n === leaf.last >> 45n, "an entry's run of ledger_ids is none");
		must(leaf.rows >= 1 && leaf.rows <= 512 && BigInt(leaf.rows) <= leaf.last - leaf.first + 1n, "an entry's row_count cannot be");
	} else if (kind === 2) {
		leaf = { relation: r.text(), version: r.u32(), columns: new Map() };
		for (let n = r.u16(), before = 0; n > 0; n--) {
			const ordinal = r.u16();
			must(ordinal > before, "a schema's ordinals do not ascend");
			leaf.columns.set(before = ordinal, { name: r.text(), type: r.text() });
		}
		Object.assign(leaf, { time: r.i64(), role: r.text() });
	} else if (kind === 3) {
		leaf = { height: r.u64(), previous: r.take(32), first: r.u64(), count: r.u64(), time: r.i64() };
	} else {
		must(EVENTS[kind], `a leaf is of unknown kind ${kind}`);
		leaf = { id: r.u64(), values: {} };
		const n = r.u16(), names = [];
		for (let i = 0; i < n; i++) {
			names.push(r.text());
			leaf.values[names[i]] = r.text();
			if (NUMBERS.includes(names[i]))
				leaf.values[names[i]] = decimal(leaf.values[names[i]], names[i]);
		}
		must(names.join() === EVENTS[kind].join(), `an event of kind ${kind} has the values ${names}`);
		Object.assign(leaf, { time: r.i64(), role: r.text() });
	}
	r.end();
	if (kind !== 3)
		must(leaf.relation === undefined || leaf.relation.includes("."), "a relation is not schema.table");
	return { kind, ...leaf };
}

export function parseRow(data, schema) {
	const r = new Reader(data, "a row");
	must(r.u8() === 1, "a row is of another version");
	const id = r.u64();
	for (let n = r.u16(), before = 0; n > 0; n--) {
		const ordinal = r.u16(), value = r.lp();
		must(ordinal > before, "a row's ordinals do not ascend");
		must(schema.columns.has(before = ordinal), `a row has a column ${ordinal} that its schema has not`);
		checkValue(value, schema.columns.get(ordinal).type);
	}
	r.end();
	return id;
}

// As far as the log says what a type is: domains, enums and other types with a schema are told by name only.
const SIZES = { boolean: 1, smallint: 2, integer: 4, bigint: 8, real: 4, "double precision": 8, date: 4, uuid: 16,
	"time without time zone": 8, "timestamp without time zone": 8, "timestamp with time zone": 8,
	"time with time zone": 12, interval: 16, "energyledger.redactable": 32 };
const TEXTS = ["text", "character varying", "character", "bpchar", "json", "name"];
const RANGES = { int4range: "integer", int8range: "bigint", numrange: "numeric", daterange: "date",
	tsrange: "timestamp without time zone", tstzrange: "timestamp with time zone" };

function checkValue(value, type) {
	const bare = type.replace(/\(\d+(,-?\d+)?\)/, "").replace(/^interval .*?(\[\])?$/, "interval$1");
	const r = new Reader(value, `a value of type ${type}`);
	const hold = (condition) => must(condition, `a value is not of type ${type}`);
	if (type.endsWith("[]")) {
		const dimensions = r.u16(), element = r.text();
		must(element === bare.slice(0, -2).replace(/^character$/, "bpchar"), `an array of ${type} has elements of type ${element}`);
		let count = dimensions > 0 ? 1 : 0;
		for (let i = 0; i < dimensions; i++) {
			count *= r.u32();
			r.i32();
		}
		for (; count > 0; count--) {
			const length = r.u32();
			if (length !== 0xffffffff)
				checkValue(r.take(length), element);
		}
		r.end();
	} else if (bare in SIZES) {
		hold(value.length === SIZES[bare]);
		hold(bare !== "boolean" || value[0] <= 1);
		hold(bare !== "time without time zone" || (r.i64() >= 0n && value.readBigInt64BE() <= 86400000000n));
	} else if (TEXTS.includes(bare)) {
		const text = utf8(value, `a value of type ${type}`), width = /^character\((\d+)\)$/.exec(type);
		hold(!width || [...text].length === Number(width[1]));
	} else if (bare === "numeric") {
		hold(value.length >= 8 && value.length === 8 + 2 * r.u16());
	} else if (bare === "inet" || bare === "cidr") {
		hold(value.length >= 4 && [4, 16].includes(value[3]) && value.length === 4 + value[3]);
	} else if (bare === "jsonb") {
		hold(r.u8() === 1 && utf8(r.take(value.length - 1), "a jsonb"));
	} else if (bare in RANGES) {
		const flags = r.u8();			// 01 empty; 08 and 10: no lower, no upper bound
		for (const none of [0x09, 0x11])
			if ((flags & none) === 0)
				checkValue(r.lp(), RANGES[bare]);
		r.end();
	} else {
		must(bare === "bytea" || bare.includes("."), `the type ${type} is none of the page's`);
	}
}
