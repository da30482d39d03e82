// Times llama.cpp reading prompts that share their beginning, one after another: from scratch each, and with the
// beginning kept. usage: node llama_cpp_classify.mjs MODEL.gguf [threads=2] [prompts=24] [shared=300] [own=60]
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [path, threads = "2", prompts = "24", shared = "300", own = "60"] = process.argv.slice(2);
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: +threads});
const model = await llama.loadModel({modelPath: path});
const context = await model.createContext({contextSize: 2048, batchSize: 512, threads: +threads, flashAttention: true,
                                           swaFullCache: true});
const sequence = context.getSequence();
const ids = (seed, length) => Array.from({length}, (_, i) => 1000 + (seed * 7919 + i * 104729) % 50000);
const prefix = ids(1, +shared);
const read = (tokens) => sequence.evaluateWithoutGeneratingNewTokens(tokens);

await read([...prefix, ...ids(2, +own)]);  // to warm up
let start = performance.now();
for (let i = 0; i < +prompts; i++) {
    await sequence.clearHistory();
    await read([...prefix, ...ids(10 + i, +own)]);
}
const scratch = +prompts / (performance.now() - start) * 1e3;

await sequence.clearHistory();
await read(prefix);
start = performance.now();
for (let i = 0; i < 3 * +prompts; i++) {
    if (sequence.nextTokenIndex > +shared)
        await sequence.eraseContextTokenRanges([{start: +shared, end: sequence.nextTokenIndex}]);
    if (sequence.nextTokenIndex !== +shared) throw new Error(`${sequence.nextTokenIndex} tokens are kept`);
    await read(ids(10 + i, +own));
}
const kept = 3 * +prompts / (performance.now() - start) * 1e3;
console.log(JSON.stringify({model: path, threads: +threads, scratch_prompts_s: scratch, kept_prompts_s: kept}));
process.exit(0);
