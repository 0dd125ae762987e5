// A layer in blocks, as codec/blocks.py and codec/planes.py lay it out. Every choice, such as n_out or
// how many blocks there are, was made by the package and stands in `data`; here are only the
// consequences. A slot is a weight that some setting keeps: those that go last come first, so that the
// first data.kept[rate] slots are kept.

const geometryOf = (data, { rate, n_in, n_s, order }) => {
  const n_out = data.n_out[n_in][rate], { spread } = data.orders[order];
  const [blocks, step, back] = data.layouts[order][n_out];
  return {
    rate, n_in, n_s, order, n_out, blocks, spread, step, kept: data.kept[rate], words: Math.ceil(n_out / 64),
    // the weight of bit i of block t; −1 is padding
    weightAt: (t, i) => {
      const group = (t * step) % blocks, index = spread ? group + i * blocks : group * n_out + i;
      return index < data.size ? index : -1;
    },
    blockOf: (index) => ((spread ? index % blocks : Math.floor(index / n_out)) * back) % blocks,
    bitOf: (index) => (spread ? Math.floor(index / blocks) : index % n_out),
  };
};

// n_u, the care bits of every block
const careCounts = (parts, g) => {
  const n_u = new Uint16Array(g.blocks);
  for (let k = 0; k < g.kept; k++) n_u[g.blockOf(parts.index[k])]++;
  return n_u;
};

// a bit of a slot's weight; planes go from the most significant bit down
const planeBit = (data, parts, slot, plane) => {
  const bit = data.planes.length - 1 - plane;
  return (parts.words[slot * data.itemsize + (bit >> 3)] >> (bit & 7)) & 1;
};

// care bits and planes packed for the search, bit i of a block in byte i / 8; a plane that is mostly
// ones is inverted
const packedPlanes = (data, parts, g) => {
  const row = 8 * g.words, care = new Uint8Array(g.blocks * row), inverted = [];
  const at = new Uint32Array(g.kept), bit = new Uint8Array(g.kept);
  for (let k = 0; k < g.kept; k++) {
    const index = parts.index[k], i = g.bitOf(index);
    at[k] = g.blockOf(index) * row + (i >> 3);
    bit[k] = 1 << (i & 7);
    care[at[k]] |= bit[k];
  }
  const ones = [], planes = data.planes.map((_, plane) => {
    const bits = new Uint8Array(care.length);
    ones.push(0);
    for (let k = 0; k < g.kept; k++)
      if (planeBit(data, parts, k, plane)) { bits[at[k]] |= bit[k]; ones[plane]++; }
    inverted.push(2 * ones[plane] > g.kept);
    if (inverted[plane]) for (let k = 0; k < bits.length; k++) bits[k] ^= care[k];
    return bits;
  });
  return { care, planes, inverted, ones };
};

// M as XorNetwork draws it: (n_out, n_in (n_s + 1)), one byte an entry
const matrixOf = (data, parts, { n_in, n_s, n_out }) => {
  const width = n_in * (n_s + 1), m = new Uint8Array(n_out * width);
  let at = data.matrices[`${n_in},${n_s},${n_out}`];
  for (let k = 0; k <= n_s; k++) {
    for (let e = 0; e < n_out * n_in; e++)
      m[Math.floor(e / n_in) * width + k * n_in + (e % n_in)] = (parts.matrices[at + (e >> 3)] >> (e & 7)) & 1;
    at += Math.ceil((n_out * n_in) / 8);
  }
  return m;
};

const packedColumns = (matrix, { n_in, n_s, n_out, words }) => {
  const width = n_in * (n_s + 1), cols = new Uint8Array(width * words * 8);
  for (let i = 0; i < n_out; i++)
    for (let j = 0; j < width; j++)
      if (matrix[i * width + j]) cols[j * words * 8 + (i >> 3)] |= 1 << (i & 7);
  return cols;
};

// Blocks of a small code whose trellis can be drawn whole, on some weights of the layer: as
// figures/unfolding.py chooses them. Care bits and wanted bits, one number a block.
const smallBlocks = (data, parts, slots, g, ones) => {
  const { n_in, rows, blocks: most, cared, looked_at } = data.small, size = Math.min(data.size, looked_at);
  const kept = (index) => index < size && slots[index] >= 0 && slots[index] < g.kept;
  let count = 0;
  for (let index = 0; index < size; index++) count += kept(index);
  if (!count) return null;
  const lengths = Object.keys(rows).map(Number);
  const n_out = Math.max(n_in, Math.min(Math.floor((n_in * size) / count), Math.max(...lengths)));
  const n_u = new Int32Array(Math.ceil(size / n_out)), run = Math.min(most, n_u.length);
  for (let index = 0; index < size; index++) n_u[Math.floor(index / n_out)] += kept(index);
  let first = 0, nearest = Infinity;
  for (let t = 0; t + run <= n_u.length; t++) {
    const off = Math.abs(n_u.subarray(t, t + run).reduce((sum, n) => sum + n, 0) - cared * run);
    if (off < nearest) [first, nearest] = [t, off];
  }
  const skew = ones.map((n) => Math.abs(2 * n - g.kept)), plane = skew.indexOf(Math.min(...skew));
  const care = new Array(run).fill(0), bits = new Array(run).fill(0);
  for (let t = 0; t < run; t++)
    for (let i = 0; i < n_out; i++) {
      const index = (first + t) * n_out + i;
      if (!kept(index)) continue;
      care[t] |= 1 << i;
      if (planeBit(data, parts, slots[index], plane)) bits[t] |= 1 << i;
    }
  return { n_out, care, bits, plane, start: first * n_out, stop: Math.min((first + run) * n_out, size) };
};
