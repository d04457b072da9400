// Burns CPU time in what Node.js programs do: deep calls, regular expressions, JSON, promises, callbacks of builtins,
// buffers, compression, and much garbage.
//   node load.mjs SECONDS
import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';

const deadline = Date.now() + 1000 * Number(process.argv[2] ?? 10);

function descend(depth, leaf) {
  if (depth === 0) return leaf();
  return descend(depth - 1, leaf) + 1;
}

class Shape {
  constructor(size) {
    this.size = size;
  }
  get area() {
    return this.size ** 2;
  }
}

function regexps() {
  let found = 0;
  const text = 'alpha-1 beta-22 gamma-333 delta '.repeat(50);
  for (const match of text.matchAll(/(\w+)-(\d+)/g)) found += match[2].length;
  return found + text.replace(/[aeiou]+/g, vowels => vowels.toUpperCase()).length;
}

function json() {
  const value = { list: Array.from({ length: 200 }, (_, i) => ({ id: i, name: `item ${i}`, tags: ['a', 'b'] })) };
  return JSON.parse(JSON.stringify(value)).list.length;
}

function collections() {
  const map = new Map();
  for (let i = 0; i < 500; i++) map.set(`key ${i % 100}`, (map.get(`key ${i % 100}`) ?? 0) + 1);
  const sorted = [...map].sort((a, b) => (a[0] < b[0] ? 1 : -1)).map(([key]) => key.length);
  return sorted.reduce((a, b) => a + b, 0) + new Set(sorted).size;
}

function shapes() {
  const list = Array.from({ length: 1000 }, (_, i) => new Shape(i));
  list.sort((a, b) => b.area - a.area);
  return list.filter(shape => shape.size % 3 === 0).length;
}

function bytes() {
  const text = Buffer.from('some text that is compressed '.repeat(100));
  const hash = createHash('sha256').update(text).digest();
  return inflateSync(deflateSync(text)).length + hash[0];
}

function garbage() {
  let tree = null;
  for (let i = 0; i < 20000; i++) tree = { left: i % 100 === 0 ? null : tree, value: [i] };
  return tree.value[0];
}

function* generated() {
  for (let i = 0; i < 300; i++) yield i * 2;
}

function iterating() {
  let sum = 0;
  for (const value of generated()) sum += value;
  try {
    null.missing();
  } catch (error) {
    sum += error.stack.length;
  }
  return sum;
}

function arithmetic() {
  let sum = 0;
  for (let i = 0; i < 30000; i++) sum += Math.sqrt(i) * Math.sin(i);
  return Math.floor(sum) + Number((1n << 200n) % 1000007n);
}

const leaves = [regexps, json, collections, shapes, bytes, garbage, iterating, arithmetic];

async function chain(depth, leaf) {
  if (depth === 0) return descend(20, leaf);
  return (await chain(depth - 1, leaf)) + 1;
}

let total = 0;
for (let round = 0; Date.now() < deadline; round++) {
  const leaf = leaves[round % leaves.length];
  total += descend(10 + (round % 30), leaf);
  total += await chain(5, leaf);
  if (round % 100 === 0) await new Promise(resolve => setImmediate(resolve));
}
if (total === 0) process.exitCode = 1;
