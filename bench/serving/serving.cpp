// How fast is linnet with many requests at once? Prints a JSON object.
// usage: linnet_serving_bench MODEL [--threads N] [--only
// classify,decode,adapters,latency,speculate]
//
//   classify   200 prompts of 60 tokens behind 300 that all share, four labels of one token each
//   decode     one request, then 16 at once: tokens a second, of all together
//   adapters   16 requests at once without adapters, with one and with eight (rank 8, all
//   projections) latency    first token of a short request while a prompt of 4,000 tokens is read
//   speculate  a text in which nothing that is guessed comes true, with guesses and without, by
//   turns
#include <fmt/format.h>
#include <linnet/linnet.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "api/engine_of.hpp"
#include "api/state.hpp"
#include "engine/classify.hpp"
#include "engine/engine.hpp"
#include "engine/request.hpp"
#include "io/adapter_file.hpp"

namespace linnet {
namespace {

using Clock = std::chrono::steady_clock;
using Ids = std::vector<int32_t>;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

nlohmann::ordered_json spread(std::vector<double> values) {
  std::ranges::sort(values);
  return {{"median", values[values.size() / 2]},
          {"least", values.front()},
          {"most", values.back()},
          {"runs", values.size()}};
}

Ids random_ids(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Ids ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(1000 + random() % 50000);
  return ids;
}

constexpr int kRuns = 3;

nlohmann::ordered_json classify(const TextModel& model) {
  constexpr size_t kPrompts = 200;
  constexpr size_t kShared = 300;
  constexpr size_t kOwn = 60;
  const engine::LabelTrie labels({{11}, {12}, {13}, {14}});
  std::vector<double> rates;
  for (int run = 0; run < kRuns; ++run) {
    // Another instruction each time: nothing is there from the run before.
    const Ids shared = random_ids(kShared, 1000U + static_cast<unsigned>(run));
    std::vector<Ids> prompts;
    for (unsigned i = 0; i < kPrompts; ++i) {
      prompts.push_back(shared);
      const Ids own = random_ids(kOwn, i);
      prompts.back().insert(prompts.back().end(), own.begin(), own.end());
    }
    const auto start = Clock::now();
    size_t taken = 0;
    const auto next = [&]() -> std::optional<engine::LabelledPrompt> {
      if (taken == prompts.size()) return std::nullopt;
      return engine::LabelledPrompt{.ids = prompts[taken++], .labels = &labels};
    };
    engine::classify_all(engine_of(model), {.next = next}, {}, [](int64_t, const auto&) {});
    rates.push_back(kPrompts / seconds_since(start));
  }
  return {{"prompts", kPrompts}, {"prompts_per_second", spread(rates)}};
}

Metrics finish(Generation& generation) {
  while (generation.next() != nullptr) continue;
  return generation.metrics();
}

constexpr int64_t kTokens = 48;
constexpr unsigned kTogether = 16;

/// Tokens a second of 16 requests that decode; request i has the adapter i mod `adapters`.
double decode_together(const TextModel& model, unsigned run, unsigned adapters) {
  GenerateOptions options{.max_tokens = kTokens, .ignore_eos = true};
  std::vector<Generation> running;
  for (unsigned i = 0; i < kTogether; ++i) {
    if (adapters > 0) options.adapter = std::to_string(i % adapters);
    running.push_back(model.generate(random_ids(32, 100 * run + i), options));
  }
  for (Generation& generation : running) generation.next();
  // From here on all decode.
  const auto start = Clock::now();
  int64_t tokens = 0;
  for (Generation& generation : running)
    while (generation.next() != nullptr) ++tokens;
  return static_cast<double>(tokens) / seconds_since(start);
}

nlohmann::ordered_json adapters(const TextModel& model) {
  constexpr unsigned kAdapters = 8;
  const auto folder = std::filesystem::temp_directory_path() /
                      fmt::format("linnet-serving-{}", Clock::now().time_since_epoch().count());
  for (unsigned a = 0; a < kAdapters; ++a) {
    io::AdapterFile file{.rank = 8, .alpha = 8};
    for (const nn::Module& m : ModelLoader::state(model).adapter_base.modules) {
      const auto numbers = [&](int64_t count) {
        return std::vector<float>(static_cast<size_t>(count), 1e-3F * static_cast<float>(a + 1));
      };
      file.modules.push_back({.name = m.name,
                              .rank = 8,
                              .inputs = m.inputs,
                              .outputs = m.outputs,
                              .a = numbers(8 * m.inputs),
                              .b = numbers(8 * m.outputs)});
    }
    io::write_adapter(folder, io::AdapterFormat::peft, file);
    model.load_adapter(std::to_string(a), folder);
  }
  std::filesystem::remove_all(folder);
  std::vector<double> none;
  std::vector<double> one;
  std::vector<double> all;
  for (unsigned run = 0; run < kRuns; ++run) {
    none.push_back(decode_together(model, run, 0));
    one.push_back(decode_together(model, run, 1));
    all.push_back(decode_together(model, run, kAdapters));
  }
  for (unsigned a = 0; a < kAdapters; ++a) model.unload_adapter(std::to_string(a));
  return {{"together", kTogether},
          {"tokens_per_second_without", spread(none)},
          {"tokens_per_second_with_one", spread(one)},
          {"adapters", kAdapters},
          {"tokens_per_second_with_all", spread(all)}};
}

nlohmann::ordered_json decode(const TextModel& model) {
  const GenerateOptions options{.max_tokens = kTokens, .ignore_eos = true};
  std::vector<double> single;
  std::vector<double> together;
  for (unsigned run = 0; run < kRuns; ++run) {
    Generation alone = model.generate(random_ids(32, run), options);
    single.push_back(finish(alone).decode_tokens_per_second);
    together.push_back(decode_together(model, run, 0));
  }
  return {{"single_tokens_per_second", spread(single)},
          {"together", kTogether},
          {"together_tokens_per_second", spread(together)}};
}

nlohmann::ordered_json latency(const TextModel& model) {
  std::vector<double> waits;
  std::vector<double> alone;
  std::vector<double> slowdown;
  for (unsigned run = 0; run < kRuns; ++run) {
    Generation quiet = model.generate(random_ids(8, 50 + run), {.max_tokens = 1});
    alone.push_back(finish(quiet).time_to_first_token_seconds * 1e3);
    Generation reading = model.generate(random_ids(4000, run), {.max_tokens = 1});
    // At different places of the long prompt's passes.
    for (unsigned i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(370 + 110 * i));
      Generation other = model.generate(random_ids(8, 70 + 10 * run + i), {.max_tokens = 1});
      waits.push_back(finish(other).time_to_first_token_seconds * 1e3);
    }
    slowdown.push_back(finish(reading).time_to_first_token_seconds);
  }
  return {{"alone_milliseconds", spread(alone)},
          {"during_a_long_prompt_milliseconds", spread(waits)},
          {"long_prompt_seconds", spread(slowdown)}};
}

/// A text in which the last tokens often were there before, and never go on as they did then: the
/// model's noise does not repeat itself, but the prompt makes lookups hit.
nlohmann::ordered_json speculate(const TextModel& model) {
  constexpr int64_t kTokens = 200;
  std::vector<double> ratios;
  int64_t drafted = 0;
  int64_t accepted = 0;
  for (unsigned run = 0; run < kRuns; ++run) {
    const auto rate = [&](int64_t guesses) {
      Generation generation = model.generate(random_ids(64, run), {.max_tokens = kTokens,
                                                                   .temperature = 1.5F,
                                                                   .top_k = 3,
                                                                   .seed = run,
                                                                   .ignore_eos = true,
                                                                   .speculate = guesses});
      const Metrics metrics = finish(generation);
      drafted += metrics.drafted_tokens;
      accepted += metrics.accepted_tokens;
      return metrics.decode_tokens_per_second;
    };
    const double before = rate(0);
    const double with = rate(8);
    ratios.push_back(2 * with / (before + rate(0)));
  }
  return {{"guesses", drafted}, {"right", accepted}, {"speed_with_over_without", spread(ratios)}};
}

int run(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: {} MODEL [--threads N] [--only PART,...]\n", argv[0]);
    return 2;
  }
  LoadOptions options{.context_length = 4352, .threads = 2};
  std::string only = "classify,decode,adapters,latency,speculate";
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--threads") options.threads = std::atoi(argv[i + 1]);
    if (std::string_view(argv[i]) == "--only") only = argv[i + 1];
  }
  const TextModel model = load_model(argv[1], options);
  Generation warm = model.generate(random_ids(64, 7), {.max_tokens = 8});
  finish(warm);
  nlohmann::ordered_json result{{"model", argv[1]}, {"threads", options.threads}};
  const auto wanted = [&](const char* name) { return only.find(name) != std::string::npos; };
  if (wanted("classify")) result["classify"] = classify(model);
  if (wanted("decode")) result["decode"] = decode(model);
  if (wanted("adapters")) result["adapters"] = adapters(model);
  if (wanted("latency")) result["latency"] = latency(model);
  if (wanted("speculate")) result["speculate"] = speculate(model);
  fmt::print("{}\n", result.dump());
  return 0;
}

}  // namespace
}  // namespace linnet

int main(int argc, char** argv) {
  try {
    return linnet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
