// Sessions: turns, forks, rewinding and files never change an answer.
#include <linnet/session.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <thread>

#include "api/answers.hpp"
#include "api/model_folder.hpp"
#include "base/file.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using test::Answer;
using test::answer_of;
using Ids = std::vector<int32_t>;

const GenerateOptions kSampled{
    .max_tokens = 12, .temperature = 1, .seed = 3, .logit_bias = {{1, -1e9F}, {3, -1e9F}}};

TextModel model_of(const std::string& family, LoadOptions options = {.threads = 2}) {
  return test::load(test::with_tokenizer(family), options);
}

/// The transcript's continuation from scratch, by a model that keeps nothing.
Answer from_scratch(const TextModel& fresh, const Session& session) {
  return answer_of(fresh.generate(session.ids(), kSampled));
}

class SessionOfFamily : public testing::TestWithParam<std::string> {
 protected:
  TextModel model_ = model_of(GetParam());
  TextModel fresh_ = model_of(GetParam(), {.threads = 1, .prefix_cache_bytes = 0});
};

TEST_P(SessionOfFamily, TurnsAreAnsweredAsTheWholeTranscript) {
  Session session = model_.new_session();
  // Past every window, with ends inside and at the border of blocks.
  for (const int turn : {5, 27, 64, 1, 150, 31}) {
    session.append(test::random_ids(static_cast<size_t>(turn), static_cast<unsigned>(turn)));
    const Answer expected = from_scratch(fresh_, session);
    const int64_t before = session.cached();
    Generation generation = session.generate(kSampled);
    const Answer answer = answer_of(std::move(generation));
    EXPECT_EQ(answer, expected) << "after " << turn;
    EXPECT_EQ(session.cached(), session.size() - 1) << "the last token is not fed";
    EXPECT_GE(session.cached(), before);
  }
}

TEST_P(SessionOfFamily, OnlyWhatIsNewIsComputed) {
  const TextModel model = model_of(GetParam(), {.threads = 1, .prefix_cache_bytes = 0});
  Session session = model.new_session();
  session.append(test::random_ids(100, 1));
  EXPECT_EQ(answer_of(session.generate(kSampled)).ids.size(), 12U);
  const int64_t size = session.size();
  session.append(test::random_ids(9, 2));
  Generation generation = session.generate(kSampled);
  while (generation.next() != nullptr) continue;
  EXPECT_EQ(generation.metrics().prompt_tokens, size + 9);
  EXPECT_EQ(generation.metrics().cached_prompt_tokens, size - 1);
}

TEST_P(SessionOfFamily, ForksGoTheirOwnWays) {
  Session trunk = model_.new_session();
  trunk.append(test::random_ids(75, 1));
  answer_of(trunk.generate(kSampled));
  std::vector<Session> forks;
  std::vector<Answer> expected;
  for (unsigned i = 0; i < 5; ++i) {
    forks.push_back(trunk.fork());
    EXPECT_EQ(forks.back().cached(), trunk.cached());
    forks.back().append(test::random_ids(3 + 20 * i, 40 + i));
    expected.push_back(from_scratch(fresh_, forks.back()));
  }
  trunk.append(test::random_ids(4, 99));
  const Answer trunk_expected = from_scratch(fresh_, trunk);
  std::vector<Answer> answers(forks.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < forks.size(); ++i)
    threads.emplace_back([&, i] { answers[i] = answer_of(forks[i].generate(kSampled)); });
  EXPECT_EQ(answer_of(trunk.generate(kSampled)), trunk_expected);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers, expected);
}

TEST_P(SessionOfFamily, RewoundItGoesOnAsIfNothingHadBeen) {
  Session session = model_.new_session();
  session.append(test::random_ids(180, 1));
  answer_of(session.generate(kSampled));
  // By a little, into a block, past every window, to nearly nothing.
  for (const int64_t size : {190, 170, 161, 96, 3}) {
    session.rewind(size);
    EXPECT_EQ(session.size(), size);
    session.append(test::random_ids(2, static_cast<unsigned>(size)));
    EXPECT_EQ(answer_of(session.generate(kSampled)),
              from_scratch(fresh_,
                           [&] {
                             Session same = fresh_.new_session();
                             Ids ids = session.ids();
                             ids.resize(static_cast<size_t>(size) + 2);
                             same.append(ids);
                             return same;
                           }()))
        << size;
  }
  test::expect_error(ErrorCode::invalid_argument, "outside 0..",
                     [&] { session.rewind(session.size() + 1); });
}

TEST_P(SessionOfFamily, AFileGoesOnIdentically) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "session";
  Session session = model_.new_session();
  session.append(test::random_ids(141, 7));
  answer_of(session.generate(kSampled));
  session.append(test::random_ids(3, 8));
  session.save(file);
  const Answer expected = from_scratch(fresh_, session);
  EXPECT_EQ(answer_of(session.generate(kSampled)), expected) << "saving changes nothing";
  // In another process it would be another model with other threads.
  Session loaded = fresh_.load_session(file);
  EXPECT_EQ(loaded.size(), 141 + 12 + 3);
  EXPECT_EQ(loaded.cached(), 141 + 12 - 1);
  EXPECT_EQ(answer_of(loaded.generate(kSampled)), expected);
}

INSTANTIATE_TEST_SUITE_P(Families, SessionOfFamily, testing::ValuesIn(test::reference_families()),
                         [](const auto& info) { return info.param; });

std::string contents(const std::filesystem::path& file) { return read_file(file); }

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

TEST(SessionFile, DamageIsFound) {
  const TextModel model = model_of("gemma3");
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "session";
  Session session = model.new_session();
  session.append(test::random_ids(40, 1));
  answer_of(session.generate(kSampled));
  session.save(file);
  const std::string whole = contents(file);
  std::mt19937 random(1);
  for (int i = 0; i < test::rounds(200, 30); ++i) {
    std::string broken = whole;
    const size_t at = i < 40 ? static_cast<size_t>(i) * 3 : random() % whole.size();
    broken[at] = static_cast<char>(broken[at] ^ (1 << (random() % 8)));
    write(file, broken);
    test::expect_error(ErrorCode::malformed_file, "session",
                       [&] { static_cast<void>(model.load_session(file)); });
  }
  for (const size_t size :
       {size_t{0}, size_t{7}, size_t{20}, size_t{60}, whole.size() / 2, whole.size() - 1}) {
    write(file, whole.substr(0, size));
    test::expect_error(ErrorCode::malformed_file, "session",
                       [&] { static_cast<void>(model.load_session(file)); });
  }
  write(file, whole + "x");
  test::expect_error(ErrorCode::malformed_file, "session",
                     [&] { static_cast<void>(model.load_session(file)); });
  std::string newer = whole;
  newer[8] = 2;
  write(file, newer);
  test::expect_error(ErrorCode::malformed_file, "version 2",
                     [&] { static_cast<void>(model.load_session(file)); });
  write(file, whole);
  EXPECT_EQ(model.load_session(file).ids(), session.ids());
  test::expect_error(ErrorCode::not_found, "absent",
                     [&] { static_cast<void>(model.load_session(folder.path() / "absent")); });
}

TEST(SessionFile, BelongsToItsModel) {
  const TextModel model = model_of("gemma3");
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "session";
  Session session = model.new_session();
  session.append(test::random_ids(40, 1));
  session.save(file);
  EXPECT_EQ(model.load_session(file).size(), 40) << "nothing was computed yet";
  const auto refused = [&](const TextModel& other, std::string_view what) {
    test::expect_error(ErrorCode::invalid_argument, what,
                       [&] { static_cast<void>(other.load_session(file)); });
  };
  refused(model_of("qwen3"), "another model");
  refused(model_of("gemma3", {.compute = Compute::f32, .threads = 1}), "another model");
  refused(model_of("gemma3", {.quantize = {.bits = 8, .group_size = 32}, .threads = 1}),
          "another model");
  test::TestCheckpoint changed = test::with_tokenizer("gemma3");
  changed.files["tokenizer.json"] += " ";
  refused(test::load(changed, {.threads = 1}), "another tokenizer");
  refused(model_of("gemma3", {.context_length = 39, .threads = 1}), "the context takes 39");
}

TEST(Session, ItsGenerationMustEndBeforeAnotherBegins) {
  const TextModel model = model_of("llama3");
  Session session = model.new_session();
  test::expect_error(ErrorCode::invalid_argument, "no tokens",
                     [&] { static_cast<void>(session.generate()); });
  session.append("hello");
  {
    Generation generation = session.generate({.max_tokens = 1000});
    generation.next();
    const Ids ids{1};
    for (const std::function<void()>& use : std::initializer_list<std::function<void()>>{
             [&] { session.append(ids); }, [&] { session.rewind(0); },
             [&] { static_cast<void>(session.fork()); },
             [&] { static_cast<void>(session.generate()); }, [&] { session.save("/tmp/never"); }})
      test::expect_error(ErrorCode::invalid_argument, "has not ended", use);
    EXPECT_FALSE(std::filesystem::exists("/tmp/never"));
  }
  EXPECT_NO_THROW(session.append("more"));
}

TEST(Session, WhatWasTakenIsWhatItHolds) {
  const TextModel model = model_of("gemma3");
  const TextModel fresh = model_of("gemma3", {.threads = 1, .prefix_cache_bytes = 0});
  Session session = model.new_session();
  session.append(test::random_ids(50, 5));
  GenerateOptions many = kSampled;
  many.max_tokens = 500;
  for (const int taken : {0, 1, 7, 33}) {
    const int64_t before = session.size();
    {
      Generation generation = session.generate(many);
      for (int i = 0; i < taken; ++i) ASSERT_NE(generation.next(), nullptr);
    }
    EXPECT_EQ(session.size(), before + taken);
    EXPECT_LE(session.cached(), session.size());
    const Answer expected = from_scratch(fresh, session);
    EXPECT_EQ(answer_of(session.generate(kSampled)), expected) << taken;
  }
}

TEST(Session, ItsMemoryIsGivenBackAndTakenWhenOthersNeedIt) {
  const auto folder = test::reference_folder("llama3");
  const MemoryPlan plan = plan_model(folder, {.threads = 1});
  const TextModel model = load_model(
      folder, {.memory_budget = plan.weight_bytes + plan.workspace_bytes + plan.kv_cache_bytes / 2,
               .threads = 1,
               .prefix_cache_bytes = 0});
  const TextModel fresh = load_model(folder, {.threads = 1, .prefix_cache_bytes = 0});
  std::vector<Session> sessions;
  for (unsigned i = 0; i < 12; ++i) {
    sessions.push_back(model.new_session());
    sessions.back().append(test::random_ids(200, i));
    EXPECT_EQ(answer_of(sessions.back().generate(kSampled)),
              answer_of(fresh.generate(test::random_ids(200, i), kSampled)))
        << i;
  }
  int64_t held = 0;
  for (const Session& session : sessions) held += session.cached() > 0 ? 1 : 0;
  EXPECT_GT(held, 0);
  EXPECT_LT(held, 12) << "the budget has no room for all";
  for (Session& session : sessions) {
    session.append(test::random_ids(5, 77));
    EXPECT_EQ(answer_of(session.generate(kSampled)), from_scratch(fresh, [&] {
                Session same = fresh.new_session();
                Ids ids = session.ids();
                ids.resize(200 + 12 + 5);
                same.append(ids);
                return same;
              }()));
  }
  EXPECT_GT(test::settled_bytes(model), plan.weight_bytes);
  sessions.clear();
  EXPECT_EQ(test::settled_bytes(model), plan.weight_bytes);
}

TEST(Session, ChatKeepsWhatTheConversationHasInCommon) {
  const TextModel model = load_builtin_model({.threads = 1, .prefix_cache_bytes = 0});
  Session session = model.new_session();
  std::vector<Message> messages{{Role::user, "Hello"}};
  const std::string first = session.chat(messages, {.max_tokens = 40}).text();
  EXPECT_EQ(first, model.chat(messages, {.max_tokens = 40}).text());
  messages.push_back({Role::assistant, first});
  messages.push_back({Role::user, "What is the capital of France?"});
  Generation generation = session.chat(messages, {.max_tokens = 40});
  const std::string second = generation.text();
  EXPECT_EQ(second, model.chat(messages, {.max_tokens = 40}).text());
  EXPECT_GT(generation.metrics().cached_prompt_tokens, 8);
}

}  // namespace
}  // namespace linnet
