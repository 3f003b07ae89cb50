// sumdb: our checkpoints, proofs, receipts and tiles before somebody else's eyes.
//
// Nothing of this project is used: notes are opened by golang.org/x/mod/sumdb/note, proofs and
// tiles checked by sumdb/tlog, which the Go module ecosystem's own log relies on.
// What is ours (where an entry's bytes hold its rows' root) is read by the offsets of
// doc/format.md.  Prints TAP.
//
//	sumdb VKEY FOLDER [PROOFS RECEIPTS]
//
// FOLDER is an export.  PROOFS holds a line a proof that the database made:
// "record SIZE ROOT INDEX HASH PATH" or "tree SIZE ROOT OLDSIZE OLDROOT PATH", hashes in
// base64, PATH separated by commas, "-" for an empty one.  RECEIPTS holds a receipt a line.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

var count, failed int

// ok prints one line of TAP.
func ok(pass bool, format string, args ...interface{}) {
	count++
	verdict := "ok"
	if !pass {
		verdict = "not ok"
		failed++
	}
	fmt.Printf("%s %d - %s\n", verdict, count, fmt.Sprintf(format, args...))
}

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sumdb:", err)
		os.Exit(2)
	}
}

// checkpoint opens a note and reads its three lines.
func checkpoint(msg []byte, verifier note.Verifier) (origin string, tree tlog.Tree, err error) {
	n, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		return "", tree, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tree, errors.New("not three lines")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return "", tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return lines[0], tree, err
}

// folder serves tiles as c2sp.org/tlog-tiles lays them out: without the height.
type folder struct {
	dir  string
	read int
}

func (f *folder) Height() int                             { return tileHeight }
func (f *folder) SaveTiles(tiles []tlog.Tile, d [][]byte) {}
func (f *folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		path := strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.dir, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
		f.read++
	}
	return all, nil
}

// broken is a folder with one bit of its first tile flipped.
type broken struct{ folder }

func (b *broken) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all, err := b.folder.ReadTiles(tiles)
	if err == nil && len(all) > 0 {
		all[0][7] ^= 4
	}
	return all, err
}

// notes: every checkpoint opens; none with a byte changed does.
func notes(dir string, verifier note.Verifier) map[int64]tlog.Hash {
	roots := map[int64]tlog.Hash{}
	files, err := os.ReadDir(filepath.Join(dir, "checkpoints"))
	die(err)
	opened, refused, tries := 0, 0, 0
	for _, file := range files {
		msg, err := os.ReadFile(filepath.Join(dir, "checkpoints", file.Name()))
		die(err)
		origin, tree, err := checkpoint(msg, verifier)
		if err == nil && origin == verifier.Name() && strconv.FormatInt(tree.N, 10) == file.Name() {
			opened++
		}
		roots[tree.N] = tree.Hash
		if tries > 2000 {
			continue
		}
		for i := range msg {
			// The last digit has bits that no byte has: this base64 passes over them, ours does not.
			if i == len(msg)-3 {
				continue
			}
			changed := append([]byte{}, msg...)
			changed[i] ^= 1
			tries++
			if _, _, err := checkpoint(changed, verifier); err != nil {
				refused++
			}
		}
	}
	ok(opened > 1 && opened == len(files), "note.Open accepts all %d checkpoints", len(files))
	ok(refused == tries, "and refuses %d of %d with one bit changed", refused, tries)
	return roots
}

func paths(text string) []tlog.Hash {
	var path []tlog.Hash
	if text == "-" {
		return path
	}
	for _, s := range strings.Split(text, ",") {
		h, err := tlog.ParseHash(s)
		die(err)
		path = append(path, h)
	}
	return path
}

// wrong calls check with each hash of a path changed, and with one more and one less.
func wrong(path []tlog.Hash, check func([]tlog.Hash) error) (tries, refused int) {
	try := func(p []tlog.Hash) {
		tries++
		if check(p) != nil {
			refused++
		}
	}
	for i := range path {
		p := append([]tlog.Hash{}, path...)
		p[i][i%tlog.HashSize] ^= 0x20
		try(p)
	}
	try(append(append([]tlog.Hash{}, path...), tlog.Hash{}))
	if len(path) > 0 {
		try(path[:len(path)-1])
	}
	return tries, refused
}

// proofs checks those that the database made.
func proofs(file string, tree tlog.Tree, reader tlog.HashReader) {
	data, err := os.ReadFile(file)
	die(err)
	records, recordsGood, recordsSame, trees, treesGood, treesSame := 0, 0, 0, 0, 0, 0
	tries, refused := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := strings.Fields(line)
		if len(f) != 6 {
			die(fmt.Errorf("not a proof: %q", line))
		}
		size, _ := strconv.ParseInt(f[1], 10, 64)
		n, _ := strconv.ParseInt(f[3], 10, 64)
		root, err := tlog.ParseHash(f[2])
		die(err)
		other, err := tlog.ParseHash(f[4])
		die(err)
		path := paths(f[5])
		var check func([]tlog.Hash) error
		var wrongN func() error
		var made []tlog.Hash
		if f[0] == "record" {
			records++
			check = func(p []tlog.Hash) error { return tlog.CheckRecord(p, size, root, n, other) }
			wrongN = func() error { return tlog.CheckRecord(path, size, root, (n+1)%size, other) }
			if check(path) == nil {
				recordsGood++
			}
			if made, err = tlog.ProveRecord(size, n, reader); err == nil && fmt.Sprint(made) == fmt.Sprint(path) {
				recordsSame++
			}
		} else {
			trees++
			check = func(p []tlog.Hash) error { return tlog.CheckTree(p, size, root, n, other) }
			wrongN = func() error { return tlog.CheckTree(path, size, other, n, root) }
			if check(path) == nil {
				treesGood++
			}
			if made, err = tlog.ProveTree(size, n, reader); err == nil && fmt.Sprint(made) == fmt.Sprint(path) {
				treesSame++
			}
		}
		t, r := wrong(path, check)
		tries, refused = tries+t, refused+r
		if size > 1 && root != other {
			tries++
			if wrongN() != nil {
				refused++
			}
		}
	}
	ok(records > 0 && recordsGood == records, "tlog.CheckRecord accepts all %d inclusion proofs", records)
	ok(trees > 0 && treesGood == trees, "tlog.CheckTree accepts all %d consistency proofs", trees)
	ok(recordsSame == records && treesSame == trees, "tlog makes the same proofs out of the exported tiles")
	ok(refused == tries, "and refuses %d of %d that are changed, longer, shorter, or of another leaf or tree", refused, tries)
}

// tiles: the tree is computed out of the folder's tiles, every leaf of it compared with its data.
func tiles(dir string, tree tlog.Tree, f *folder) {
	root, err := tlog.TreeHash(tree.N, tlog.TileHashReader(tree, f))
	ok(err == nil && root == tree.Hash, "tlog.TileHashReader: %d tiles give the checkpoint's root", f.read)
	_, err = tlog.TreeHash(tree.N, tlog.TileHashReader(tree, &broken{folder{dir: dir}}))
	ok(err != nil, "and a tile with a flipped bit is refused")

	reader := tlog.TileHashReader(tree, f)
	same := int64(0)
	for n := int64(0); n < tree.N; {
		width := tree.N - n
		if width > 256 {
			width = 256
		}
		t := tlog.Tile{H: tileHeight, L: 0, N: n / 256, W: int(width)}
		path := strings.Replace(t.Path(), fmt.Sprintf("tile/%d/0/", tileHeight), "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		die(err)
		for ; width > 0 && len(data) >= 2; width-- {
			l := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+l {
				break
			}
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
			if err == nil && hashes[0] == tlog.RecordHash(data[2:2+l]) {
				same++
			}
			data = data[2+l:]
			n++
		}
		if width > 0 || len(data) > 0 {
			break
		}
	}
	ok(same == tree.N, "the hashes of all %d leaves are those of the entry bundles", tree.N)
}

type receipt struct {
	Row      []byte   `json:"row"`
	RowIndex int64    `json:"row_index"`
	RowCount int64    `json:"row_count"`
	RowPath  [][]byte `json:"row_path"`
	Entry    []byte   `json:"entry"`
	Schema   []byte   `json:"schema"`
	Proof    string   `json:"proof"`
}

// check is all that a receipt has to show, without a line of our code.
func (r *receipt) check(verifier note.Verifier) error {
	parts := strings.SplitN(r.Proof, "\n\n", 2)
	if len(parts) != 2 {
		return errors.New("no checkpoint")
	}
	lines := strings.Split(parts[0], "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(lines[1][6:], 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, l := range lines[2:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return err
		}
		path = append(path, h)
	}
	_, tree, err := checkpoint([]byte(parts[1]), verifier)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(r.Entry)); err != nil {
		return err
	}
	// u8 1, u8 1, u64 first_id, u64 last_id, u32 row_count, lp(relation), u32 version, digest, rows_root
	if len(r.Entry) < 26 {
		return errors.New("short entry")
	}
	at := 26 + int(binary.BigEndian.Uint32(r.Entry[22:])) + 4
	if len(r.Entry) < at+64 || int64(binary.BigEndian.Uint32(r.Entry[18:])) != r.RowCount {
		return errors.New("not the entry's row count")
	}
	var digest, root tlog.Hash
	copy(digest[:], r.Entry[at:])
	copy(root[:], r.Entry[at+32:])
	if tlog.RecordHash(r.Schema) != digest {
		return errors.New("not the entry's schema")
	}
	var rows tlog.RecordProof
	for _, p := range r.RowPath {
		var h tlog.Hash
		copy(h[:], p)
		rows = append(rows, h)
	}
	return tlog.CheckRecord(rows, r.RowCount, root, r.RowIndex, tlog.RecordHash(r.Row))
}

func receipts(file string, verifier note.Verifier) {
	f, err := os.Open(file)
	die(err)
	defer f.Close()
	all, good, tries, refused := 0, 0, 0, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r receipt
		die(json.Unmarshal(lines.Bytes(), &r))
		all++
		if r.check(verifier) == nil {
			good++
		}
		for _, data := range [][]byte{r.Row, r.Entry, r.Schema} {
			for i := range data {
				data[i] ^= 0x40
				tries++
				if r.check(verifier) != nil {
					refused++
				}
				data[i] ^= 0x40
			}
		}
	}
	die(lines.Err())
	ok(all > 0 && good == all, "note and tlog accept all %d receipts, from the signature to the row", all)
	ok(refused == tries, "and refuse %d of %d with one bit of row, entry or schema changed", refused, tries)
}

func main() {
	if len(os.Args) != 3 && len(os.Args) != 5 {
		die(errors.New("usage: sumdb VKEY FOLDER [PROOFS RECEIPTS]"))
	}
	verifier, err := note.NewVerifier(os.Args[1])
	die(err)
	ok(err == nil, "note.NewVerifier reads the verifier key of %s", verifier.Name())
	other := strings.Replace(os.Args[1], "+", "x+", 1)
	_, err = note.NewVerifier(other)
	ok(err != nil, "and refuses it under another name")

	dir := os.Args[2]
	roots := notes(dir, verifier)
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	die(err)
	_, tree, err := checkpoint(msg, verifier)
	die(err)
	tiles(dir, tree, &folder{dir: dir})
	reader := tlog.TileHashReader(tree, &folder{dir: dir})

	grown := 0
	for size, root := range roots {
		if p, err := tlog.ProveTree(tree.N, size, reader); err == nil && tlog.CheckTree(p, tree.N, tree.Hash, size, root) == nil {
			grown++
		}
	}
	ok(grown == len(roots), "every checkpoint is consistent with the last, by proofs out of the tiles")
	if len(os.Args) == 5 {
		proofs(os.Args[3], tree, reader)
		receipts(os.Args[4], verifier)
	}
	fmt.Printf("1..%d\n", count)
	if failed > 0 {
		os.Exit(1)
	}
}
