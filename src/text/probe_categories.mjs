#!/usr/bin/env node
// Asks the regexes of Hugging Face's library for the general category of every character, and writes
// {category: [[first, last], ...]} to standard output: what make_stand_in_table.py reads.
//   node probe_categories.mjs FOLDER      a folder where npm installed the package tokenizers (0.23.2)
import path from 'path';
import {createRequire} from 'module';

const {Tokenizer} = createRequire(path.resolve(process.argv[2] ?? '.') + '/')('tokenizers');
const categories = 'Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co'.split(' ');
const scalars = [];
for (let c = 0; c < 0x110000; ++c) if (c < 0xD800 || c > 0xDFFF) scalars.push(c);

const result = {};
for (const category of categories) {
  const split = {type: 'Split', pattern: {Regex: `\\p{${category}}`}, behavior: 'Removed', invert: false};
  const tokenizer = Tokenizer.fromString(JSON.stringify({version: '1.0', truncation: null, padding: null,
    added_tokens: [], normalizer: null, pre_tokenizer: split, post_processor: null, decoder: null,
    model: {type: 'WordLevel', vocab: {u: 0}, unk_token: 'u'}}));
  const ranges = [];
  for (let at = 0; at < scalars.length; at += 4096) {
    const part = scalars.slice(at, at + 4096);
    const kept = new Uint8Array(part.length);
    for (const [begin, end] of (await tokenizer.encode(String.fromCodePoint(...part))).getOffsets()) kept.fill(1, begin, end);
    part.forEach((c, i) => {
      if (kept[i]) return;
      if (ranges.length && ranges.at(-1)[1] + 1 === c) ranges.at(-1)[1] = c; else ranges.push([c, c]);
    });
  }
  result[category] = ranges;
}
console.log(JSON.stringify(result));
