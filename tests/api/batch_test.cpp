// Many requests together: each answer is the one it gets alone, each failure its own.
#include <gtest/gtest.h>

#include "api/answers.hpp"
#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

BatchRequest request_of(int i) {
  BatchRequest request;
  request.prompt = "hello " + std::string(static_cast<size_t>(i * 13 % 90), 'a');
  request.options.max_tokens = 1 + i % 17;
  request.options.temperature = i % 3 == 0 ? 0.0F : 1.0F;
  request.options.seed = static_cast<uint64_t>(i);
  return request;
}

TEST(Batch, EachAnswerIsTheOneItGetsAlone) {
  const TextModel model =
      test::load(test::with_tokenizer("gemma3"), {.threads = 2, .max_queue = 3});
  const TextModel plain = test::load(test::with_tokenizer("gemma3"),
                                     {.threads = 1, .max_batch = 1, .prefix_cache_bytes = 0});
  std::vector<BatchRequest> requests;
  for (int i = 0; i < test::rounds(150, 40); ++i) requests.push_back(request_of(i));
  std::vector<int64_t> order;
  const auto results = model.generate_batch(
      requests, [&](int64_t index, const Completion&) { order.push_back(index); });
  ASSERT_EQ(results.size(), requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(order[i], static_cast<int64_t>(i));
    ASSERT_FALSE(results[i].error.has_value());
    Generation alone = plain.generate(requests[i].prompt, requests[i].options);
    EXPECT_EQ(results[i].text, alone.text()) << i;
    EXPECT_EQ(results[i].finish_reason, alone.finish_reason());
    EXPECT_EQ(results[i].metrics.generated_tokens, alone.metrics().generated_tokens);
    EXPECT_EQ(results[i].ids.size(), results[i].logprobs.size());
  }
  const std::vector<std::string> prompts{requests[0].prompt, requests[1].prompt};
  const auto same = model.generate_batch(prompts, requests[1].options);
  EXPECT_EQ(same[1].ids, results[1].ids);
}

TEST(Batch, AFailureIsThatOfItsRequest) {
  const TextModel model = test::load(test::with_tokenizer("gemma3"), {.threads = 2});
  std::vector<BatchRequest> requests;
  for (int i = 0; i < 8; ++i) requests.push_back(request_of(i));
  requests[1].options.temperature = -1;
  requests[3].prompt.clear();
  requests[4].ids = {1, 2};
  requests[5].prompt.clear();
  requests[5].ids = {5, 100000};
  const auto results = model.generate_batch(requests);
  const auto message = [&](size_t i) {
    return results[i].error ? std::string(results[i].error->what()) : "";
  };
  EXPECT_NE(message(1).find("temperature -1"), std::string::npos);
  EXPECT_NE(message(3).find("this one has 0 of them"), std::string::npos);
  EXPECT_NE(message(4).find("this one has 2 of them"), std::string::npos);
  EXPECT_NE(message(5).find("token id 100000"), std::string::npos);
  for (const size_t i : {0, 2, 6, 7}) {
    EXPECT_EQ(message(i), "");
    EXPECT_EQ(results[i].text, model.generate(requests[i].prompt, requests[i].options).text());
  }
}

TEST(Batch, AnswersConversations) {
  const TextModel model = load_builtin_model({.threads = 2});
  std::vector<BatchRequest> requests(2);
  requests[0].messages = {{Role::user, "What is the capital of France?"}};
  requests[1].messages = {{Role::user, "Hello"}};
  const auto results = model.generate_batch(requests);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(results[i].text, model.chat(requests[i].messages).text());
    EXPECT_EQ(results[i].finish_reason, FinishReason::stop);
  }
}

TEST(Batch, AnExceptionOfTheCallerEndsIt) {
  const TextModel model =
      test::load(test::with_tokenizer("gemma3"), {.threads = 2, .prefix_cache_bytes = 0});
  std::vector<BatchRequest> requests;
  for (int i = 0; i < 60; ++i) requests.push_back(request_of(i));
  struct Enough {};
  EXPECT_THROW(static_cast<void>(model.generate_batch(
                   requests, [](int64_t, const Completion&) { throw Enough(); })),
               Enough);
  EXPECT_EQ(test::settled_bytes(model), model.plan().weight_bytes);
}

TEST(Batch, TenThousandRequestsLeaveTheMemoryWhereItWas) {
  const TextModel model =
      test::load(test::with_tokenizer("gemma3"), {.threads = 2, .prefix_cache_bytes = 1 << 20});
  const auto round = [&](int count) {
    std::vector<BatchRequest> requests;
    for (int i = 0; i < count; ++i) {
      BatchRequest& request = requests.emplace_back();
      request.ids = test::random_ids(static_cast<size_t>(1 + i % 9), static_cast<unsigned>(i));
      request.options.max_tokens = 1 + i % 3;
    }
    for (const Completion& completion : model.generate_batch(requests))
      ASSERT_FALSE(completion.error.has_value());
  };
  round(300);
  const int64_t before = test::settled_bytes(model);
  round(test::rounds(10000, 500));
  EXPECT_EQ(test::settled_bytes(model), before);
}

}  // namespace
}  // namespace linnet
