#include "train/dataset.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "train/data_support.hpp"
#include "train/dataset_statistics.hpp"
#include "train/packing.hpp"

namespace linnet::train {
namespace {

using test::builtin_encoder;
using test::DataFile;

std::string chat_line(const std::string& question, const std::string& answer) {
  return nlohmann::json{
      {"messages",
       {{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", answer}}}}}
      .dump();
}

// Texts of several lengths, conversations, completions, bad and blank lines.
std::vector<std::string> mixed_lines(int count) {
  std::vector<std::string> lines;
  for (int i = 0; i < count; ++i) {
    const std::string words = [&] {
      std::string text;
      for (int w = 0; w < i * 7 % 40 + 1; ++w) text += "word" + std::to_string(w * i) + " ";
      return text;
    }();
    switch (i % 5) {
      case 0: lines.push_back(nlohmann::json{{"text", words + words}}.dump()); break;
      case 1:
        lines.push_back(
            nlohmann::json{{"prompt", "Q" + std::to_string(i)}, {"completion", words}}.dump());
        break;
      case 2: lines.push_back(i % 3 == 0 ? "{not json" : ""); break;
      default: lines.push_back(chat_line("question " + std::to_string(i), words)); break;
    }
  }
  return lines;
}

std::vector<Pack> all_packs(PackStream& stream) {
  std::vector<Pack> packs;
  while (auto pack = stream.next()) packs.push_back(std::move(*pack));
  return packs;
}

TEST(Example, CompletionAndText) {
  const auto tokenizer = text::Tokenizer::load(test::builtin_folder());
  const auto encoder = builtin_encoder({.max_length = 16});
  const Encoded completion =
      encoder->encode(Record::parse(R"({"prompt": "one", "completion": " two"})", "x"));
  ASSERT_EQ(completion.examples.size(), 1U);
  const Example& example = completion.examples[0];
  EXPECT_EQ(example.ids.front(), tokenizer.bos_id());
  EXPECT_EQ(example.ids.back(), tokenizer.eos_id());
  EXPECT_EQ(count_targets(example), std::ssize(tokenizer.encode(" two", false)) + 1);
  std::string long_text;
  for (int i = 0; i < 100; ++i) long_text += "w" + std::to_string(i) + " ";
  const Encoded text =
      encoder->encode(Record::parse(nlohmann::json{{"text", long_text}}.dump(), "x"));
  std::vector<int32_t> joined{*tokenizer.bos_id()};
  for (const Example& piece : text.examples) {
    EXPECT_LE(std::ssize(piece.ids), 16);
    EXPECT_EQ(piece.ids.front(), joined.back());
    EXPECT_EQ(piece.weights.front(), 0);
    joined.insert(joined.end(), piece.ids.begin() + 1, piece.ids.end());
  }
  auto expected = tokenizer.encode(long_text, false);
  expected.insert(expected.begin(), *tokenizer.bos_id());
  expected.push_back(*tokenizer.eos_id());
  EXPECT_EQ(joined, expected);
}

TEST(Example, LongOnes) {
  const std::string line = chat_line("a", std::string(400, 'x') + " long");
  const auto cut = builtin_encoder({.max_length = 20})->encode(Record::parse(line, "x"));
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(std::ssize(cut.examples.at(0).ids), 20);
  const auto skipped =
      builtin_encoder({.max_length = 20, .skip_long = true})->encode(Record::parse(line, "x"));
  EXPECT_TRUE(skipped.skipped_long);
  EXPECT_TRUE(skipped.examples.empty());
  const auto nothing = builtin_encoder({.max_length = 2})->encode(Record::parse(line, "x"));
  EXPECT_TRUE(nothing.without_targets && nothing.examples.empty());
}

TEST(Example, LastTurnAndPromptsAsChat) {
  const std::string line =
      R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
      {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})";
  const auto both = builtin_encoder()->encode(Record::parse(line, "x")).examples.at(0);
  const auto last =
      builtin_encoder({.turns = Turns::last})->encode(Record::parse(line, "x")).examples.at(0);
  EXPECT_EQ(both.ids, last.ids);
  EXPECT_EQ(count_targets(both), 2 * count_targets(last));
  const auto apart =
      builtin_encoder({.turns = Turns::apart})->encode(Record::parse(line, "x")).examples;
  ASSERT_EQ(apart.size(), 2U);
  EXPECT_EQ(apart[1], last);
  EXPECT_TRUE(std::equal(apart[0].ids.begin(), apart[0].ids.end(), both.ids.begin()));
  EXPECT_EQ(count_targets(apart[0]), count_targets(last));
  const auto wrapped = builtin_encoder({.prompts_as_chat = true})
                           ->encode(Record::parse(R"({"prompt": "a", "completion": "b"})", "x"));
  EXPECT_EQ(wrapped.examples,
            builtin_encoder()->encode(Record::parse(chat_line("a", "b"), "x")).examples);
}

// The tokens of classify: the question, and the label with its space.
TEST(Example, LabelsAreAnswersToWhatClassifyAsks) {
  const auto tokenizer = text::Tokenizer::load(test::builtin_folder());
  const LabelFields fields;
  const Record record = Record::parse(R"({"text": "some words", "label": "b c"})", "x", &fields);
  const auto expect = [&](const Labelling& labelling, const std::string& prompt, bool special,
                          const std::string& label) {
    const Encoded encoded = builtin_encoder({.labelling = labelling})->encode(record);
    ASSERT_EQ(encoded.examples.size(), 1U);
    const Example& example = encoded.examples[0];
    std::vector<int32_t> ids = tokenizer.encode(prompt, special);
    const auto answer = tokenizer.encode(label, false);
    const int64_t asked = std::ssize(ids);
    ids.insert(ids.end(), answer.begin(), answer.end());
    ids.push_back(*tokenizer.eos_id());
    EXPECT_EQ(example.ids, ids);
    for (int64_t i = 0; i < std::ssize(ids); ++i)
      EXPECT_EQ(example.weights[static_cast<size_t>(i)], i < asked ? 0 : 1);
  };
  const std::vector<std::string> labels{"a", "b c"};
  expect({.fields = {}, .prompt = text::LabelPrompt(labels, ""), .system = {}},
         "Classify this text into exactly one category: a, b c.\n\nText: some "
         "words\n\nCategory:",
         true, " b c");
  expect({.fields = {}, .prompt = text::LabelPrompt(labels, "%s\n"), .system = {}}, "some words\n",
         true, "b c");
  const auto chat_template = text::ChatTemplate::load(test::builtin_folder());
  const auto chat = [&](const std::string& messages) {
    return chat_template.render(text::ChatRequest::from_json(Json::parse_exactly(
        R"({"add_generation_prompt": true, "messages": [)" + messages + "]}", "x")));
  };
  const std::string user = R"({"role": "user", "content": "Is some words a, b c?"})";
  const text::LabelPrompt question(labels, "Is {text} {labels}?");
  expect({.fields = {}, .prompt = question, .system = {}, .chat = true}, chat(user), false, "b c");
  expect({.fields = {}, .prompt = question, .system = "Brief."},
         chat(R"({"role": "system", "content": "Brief."}, )" + user), false, "b c");
}

TEST(Dataset, LabelsThatAreNotGivenAreBadLines) {
  const DataFile file("labels", {R"({"text": "a", "label": "x"})", R"({"text": "b", "label": "z"})",
                                 R"({"text": "c"})"});
  const auto encoder = [&](const std::string& form) {
    return builtin_encoder(
        {.labelling = Labelling{.fields = {}, .prompt = text::LabelPrompt({"x", "y"}, form)}});
  };
  Dataset data({.files = {file.path()}, .max_bad_lines = 2}, encoder(""));
  const DatasetStatistics counted = count_dataset(data.train(), {.max_tokens = 2048});
  EXPECT_EQ(counted.bad_lines, 2);
  EXPECT_EQ(counted.examples, 1);
  EXPECT_NE(data.train().first_bad_lines()[0].reason.find("\"z\""), std::string::npos);
  // A position among other questions means nothing here.
  Dataset other({.files = {file.path()}, .max_bad_lines = 2}, encoder("{text}:"));
  EXPECT_NE(data.train().fingerprint(), other.train().fingerprint());
  Dataset texts({.files = {file.path()}, .max_bad_lines = 2}, builtin_encoder());
  EXPECT_NE(data.train().fingerprint(), texts.train().fingerprint());
}

TEST(Dataset, SplitsByTheLine) {
  const DataFile a("split_a", mixed_lines(300));
  const DataFile b("split_b", {chat_line("other", "file")});
  Dataset data({.files = {a.path(), b.path()}, .validation_fraction = 0.25, .seed = 3},
               builtin_encoder());
  const int64_t lines = data.train().size() + data.validation().size();
  EXPECT_GT(data.validation().size(), lines / 8);
  EXPECT_LT(data.validation().size(), lines / 2);
  // Another order of the files: the same lines on either side.
  Dataset turned({.files = {b.path(), a.path()}, .validation_fraction = 0.25, .seed = 3},
                 builtin_encoder());
  EXPECT_EQ(turned.validation().size(), data.validation().size());
  Dataset reseeded({.files = {a.path(), b.path()}, .validation_fraction = 0.25, .seed = 4},
                   builtin_encoder());
  EXPECT_NE(reseeded.validation().fingerprint(), data.validation().fingerprint());
  Dataset explicit_files({.files = {a.path()}, .validation_files = {b.path()}}, builtin_encoder());
  EXPECT_EQ(explicit_files.validation().size(), 1);
}

TEST(Dataset, CountsBadLines) {
  const DataFile file("bad", {"", "{", chat_line("a", "b"), "  ", R"({"text": 1})", "{}"});
  Dataset data({.files = {file.path()}, .shuffle = false, .max_bad_lines = 3}, builtin_encoder());
  const DatasetStatistics statistics = count_dataset(data.train(), {});
  EXPECT_EQ(statistics.lines, 4);
  EXPECT_EQ(statistics.bad_lines, 3);
  EXPECT_EQ(statistics.examples, 1);
  ASSERT_EQ(statistics.first_bad_lines.size(), 3U);
  EXPECT_NE(statistics.first_bad_lines[0].where.find(":2"), std::string::npos);
  EXPECT_NE(statistics.first_bad_lines[1].where.find(":5"), std::string::npos);
  Dataset strict({.files = {file.path()}, .max_bad_lines = 2}, builtin_encoder());
  try {
    (void)count_dataset(strict.train(), {});
    FAIL() << "three bad lines of two";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(".jsonl:"), std::string::npos) << error.what();
  }
}

TEST(Dataset, RefusesWhatCannotBe) {
  const DataFile empty("empty", {"", ""});
  const DataFile one("one", {R"({"text": "a b c"})"});
  EXPECT_THROW(Dataset({.files = {}}, builtin_encoder()), Error);
  EXPECT_THROW(Dataset({.files = {empty.path()}}, builtin_encoder()), Error);
  EXPECT_THROW(Dataset({.files = {"/nowhere.jsonl"}}, builtin_encoder()), Error);
  EXPECT_THROW(Dataset({.files = {one.path()}, .validation_fraction = 1}, builtin_encoder()),
               Error);
  Dataset data({.files = {one.path()}}, builtin_encoder());
  EXPECT_THROW(PackStream(data.train(), {.max_tokens = 10}), Error);
  EXPECT_THROW(PackStream(data.train(), {.window = 0}), Error);
  EXPECT_THROW(builtin_encoder({.max_length = 1}), Error);
}

TEST(Packing, EveryExampleOnce) {
  const DataFile file("packs", mixed_lines(120));
  const auto encoder = builtin_encoder({.max_length = 64});
  Dataset data({.files = {file.path()}, .seed = 5, .max_bad_lines = 100}, encoder);
  const PackOptions options{.max_tokens = 200, .window = 8, .epochs = 1};
  PackStream stream(data.train(), options);
  const std::vector<Pack> packs = all_packs(stream);
  std::multiset<std::vector<int32_t>> seen;
  int64_t tokens = 0;
  for (const Pack& pack : packs) {
    EXPECT_LE(pack.tokens(), 200);
    EXPECT_EQ(pack.ids.size(), pack.weights.size());
    size_t at = 0;
    for (const int64_t length : pack.lengths) {
      EXPECT_EQ(pack.weights[at], 0);
      seen.insert({pack.ids.begin() + static_cast<ptrdiff_t>(at),
                   pack.ids.begin() + static_cast<ptrdiff_t>(at) + length});
      at += static_cast<size_t>(length);
    }
    EXPECT_EQ(at, pack.ids.size());
    tokens += pack.tokens();
  }
  std::multiset<std::vector<int32_t>> expected;
  for (int64_t i = 0; i < data.train().size(); ++i)
    for (const Example& example : data.train().read(i).examples) expected.insert(example.ids);
  EXPECT_EQ(seen, expected);
  const DatasetStatistics statistics = count_dataset(data.train(), options);
  EXPECT_EQ(statistics.packs, std::ssize(packs));
  EXPECT_EQ(statistics.tokens, tokens);
  EXPECT_GT(statistics.filled, 0.8);
  EXPECT_GT(statistics.role_bytes.at("assistant"), 0);
}

TEST(Packing, EpochsDiffer) {
  const DataFile file("epochs", mixed_lines(60));
  Dataset data({.files = {file.path()}, .max_bad_lines = 100}, builtin_encoder({.max_length = 64}));
  PackStream one(data.train(), {.max_tokens = 100, .epochs = 1});
  PackStream two(data.train(), {.max_tokens = 100, .epochs = 2});
  const std::vector<Pack> first = all_packs(one);
  const std::vector<Pack> both = all_packs(two);
  ASSERT_GT(both.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), both.begin()));
  EXPECT_NE(both[first.size()], both[0]);
}

TEST(Packing, ResumesAtEveryPosition) {
  const DataFile file("resume", mixed_lines(60));
  const auto encoder = builtin_encoder({.max_length = 24});
  for (const int64_t window : {1, 4, 64}) {
    Dataset data({.files = {file.path()}, .seed = 9, .max_bad_lines = 100}, encoder);
    const PackOptions options{.max_tokens = 60, .window = window, .epochs = 2};
    PackStream stream(data.train(), options);
    std::vector<std::string> positions{stream.position().to_json()};
    std::vector<Pack> packs;
    while (auto pack = stream.next()) {
      packs.push_back(std::move(*pack));
      positions.push_back(stream.position().to_json());
    }
    ASSERT_GT(packs.size(), 20U);
    for (size_t i = 0; i < positions.size(); ++i) {
      Dataset again({.files = {file.path()}, .seed = 9, .max_bad_lines = 100}, encoder);
      PackStream resumed(again.train(), options);
      resumed.seek(DataPosition::parse(positions[i]));
      EXPECT_EQ(resumed.position().to_json(), positions[i]);
      // All that follows near an end; a few packs elsewhere.
      for (size_t j = i; j <= packs.size() && j < i + 6; ++j) {
        const auto pack = resumed.next();
        ASSERT_EQ(pack.has_value(), j < packs.size()) << i << " " << j;
        if (pack) {
          EXPECT_EQ(*pack, packs[j]) << i << " " << j;
        }
      }
    }
  }
}

TEST(Packing, RefusesAPositionOfOtherData) {
  const DataFile file("other_a", mixed_lines(60));
  const DataFile other("other_b", mixed_lines(61));
  const auto encoder = builtin_encoder();
  Dataset data({.files = {file.path()}, .max_bad_lines = 100}, encoder);
  Dataset changed({.files = {other.path()}, .max_bad_lines = 100}, encoder);
  Dataset reseeded({.files = {file.path()}, .seed = 1, .max_bad_lines = 100}, encoder);
  PackStream stream(data.train(), {});
  (void)stream.next();
  const DataPosition position = stream.position();
  EXPECT_THROW(PackStream(changed.train(), {}).seek(position), Error);
  EXPECT_THROW(PackStream(reseeded.train(), {}).seek(position), Error);
  EXPECT_THROW(PackStream(data.train(), {.window = 7}).seek(position), Error);
  EXPECT_NO_THROW(PackStream(data.train(), {}).seek(position));
  DataPosition hostile = position;
  hostile.pending = {{.place = 1 << 20, .piece = 0}};
  EXPECT_THROW(PackStream(data.train(), {}).seek(hostile), Error);
  hostile.pending = {{.place = 0, .piece = -1}};
  EXPECT_THROW(PackStream(data.train(), {}).seek(hostile), Error);
  EXPECT_THROW((void)DataPosition::parse("{}"), Error);
}

TEST(Packing, NothingToUseIsAnError) {
  const DataFile file("nothing", {"{", "{"});
  Dataset data({.files = {file.path()}, .max_bad_lines = 100}, builtin_encoder());
  PackStream stream(data.train(), {});
  EXPECT_THROW((void)stream.next(), Error);
}

}  // namespace
}  // namespace linnet::train
