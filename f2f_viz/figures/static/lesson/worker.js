// Searches apart from the page. The page ends this worker when it wants something else.
let data, parts, search, packed = {};

const layerFor = (setting) => {  // what does not depend on n_s is kept from one task to the next
  const key = `${setting.rate} ${setting.n_in} ${setting.order}`;
  if (packed.key !== key) packed = { key, ...packedPlanes(data, parts, geometryOf(data, setting)) };
  return packed;
};

const TASKS = {
  // all planes of a setting
  all: ({ setting }, encode) => {
    const g = geometryOf(data, setting), layer = layerFor(setting), begun = performance.now();
    const planes = encode(g, matrixOf(data, parts, g), g.blocks, layer.care, layer.planes, data.tile_blocks);
    return { planes, inverted: layer.inverted, ones: layer.ones, ms: performance.now() - begun };
  },
  // some blocks of a plane, the register 0 before the first: mismatches of each block
  blocks: ({ setting, plane, start, n }, encode) => {
    const g = geometryOf(data, setting), layer = layerFor(setting), row = 8 * g.words;
    const part = (bytes) => bytes.subarray(start * row, (start + n) * row);
    const [found] = encode(g, matrixOf(data, parts, g), n, part(layer.care), [part(layer.planes[plane])], n);
    const wrong = new Array(n).fill(0);
    let rank = 0, next = 0;
    for (let t = 0; t < n; t++)
      for (const byte of part(layer.care).subarray(t * row, (t + 1) * row))
        for (let b = byte; b; b &= b - 1)
          if (rank++ === found.ranks[next]) { wrong[t]++; next++; }
    return { wrong };
  },
  // blocks of the small code: their symbols
  small: ({ n_out, care, bits }, encode) => {
    const { n_in, n_s, rows } = data.small, width = n_in * (n_s + 1), packed = (words) => new Uint8Array(new BigUint64Array(words.map(BigInt)).buffer);
    const matrix = Uint8Array.from({ length: n_out * width }, (_, e) => (rows[n_out][Math.floor(e / width)] >> (e % width)) & 1);
    const [{ symbols }] = encode({ n_in, n_s, n_out, words: 1 }, matrix, care.length, packed(care), [packed(bits)], care.length);
    return { symbols: [...symbols] };
  },
};

self.onmessage = async ({ data: message }) => {
  try {
    if (message.core) {
      ({ data, parts } = message);
      search = WebAssembly.instantiate(message.core, {}).then(({ exports }) => makeSearch(exports));
    } else self.postMessage({ result: TASKS[message.kind](message, await search) });
  } catch (error) {
    self.postMessage({ error: String(error.message ?? error) });
  }
};
