// Several adapters beside one model: each request has the bits that it has alone, whatever is
// computed beside it, kept from others, or swapped meanwhile.
#include <linnet/linnet.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "api/answers.hpp"
#include "api/model_folder.hpp"
#include "io/adapter_file.hpp"
#include "support/expect_error.hpp"
#include "support/reference.hpp"
#include "support/sanitized.hpp"
#include "support/scale.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using test::Answer;
using test::answer_of;

const GenerateOptions kSampled{
    .max_tokens = 12, .temperature = 1, .seed = 3, .logit_bias = {{1, -1e9F}, {3, -1e9F}}};

/// Numbers in -1 .. 1 that are large enough to matter in a model with small weights.
std::vector<float> numbers(int64_t count, uint32_t seed) {
  std::vector<float> result;
  uint32_t state = seed * 2654435761U + 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    result.push_back(static_cast<float>(state >> 8) / 8388608.0F - 1);
  }
  return result;
}

/// Which parts of a block an adapter has: all, or those that are computed in their own ways.
const std::vector<std::vector<std::string>> kTargets = {
    {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
    {"q_proj", "v_proj"},
    {"down_proj"},
    {"gate_proj"},
    {"o_proj"},
    {"up_proj", "down_proj"},
    {"k_proj"},
    {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}};

/// Folders of adapters for a model, made up of random numbers.
class AdapterFolders {
 public:
  explicit AdapterFolders(const std::string& family) {
    const auto loaded = models::load(io::Checkpoint::open(test::reference_folder(family)),
                                     Device::cpu({.threads = 1}), {.plan_only = true});
    modules_ = loaded.modules;
  }

  /// `seed` decides ranks, targets and numbers.
  std::filesystem::path make(uint32_t seed) {
    const std::vector<std::string>& targets = kTargets[seed % kTargets.size()];
    io::AdapterFile file{.rank = 2 + seed % 5, .alpha = 4};
    uint32_t part = seed * 1000;
    for (const nn::Module& m : modules_) {
      if (std::ranges::none_of(targets, [&](const auto& end) { return m.name.ends_with(end); }))
        continue;
      file.modules.push_back({.name = m.name,
                              .rank = file.rank,
                              .inputs = m.inputs,
                              .outputs = m.outputs,
                              .a = numbers(file.rank * m.inputs, ++part),
                              .b = numbers(m.outputs * file.rank, ++part),
                              .scale = 4.0F / static_cast<float>(file.rank)});
    }
    std::filesystem::path path = folder_.path() / std::to_string(seed);
    io::write_adapter(path, seed % 2 == 0 ? io::AdapterFormat::peft : io::AdapterFormat::mlx, file);
    return path;
  }

 private:
  test::TemporaryFolder folder_;
  std::vector<nn::Module> modules_;
};

TextModel model_of(const std::string& family, const LoadOptions& options) {
  return test::load(test::with_tokenizer(family), options);
}

class AdaptersOfFamily : public testing::TestWithParam<std::tuple<std::string, Compute>> {
 protected:
  [[nodiscard]] std::string family() const { return std::get<0>(GetParam()); }
  [[nodiscard]] LoadOptions options(int threads, int64_t prefix_cache_bytes) const {
    return {.compute = std::get<1>(GetParam()),
            .threads = threads,
            .prefix_cache_bytes = prefix_cache_bytes};
  }
  AdapterFolders folders_{family()};
};

INSTANTIATE_TEST_SUITE_P(All, AdaptersOfFamily,
                         testing::Combine(testing::ValuesIn(test::reference_families()),
                                          testing::Values(Compute::bf16, Compute::f32)),
                         [](const auto& info) {
                           return test::test_name(std::get<0>(info.param)) +
                                  (std::get<1>(info.param) == Compute::bf16 ? "_bf16" : "_f32");
                         });

TEST_P(AdaptersOfFamily, EightInSixteenRequestsHaveTheBitsThatEachHasAlone) {
  const int count = test::rounds(16, 6);
  const TextModel together = model_of(family(), options(2, int64_t{64} << 20));
  for (uint32_t i = 0; i < 8; ++i)
    together.load_adapter("adapter-" + std::to_string(i), folders_.make(i));
  // All prompts begin alike, and past a block: what is kept of one must not serve another.
  const std::vector<int32_t> common = test::random_ids(70, 1);
  const auto request = [&](int i) {
    BatchRequest result{.ids = common, .options = kSampled};
    const auto own =
        test::random_ids(3 + 7 * static_cast<size_t>(i), 90 + static_cast<unsigned>(i));
    result.ids.insert(result.ids.end(), own.begin(), own.end());
    result.options.seed = static_cast<uint64_t>(i);
    // Of 16 requests 14 have adapters, and two have none.
    if (i % 8 != 7) result.options.adapter = "adapter-" + std::to_string((i * 3) % 8);
    return result;
  };
  std::vector<Answer> expected;
  for (int i = 0; i < count; ++i) {
    const BatchRequest r = request(i);
    LoadOptions alone = options(1, 0);
    if (!r.options.adapter.empty()) alone.adapter = folders_.make(static_cast<uint32_t>(i * 3 % 8));
    GenerateOptions plain = r.options;
    plain.adapter.clear();
    expected.push_back(answer_of(model_of(family(), alone).generate(r.ids, plain)));
  }
  std::map<std::vector<int32_t>, int> different;
  for (const Answer& answer : expected) ++different[answer.ids];
  EXPECT_GT(different.size(), static_cast<size_t>(count) / 2)
      << "adapters that change nothing show nothing";
  for (int round = 0; round < 2; ++round) {  // the second begins with what the first left
    std::vector<Generation> running;
    for (int i = 0; i < count; ++i) {
      const BatchRequest r = request(i);
      running.push_back(together.generate(r.ids, r.options));
    }
    for (size_t i = 0; i < running.size(); ++i)
      EXPECT_EQ(answer_of(std::move(running[i])), expected[i]) << i << " in round " << round;
  }
}

/// One family is enough for what lies above the passes.
class Adapters : public testing::Test {
 protected:
  AdapterFolders folders_{"qwen3"};
  TextModel model_ = model_of("qwen3", {.threads = 2});
  std::vector<int32_t> ids_ = test::random_ids(40, 5);

  Answer answer(const std::string& adapter) {
    GenerateOptions options = kSampled;
    options.adapter = adapter;
    return answer_of(model_.generate(ids_, options));
  }
};

TEST_F(Adapters, AreListedReplacedAndTakenAway) {
  EXPECT_TRUE(model_.adapters().empty());
  const Answer plain = answer("");
  const LoadedAdapter loaded = model_.load_adapter("b", folders_.make(1));
  EXPECT_EQ(loaded.name, "b");
  EXPECT_EQ(loaded.info.rank, 3);
  EXPECT_EQ(loaded.info.targets, (std::vector<std::string>{"q_proj", "v_proj"}));
  EXPECT_GT(loaded.bytes, 0);
  model_.load_adapter("a", folders_.make(0));
  ASSERT_EQ(model_.adapters().size(), 2U);
  EXPECT_EQ(model_.adapters()[0].name, "a");
  const Answer a = answer("a");
  const Answer b = answer("b");
  EXPECT_NE(a, b);
  EXPECT_NE(a, plain);
  EXPECT_EQ(answer(""), plain);
  model_.load_adapter("a", folders_.make(1));  // swapped
  EXPECT_EQ(answer("a"), b);
  model_.load_adapter("a", folders_.make(0));
  EXPECT_EQ(answer("a"), a) << "what was kept of the first is that of the same adapter";
  model_.unload_adapter("a");
  test::expect_error(ErrorCode::not_found, "there is no adapter \"a\"; loaded: b",
                     [&] { answer("a"); });
  test::expect_error(ErrorCode::not_found, "\"a\"", [&] { model_.unload_adapter("a"); });
  EXPECT_EQ(answer("b"), b);
}

TEST_F(Adapters, GiveTheirMemoryBack) {
  answer("");
  const int64_t before = test::settled_bytes(model_);
  const int64_t budget = engine_of(model_).pool().budget_bytes();
  const LoadedAdapter loaded = model_.load_adapter("a", folders_.make(0));
  const int64_t workspace = budget - engine_of(model_).pool().budget_bytes() - loaded.bytes;
  EXPECT_GE(workspace, 0);
  EXPECT_EQ(test::settled_bytes(model_) - before, loaded.bytes);
  for (int i = 0; i < 5; ++i) model_.load_adapter("a", folders_.make(0));
  EXPECT_EQ(test::settled_bytes(model_) - before, loaded.bytes);
  model_.unload_adapter("a");
  EXPECT_EQ(test::settled_bytes(model_), before);
  EXPECT_EQ(engine_of(model_).pool().budget_bytes(), budget);
}

TEST_F(Adapters, BadOnesAreRefusedAndChangeNothing) {
  const auto load = [&](const std::string& name, const std::filesystem::path& folder) {
    model_.load_adapter(name, folder);
  };
  for (const std::string name : {"", "a b", "a/b", "a:b", "\n"})
    test::expect_error(ErrorCode::invalid_argument, "an adapter's name is",
                       [&] { load(name, folders_.make(0)); });
  test::expect_error(ErrorCode::invalid_argument, "128",
                     [&] { load(std::string(129, 'a'), folders_.make(0)); });
  test::expect_error(ErrorCode::not_found, "no-such-folder", [&] { load("a", "no-such-folder"); });
  AdapterFolders others("gemma3");
  model_.load_adapter("a", folders_.make(0));
  const Answer before = answer("a");
  test::expect_error(ErrorCode::invalid_argument, "layers.0.", [&] { load("a", others.make(0)); });
  EXPECT_EQ(answer("a"), before);
  EXPECT_EQ(model_.adapters().size(), 1U);
}

TEST_F(Adapters, AreRefusedWhereTheBudgetHasNoRoom) {
  LoadOptions options{.context_length = 128, .threads = 1, .max_batch = 2};
  const test::WrittenCheckpoint written(test::with_tokenizer("qwen3"));
  const MemoryPlan plan = plan_model(written.path(), options);
  options.memory_budget = plan.total_bytes;
  const TextModel tight = load_model(written.path(), options);
  test::expect_error(ErrorCode::out_of_memory, "bytes asked for beside the cache",
                     [&] { tight.load_adapter("a", folders_.make(0)); });
  EXPECT_TRUE(tight.adapters().empty());
  EXPECT_EQ(answer_of(tight.generate(ids_, kSampled)), answer(""));
}

TEST_F(Adapters, MakeRoomAmongWhatIsKept) {
  LoadOptions options{.context_length = 512, .threads = 1, .max_batch = 2};
  const test::WrittenCheckpoint written(test::with_tokenizer("qwen3"));
  const MemoryPlan plan = plan_model(written.path(), options);
  options.memory_budget = plan.total_bytes + (int64_t{9} << 20);
  const TextModel tight = load_model(written.path(), options);
  // The cache is full of prompts that might come again.
  for (unsigned i = 0; i < 80; ++i)
    answer_of(tight.generate(test::random_ids(500, i), {.max_tokens = 1}));
  const auto& pool = engine_of(tight).pool();
  const auto folder = folders_.make(0);
  EXPECT_GT(pool.bytes_in_use(), pool.budget_bytes() / 2);
  int64_t loaded = 0;
  try {
    for (int i = 0; i < 1000; ++i) {
      tight.load_adapter(std::to_string(i), folder);
      ++loaded;
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
  }
  ASSERT_GT(loaded, 0);
  EXPECT_LT(pool.budget_bytes(), tight.adapters().front().bytes) << "all of it is theirs";
  EXPECT_LE(pool.bytes_in_use(), pool.budget_bytes()) << "and what was kept made room";
}

TEST_F(Adapters, SessionsChangeThemFromTurnToTurn) {
  model_.load_adapter("a", folders_.make(0));
  model_.load_adapter("b", folders_.make(1));
  const TextModel fresh = model_of("qwen3", {.threads = 1, .prefix_cache_bytes = 0});
  fresh.load_adapter("a", folders_.make(0));
  fresh.load_adapter("b", folders_.make(1));
  const test::TemporaryFolder folder;
  Session session = model_.new_session();
  unsigned turn = 0;
  for (const std::string adapter : {"a", "a", "b", "", "a"}) {
    session.append(test::random_ids(40, ++turn));
    GenerateOptions options = kSampled;
    options.adapter = adapter;
    const Answer expected = answer_of(fresh.generate(session.ids(), options));
    EXPECT_EQ(answer_of(session.generate(options)), expected) << turn;
    if (turn == 2) session.save(folder.path() / "session");
  }
  // A file's keys and values are those of the adapter that it was written with.
  for (const std::string adapter : {"b", "a"}) {
    Session loaded = fresh.load_session(folder.path() / "session");
    GenerateOptions options = kSampled;
    options.adapter = adapter;
    loaded.append(test::random_ids(5, 77));
    const Answer expected = answer_of(fresh.generate(loaded.ids(), options));
    Generation generation = loaded.generate(options);
    while (generation.next() != nullptr) continue;
    EXPECT_EQ(generation.metrics().cached_prompt_tokens > 32, adapter == "a");
    Session again = fresh.load_session(folder.path() / "session");
    again.append(test::random_ids(5, 77));
    EXPECT_EQ(answer_of(again.generate(options)), expected) << adapter;
  }
}

TEST_F(Adapters, ServeReadingToo) {
  model_.load_adapter("a", folders_.make(0));
  const auto folder = folders_.make(0);
  const TextModel alone = model_of("qwen3", {.threads = 1, .adapter = folder});
  EXPECT_EQ(model_.logits(ids_, "a"), alone.logits(ids_));
  EXPECT_NE(model_.logits(ids_), alone.logits(ids_));
  const std::vector<std::string> texts{"abc", "the cat", "b"};
  const auto classified = model_.classify(texts, {.labels = {"a", "bc"}, .adapter = "a"});
  const auto expected = alone.classify(texts, {.labels = {"a", "bc"}});
  const auto plain = model_.classify(texts, {.labels = {"a", "bc"}});
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(classified[i].logprobs, expected[i].logprobs);
    EXPECT_NE(classified[i].logprobs, plain[i].logprobs);
  }
  EXPECT_EQ(model_.embed(texts, {.adapter = "a"}), alone.embed(texts));
  EXPECT_EQ(model_.perplexity(ids_, {.adapter = "a"}).mean_nll, alone.perplexity(ids_).mean_nll);
  EXPECT_EQ(model_.score("the", " cat", {.adapter = "a"}).logprob,
            alone.score("the", " cat").logprob);
  test::expect_error(ErrorCode::not_found, "\"x\"",
                     [&] { static_cast<void>(model_.embed(texts, {.adapter = "x"})); });
}

TEST_F(Adapters, SwappingUnderLoadLosesNoRequest) {
  std::vector<std::filesystem::path> versions{folders_.make(0), folders_.make(1), folders_.make(7)};
  std::vector<Answer> possible;
  for (const auto& version : versions) {
    model_.load_adapter("live", version);
    possible.push_back(answer("live"));
  }
  const Answer plain = answer("");
  std::atomic<bool> done{false};
  std::atomic<bool> failed{false};
  std::atomic<int64_t> answered{0};
  std::vector<std::thread> clients;
  std::vector<std::string> problems(4);
  for (size_t c = 0; c < problems.size(); ++c)
    clients.emplace_back([&, c] {
      try {
        while (!done) {
          const Answer got = answer(c == 0 ? "" : "live");
          const bool known = c == 0 ? got == plain : std::ranges::count(possible, got) > 0;
          if (!known) problems[c] = "an answer that is none of a version's";
          ++answered;
        }
      } catch (const std::exception& error) {
        problems[c] = error.what();
        failed = true;
      }
    });
  const int rounds = test::scaled(40);
  for (int i = 0; i < rounds; ++i) {
    model_.load_adapter("live", versions[static_cast<size_t>(i) % versions.size()]);
    model_.load_adapter("other", versions[0]);
    model_.unload_adapter("other");
    const int64_t before = answered;
    while (answered < before + 2 && !failed) std::this_thread::yield();
  }
  done = true;
  for (std::thread& client : clients) client.join();
  for (const std::string& problem : problems) EXPECT_EQ(problem, "");
}

}  // namespace
}  // namespace linnet
