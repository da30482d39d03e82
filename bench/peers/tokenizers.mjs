// Times npm tokenizers on a text: @huggingface/tokenizers (JavaScript) and tokenizers (the Rust library's binding).
//   node tokenizers.mjs TEXT_FILE REPEAT TOKENIZER_FOLDER...
// One JSON object per folder and package: load_milliseconds (reading the files too), encode_megabytes_per_second,
// decode_megabytes_per_second (medians), tokens.
import fs from 'fs';
import path from 'path';
import {Tokenizer as Js} from '@huggingface/tokenizers';
import rust from 'tokenizers';

const [file, repeat, ...folders] = process.argv.slice(2);
const text = fs.readFileSync(file, 'utf8');
const bytes = Buffer.byteLength(text);
const median = values => values.sort((a, b) => a - b)[values.length >> 1];
const timed = async work => {
  const start = process.hrtime.bigint();
  const value = await work();
  return [Number(process.hrtime.bigint() - start) / 1e9, value];
};
const read = (folder, name) => fs.readFileSync(path.join(folder, name), 'utf8');
const json = (folder, name) => fs.existsSync(path.join(folder, name)) ? JSON.parse(read(folder, name)) : {};

const packages = {
  '@huggingface/tokenizers': {
    load: folder => new Js(JSON.parse(read(folder, 'tokenizer.json')), json(folder, 'tokenizer_config.json')),
    encode: tokenizer => tokenizer.encode(text, {add_special_tokens: false}).ids,
    decode: (tokenizer, ids) => tokenizer.decode(ids, {skip_special_tokens: false}),
  },
  tokenizers: {
    load: folder => rust.Tokenizer.fromString(read(folder, 'tokenizer.json')),
    encode: async tokenizer => (await tokenizer.encode(text, null, {addSpecialTokens: false})).getIds(),
    decode: (tokenizer, ids) => tokenizer.decode(ids, false),
  },
};

for (const folder of folders)
  for (const [name, {load, encode, decode}] of Object.entries(packages)) {
    const seconds = {load: [], encode: [], decode: []};
    let tokens = 0;
    for (let i = 0; i < Number(repeat); ++i) {
      const [load_s, tokenizer] = await timed(() => load(folder));
      const [encode_s, ids] = await timed(() => encode(tokenizer));
      const [decode_s] = await timed(() => decode(tokenizer, ids));
      seconds.load.push(load_s);
      seconds.encode.push(encode_s);
      seconds.decode.push(decode_s);
      tokens = ids.length;
    }
    console.log(JSON.stringify({package: name, tokenizer: path.basename(folder), tokens,
      load_milliseconds: +(median(seconds.load) * 1e3).toFixed(1),
      encode_megabytes_per_second: +(bytes / 1e6 / median(seconds.encode)).toFixed(2),
      decode_megabytes_per_second: +(bytes / 1e6 / median(seconds.decode)).toFixed(2)}));
  }
