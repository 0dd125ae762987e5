// node lesson.mjs: run the lesson's worker, as the page does, on what tests/figures/test_lesson.py gives.
import { readFileSync, writeFileSync } from "node:fs";
const [folder] = process.argv.slice(2);
const job = JSON.parse(readFileSync(`${folder}/job.json`, "utf8")), KINDS = { index: Uint32Array };
const parts = Object.fromEntries(["index", "words", "matrices"].map((name) => {
  const bytes = new Uint8Array(readFileSync(`${folder}/${name}`));
  return [name, new (KINDS[name] ?? Uint8Array)(bytes.buffer)];
}));
let answer;
globalThis.self = { postMessage: (message) => { answer = message; } };
(0, eval)(readFileSync(`${folder}/worker.js`, "utf8"));
await self.onmessage({ data: { core: new WebAssembly.Module(readFileSync(job.wasm)), data: job.data, parts } });
const list = (name, result) => (result.planes ? { ...result, planes: result.planes.map((p) => ({ ...p, symbols: [...p.symbols], ranks: [...p.ranks] })) } : result);
const found = [];
for (const task of job.tasks) {
  await self.onmessage({ data: task });
  if (answer.error) throw new Error(answer.error);
  found.push(list(task.kind, answer.result));
}
writeFileSync(`${folder}/found.json`, JSON.stringify(found));
