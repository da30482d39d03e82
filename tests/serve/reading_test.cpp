// Classify, score, embed, tokens and models over HTTP: what the library says.
#include <linnet/linnet.hpp>

#include <cstring>

#include "serve/test_server.hpp"

namespace linnet::test {
namespace {

const std::vector<std::string> kTexts{"How do I sort a list?", "Write a poem about the sea."};
const std::vector<std::string> kLabels{"technical", "creative", "casual"};

TEST(ServeClassify, HasTheProbabilitiesOfTheLibrary) {
  TestServer server;
  Client client(server.port());
  const TextModel model = load_builtin_model();
  const auto expected =
      model.classify(kTexts, {.labels = kLabels, .calibrate = true, .return_logits = true});
  const RawAnswer answer = client.post(
      "/v1/classify",
      {{"input", kTexts}, {"labels", kLabels}, {"calibrate", true}, {"return_logits", true}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json json = answer.json();
  ASSERT_EQ(json["data"].size(), kTexts.size());
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const Json& found = json["data"][i];
    EXPECT_EQ(found["label"], expected[i].label);
    EXPECT_EQ(found["label_index"], expected[i].index);
    EXPECT_EQ(found["logprobs"].get<std::vector<double>>(), expected[i].logprobs);
    EXPECT_EQ(found["probabilities"].get<std::vector<double>>(), expected[i].probabilities);
    EXPECT_EQ(found["logits"].get<std::vector<float>>(), expected[i].logits);
  }
  EXPECT_GT(json["usage"]["prompt_tokens"], 0);
}

TEST(ServeClassify, ATextThatIsTooLongHasAnErrorOfItsOwn) {
  TestServer server;
  Client client(server.port());
  std::string endless;
  for (int i = 0; i < 4000; ++i) endless += "word ";
  const Json json =
      client.post("/v1/classify", {{"input", {kTexts[0], endless, kTexts[1]}}, {"labels", kLabels}})
          .json();
  EXPECT_TRUE(json["data"][0].contains("label"));
  EXPECT_TRUE(json["data"][1].contains("error"));
  EXPECT_FALSE(json["data"][1].contains("label"));
  EXPECT_TRUE(json["data"][2].contains("label"));
}

TEST(ServeScore, HasTheLogprobsOfTheLibrary) {
  TestServer server;
  Client client(server.port());
  const TextModel model = load_builtin_model();
  const Score expected = model.score("Once upon a time", " there was a fox", {.top_logprobs = 2});
  const Json one = client
                       .post("/v1/score", {{"prompt", "Once upon a time"},
                                           {"continuation", " there was a fox"},
                                           {"top_logprobs", 2}})
                       .json();
  EXPECT_EQ(one["data"][0]["logprob"].get<double>(), expected.logprob);
  ASSERT_EQ(one["data"][0]["tokens"].size(), expected.tokens.size());
  for (size_t i = 0; i < expected.tokens.size(); ++i) {
    EXPECT_EQ(one["data"][0]["tokens"][i]["id"], expected.tokens[i].id);
    EXPECT_EQ(one["data"][0]["tokens"][i]["logprob"].get<float>(), expected.tokens[i].logprob);
    EXPECT_EQ(one["data"][0]["tokens"][i]["top"].size(), 2U);
  }
  const Json pairs{{{"prompt", "Once upon a time"}, {"continuation", " there was a fox"}},
                   {{"prompt", "A"}, {"continuation", " b"}}};
  const Json both = client.post("/v1/score", {{"pairs", pairs}}).json();
  EXPECT_EQ(both["data"][0]["logprob"].get<double>(), expected.logprob);
  EXPECT_EQ(both["data"].size(), 2U);
  EXPECT_EQ(client.post("/v1/score", {{"prompt", "a"}}).status, 400);
  EXPECT_EQ(
      client.post("/v1/score", {{"prompt", "a"}, {"continuation", "b"}, {"pairs", pairs}}).status,
      400);
}

/// The bytes of base64 text.
std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255U);
  }
  return bytes;
}

TEST(ServeEmbeddings, FloatsAndBase64AreTheLibrarysVectors) {
  TestServer server;
  Client client(server.port());
  const TextModel model = load_builtin_model();
  for (const auto& [name, pooling] : {std::pair("mean", Pooling::mean), {"last", Pooling::last}}) {
    const auto expected = model.embed(kTexts, {.pooling = pooling});
    const Json floats =
        client.post("/v1/embeddings", {{"input", kTexts}, {"pooling", name}}).json();
    const Json text =
        client
            .post("/v1/embeddings",
                  {{"input", kTexts}, {"pooling", name}, {"encoding_format", "base64"}})
            .json();
    for (size_t i = 0; i < kTexts.size(); ++i) {
      EXPECT_EQ(floats["data"][i]["embedding"].get<std::vector<float>>(), expected[i]);
      const std::string bytes = from_base64(text["data"][i]["embedding"].get<std::string>());
      std::vector<float> vector(bytes.size() / sizeof(float));
      std::memcpy(vector.data(), bytes.data(), bytes.size());
      EXPECT_EQ(vector, expected[i]);
    }
  }
}

TEST(ServeTokens, ThereAndBack) {
  TestServer server;
  Client client(server.port());
  const TextModel model = load_builtin_model();
  const std::string text = "A fox, a \xc3\xa9t\xc3\xa9 and \xf0\x9f\xa6\x8a.";
  const Json ids = client.post("/tokenize", {{"text", text}}).json();
  EXPECT_EQ(ids["tokens"].get<std::vector<int32_t>>(), model.encode(text));
  EXPECT_EQ(ids["count"], model.encode(text).size());
  EXPECT_EQ(client.post("/detokenize", {{"tokens", ids["tokens"]}}).json()["text"], text);
  EXPECT_EQ(client.post("/detokenize", {{"tokens", {-1}}}).json()["error"]["param"], "tokens");
}

TEST(ServeModels, AreListedAndUnknownOnesAre404) {
  TestServer server;
  Client client(server.port());
  // Both lists say whether it is loaded, which happens at the start.
  while (client.get("/readyz").status != 200) std::this_thread::yield();
  const Json list = client.get("/v1/models").json();
  EXPECT_EQ(list["data"][0]["meta"]["loaded"], true);
  ASSERT_EQ(list["data"].size(), 1U);
  EXPECT_EQ(list["data"][0]["id"], "builtin");
  EXPECT_EQ(list["data"][0]["meta"]["parameters"], inspect_builtin_model().parameters);
  EXPECT_EQ(client.get("/v1/models/builtin").json(), list["data"][0]);
  EXPECT_EQ(client.get("/v1/models/other").status, 404);
  const RawAnswer unknown =
      client.post("/v1/chat/completions",
                  {{"model", "other"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["error"]["code"], "model_not_found");
}

}  // namespace
}  // namespace linnet::test
