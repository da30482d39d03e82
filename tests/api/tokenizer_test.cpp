// linnet::Tokenizer: the public face of what tests/text tests.
#include <linnet/linnet.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <thread>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

TEST(Tokenizer, EncodesDecodesAndCounts) {
  const Tokenizer tokenizer = load_builtin_tokenizer();
  const std::string text = "Once upon a time, there was a café. 灯台 🙂";
  const auto ids = tokenizer.encode(text);
  EXPECT_EQ(tokenizer.decode(ids), text);
  EXPECT_EQ(tokenizer.count(text), std::ssize(ids));
  EXPECT_EQ(tokenizer.count(text, false), std::ssize(tokenizer.encode(text, false)));
  ASSERT_TRUE(tokenizer.bos_id().has_value());
  EXPECT_EQ(ids.front(), *tokenizer.bos_id());
  EXPECT_TRUE(tokenizer.is_special(ids.front()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    EXPECT_EQ(tokenizer.token_to_id(tokenizer.id_to_token(id).value()), id);
  test::expect_error(ErrorCode::invalid_argument, "-1",
                     [&] { (void)tokenizer.decode(std::vector<int32_t>{-1}); });
}

TEST(Tokenizer, StreamsWholeCharacters) {
  std::optional<Tokenizer> tokenizer = load_builtin_tokenizer();
  const std::string text = "灯台の猫 🙂";
  const auto ids = tokenizer->encode(text);
  DecodeStream stream = tokenizer->stream();
  tokenizer.reset();  // the stream keeps what it needs
  std::string streamed;
  for (const int32_t id : ids) streamed += stream.push(id);
  EXPECT_EQ(streamed + stream.finish(), text);
  test::expect_error(ErrorCode::invalid_argument, "finished", [&] { stream.push(1); });
}

TEST(Tokenizer, OfAModelAndOfItsFolderAreOne) {
  const test::WrittenCheckpoint written(test::with_tokenizer("qwen3"));
  const Tokenizer from_folder = load_tokenizer(written.path());
  std::optional<TextModel> model = load_model(written.path());
  const Tokenizer from_model = model->tokenizer();
  const std::string text = "the keeper counted";
  EXPECT_EQ(from_model.encode(text), model->encode(text));
  model.reset();
  EXPECT_EQ(from_model.encode(text), from_folder.encode(text));
}

TEST(Tokenizer, MayBeAbsent) {
  const test::TemporaryFolder folder;
  test::expect_error(ErrorCode::not_found, "tokenizer.json",
                     [&] { (void)load_tokenizer(folder.path()); });
  const TextModel model = test::load(test::TestCheckpoint::reference("qwen3"));
  test::expect_error(ErrorCode::invalid_argument, "tokenizer.json",
                     [&] { (void)model.tokenizer(); });
}

TEST(Tokenizer, ServesManyThreads) {
  const Tokenizer tokenizer = load_builtin_tokenizer();
  const std::string text = "There was a girl who sang to the 船 every day.";
  const auto expected = tokenizer.encode(text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += tokenizer.encode(text) != expected;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace linnet
