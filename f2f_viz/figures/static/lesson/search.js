// The exact search: cython_core as WebAssembly, tile by tile as in codec/trellis.py.

const makeSearch = (core) => {
  const room = (bytes) => {
    const at = core.room(bytes);
    if (!at) throw new Error("the search found no memory");
    return at;
  };
  const put = (bytes) => {
    const at = room(bytes.length);
    new Uint8Array(core.memory.buffer, at, bytes.length).set(bytes);
    return at;
  };
  const take = (Kind, at, count) => new Kind(core.memory.buffer.slice(at, at + count * Kind.BYTES_PER_ELEMENT));

  // Symbols and corrections (ranks of care bits) of all planes; care and planes are packed.
  return (code, matrix, blocks, care, planes, tileBlocks) => {
    const { n_in, n_s, n_out, words } = code, columns = packedColumns(matrix, code), row = 8 * words;
    const found = planes.map(() => ({ symbols: new Uint16Array(blocks), ranks: [], bits: 0 }));
    let before = 0;  // care bits of the tiles before
    for (let start = 0; start < blocks; start += tileBlocks) {
      const n = Math.min(tileBlocks, blocks - start), part = (bytes) => bytes.subarray(start * row, (start + n) * row);
      core.reset();
      const cols = put(columns), own = put(part(care)), bits = room(planes.length * n * row);
      planes.forEach((plane, p) => new Uint8Array(core.memory.buffer, bits + p * n * row, n * row).set(part(plane)));
      const symbols = room(2 * n * planes.length), mismatches = room(8 * planes.length);
      if (core.search(n_in, n_s, n_out, cols, own, n, planes.length, bits, symbols, mismatches))
        throw new Error("the search found no memory");
      const counts = take(BigInt64Array, mismatches, planes.length);
      planes.forEach((_, p) => {
        const ranks = room(4 * Number(counts[p]) + 4);
        const count = core.corrections(n_in, n_s, n_out, cols, own, n, bits + p * n * row, symbols + 2 * n * p, before, ranks);
        if (count !== Number(counts[p])) throw new Error("the decoder does not agree with the search");
        found[p].symbols.set(take(Uint16Array, symbols + 2 * n * p, n), start);
        found[p].ranks.push(take(Uint32Array, ranks, count));
      });
      for (const byte of part(care)) for (let b = byte; b; b &= b - 1) before++;
    }
    for (const plane of found) {
      const all = new Uint32Array(plane.ranks.reduce((sum, ranks) => sum + ranks.length, 0));
      let at = 0;
      for (const ranks of plane.ranks) { all.set(ranks, at); at += ranks.length; }
      core.reset();
      plane.ranks = all;
      plane.bits = core.rank_bits(put(new Uint8Array(all.buffer)), all.length);
    }
    return found;
  };
};
