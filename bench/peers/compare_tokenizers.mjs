// Random texts through linnet and through Hugging Face's own library (npm tokenizers): ids and decoded text must agree.
//   node compare_tokenizers.mjs LINNET COUNT SEED TOKENIZER_FOLDER...
// Run it from a folder where the package is installed (bench/peers/tokenizers.sh makes build/peers). Prints the first
// differences and, for each folder, how many there were; exits with 1 if there was any.
import {spawnSync} from 'child_process';
import fs from 'fs';
import path from 'path';
import {createRequire} from 'module';

const {Tokenizer} = createRequire(process.cwd() + '/')('tokenizers');
const [linnet, count, seed, ...folders] = process.argv.slice(2);
let state = BigInt(seed);
const below = limit => {
  state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
  return Number((state >> 33n) % BigInt(limit));
};
const one = list => list[below(list.length)];
const parts = ['the', ' keeper', ' ', '  ', '   ', '\n', '\n\n', '\r\n', '\t', "'s", "'LL", "'ſ", "n't", '1987', '3.14', '½', 'Ⅷ',
  '٣', 'é', 'e\u0301', '灯台', '猫', 'Кошка', '🙂', '👩‍👧', '▁', 'Ġ', '(){};', '\u00a0', '\u2028', '각', '\u1100\u1161', '\u0085',
  '\u180e', '\u200b', '\ufeff', '\u0000', '!!!', '...', 'ß', 'İ', 'ﬁ', 'Å', 'a'.repeat(70), '=====', '\u3000', '<0x41>', '<', '|',
  '_', '\u0344', '\u0f73', 'क़', '\u{1D15E}', '\u{13CB0}', '\u{323AF}'];
const limits = [0x80, 0x250, 0x600, 0x3000, 0xD800, 0x20000, 0x110000];

let differences = 0;
for (const folder of folders) {
  const text = fs.readFileSync(path.join(folder, 'tokenizer.json'), 'utf8');
  const file = JSON.parse(text);
  const reference = Tokenizer.fromString(text);
  const added = file.added_tokens.map(token => token.content);
  const vocabulary = Object.keys(file.model.vocab);
  const character = () => {
    const c = below(one(limits));
    return String.fromCodePoint(c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
  };
  const random = () => {
    let result = '';
    for (let i = 1 + below(16); i > 0; --i) {
      const kind = below(12);
      result += kind < 6 ? one(parts) : kind < 7 && added.length ? one(added) : kind < 9 ? one(vocabulary) : character();
    }
    return result;
  };
  const texts = Array.from({length: Number(count)}, random);
  const input = texts.map((t, i) => JSON.stringify({text: t, add_special_tokens: i % 2 === 0}) + '\n').join('');
  const run = spawnSync(linnet, ['tokenize', '-m', folder, '--jsonl'], {input, maxBuffer: 2 ** 30});
  const answers = run.stdout.toString().trim().split('\n').map(line => JSON.parse(line));
  let wrong = 0;
  for (const [i, t] of texts.entries()) {
    const ids = (await reference.encode(t, null, {addSpecialTokens: i % 2 === 0})).getIds();
    const expected = JSON.stringify({ids, decoded: await reference.decode(ids, false)});
    if (expected === JSON.stringify(answers[i])) continue;
    if (++wrong <= 5) console.log(JSON.stringify(t), expected, JSON.stringify(answers[i]));
  }
  console.log(`${path.basename(folder)}: ${wrong} of ${texts.length} differ`);
  differences += wrong;
}
process.exit(differences ? 1 : 0);
