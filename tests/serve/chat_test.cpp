// POST /v1/chat/completions and /v1/completions: answers, streams, fields.
#include <linnet/linnet.hpp>

#include "serve/test_server.hpp"

namespace linnet::test {
namespace {

using std::string_literals::operator""s;

const Json kHello{{{"role", "user"}, {"content", "Tell me a story about a fox."}}};

/// The answer of the library itself to the same request.
std::string library_answer(const GenerateOptions& options) {
  const TextModel model = load_builtin_model();
  return model.chat({{Role::user, "Tell me a story about a fox."}}, options).text();
}

TEST(ServeChat, AnswersAsTheLibraryDoesStreamedOrWhole) {
  TestServer server;
  Client client(server.port());
  const Json request{{"model", "builtin"}, {"messages", kHello},  {"max_tokens", 40},
                     {"temperature", 0.8}, {"top_p", 0.9},        {"seed", 7},
                     {"top_k", 50},        {"frequency_penalty", 0.2}};
  const std::string expected = library_answer({.max_tokens = 40,
                                               .temperature = 0.8F,
                                               .top_k = 50,
                                               .top_p = 0.9F,
                                               .seed = 7,
                                               .frequency_penalty = 0.2F});
  const RawAnswer whole = client.post("/v1/chat/completions", request);
  ASSERT_EQ(whole.status, 200) << whole.body;
  const Json json = whole.json();
  EXPECT_EQ(json["choices"][0]["message"]["content"], expected);
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], "builtin");
  const int64_t generated = json["usage"]["completion_tokens"];
  EXPECT_GT(generated, 0);
  EXPECT_EQ(json["usage"]["total_tokens"].get<int64_t>(),
            json["usage"]["prompt_tokens"].get<int64_t>() + generated);
  EXPECT_EQ(json["choices"][0]["finish_reason"], generated == 40 ? "length" : "stop");

  Json streamed = request;
  streamed["stream"] = true;
  streamed["stream_options"] = {{"include_usage", true}};
  const RawAnswer stream = client.post("/v1/chat/completions", streamed);
  ASSERT_EQ(stream.status, 200);
  EXPECT_TRUE(stream.whole);
  EXPECT_EQ(stream.headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(content_of(stream.body), expected);
  const std::vector<std::string> events = events_of(stream.body);
  ASSERT_GE(events.size(), 4U);
  EXPECT_EQ(events.back(), "[DONE]");
  const Json last = Json::parse(events[events.size() - 2]);
  EXPECT_TRUE(last["choices"].empty());
  EXPECT_EQ(last["usage"]["completion_tokens"], generated);
  const Json ending = Json::parse(events[events.size() - 3]);
  EXPECT_EQ(ending["choices"][0]["finish_reason"], json["choices"][0]["finish_reason"]);
  EXPECT_EQ(Json::parse(events[0])["choices"][0]["delta"]["role"], "assistant");
}

TEST(ServeChat, ASecondRequestFindsItsPromptInThePrefixCacheAndHasTheSameAnswer) {
  TestServer server;
  Client client(server.port());
  std::string text;
  for (int i = 0; i < 40; ++i) text += "The fox went to the river and saw a boat. ";
  const Json request{{"messages", {{{"role", "user"}, {"content", text}}}}, {"max_tokens", 20}};
  const Json first = client.post("/v1/chat/completions", request).json();
  const Json second = client.post("/v1/chat/completions", request).json();
  EXPECT_EQ(first["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
  EXPECT_GT(second["usage"]["prompt_tokens_details"]["cached_tokens"], 100);
  EXPECT_EQ(first["choices"], second["choices"]);
}

TEST(ServeChat, SeveralChoicesHaveSeedsOfTheirOwn) {
  TestServer server;
  Client client(server.port());
  const auto choices = [&](int seed, int n, bool stream) {
    const RawAnswer answer =
        client.post("/v1/chat/completions", {{"messages", kHello},
                                             {"max_tokens", 24},
                                             {"temperature", 1.2},
                                             {"seed", seed},
                                             {"n", n},
                                             {"stream", stream}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<std::string> texts(static_cast<size_t>(n));
    if (!stream) {
      const Json json = answer.json();
      for (const Json& choice : json["choices"])
        texts[choice["index"].get<size_t>()] = choice["message"]["content"];
      return texts;
    }
    for (const std::string& event : events_of(answer.body)) {
      if (event == "[DONE]") continue;
      const Json json = Json::parse(event);
      for (const Json& choice : json["choices"])
        texts[choice["index"].get<size_t>()] += choice["delta"].value("content", "");
    }
    return texts;
  };
  const std::vector<std::string> three = choices(5, 3, false);
  EXPECT_EQ(three, choices(5, 3, true));
  for (size_t i = 0; i < three.size(); ++i)
    EXPECT_EQ(three[i], choices(5 + static_cast<int>(i), 1, false)[0]);
  EXPECT_NE(three[0], three[1]);
}

TEST(ServeChat, StopsAtStringsAndSaysSo) {
  TestServer server;
  Client client(server.port());
  const std::string all = library_answer({.max_tokens = 60});
  const size_t space = all.find(' ', all.size() / 2);
  ASSERT_NE(space, std::string::npos);
  const std::string stop = all.substr(space, 6);
  const Json answer =
      client
          .post("/v1/chat/completions", {{"messages", kHello},
                                         {"max_tokens", 60},
                                         {"temperature", 0},
                                         {"stop", {"never written", stop}}})
          .json();
  EXPECT_EQ(answer["choices"][0]["message"]["content"], all.substr(0, all.find(stop)));
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
}

TEST(ServeChat, LogprobsAreThoseOfTheLibrary) {
  TestServer server;
  Client client(server.port());
  const TextModel model = load_builtin_model();
  Generation generation = model.chat({{Role::user, "Tell me a story about a fox."}},
                                     {.max_tokens = 8, .top_logprobs = 3});
  const Json answer = client
                          .post("/v1/chat/completions", {{"messages", kHello},
                                                         {"max_tokens", 8},
                                                         {"temperature", 0},
                                                         {"logprobs", true},
                                                         {"top_logprobs", 3}})
                          .json();
  const Json& content = answer["choices"][0]["logprobs"]["content"];
  size_t i = 0;
  for (const Token& token : generation) {
    ASSERT_LT(i, content.size());
    EXPECT_FLOAT_EQ(content[i]["logprob"].get<float>(), token.logprob);
    ASSERT_EQ(content[i]["top_logprobs"].size(), 3U);
    EXPECT_FLOAT_EQ(content[i]["top_logprobs"][0]["logprob"].get<float>(), token.top[0].logprob);
    std::string bytes;
    for (const Json& byte : content[i]["bytes"]) bytes += static_cast<char>(byte.get<int>());
    EXPECT_EQ(bytes, content[i]["token"].get<std::string>());
    ++i;
  }
  EXPECT_EQ(i, content.size());
}

TEST(ServeChat, AnswersInTheFormOfASchema) {
  TestServer server;
  Client client(server.port());
  const Json schema = Json::parse(R"({"type": "object", "additionalProperties": false,
      "properties": {"animal": {"enum": ["fox", "cat"]}, "age": {"type": "integer", "maximum": 9}},
      "required": ["animal", "age"]})");
  const Json answer =
      client
          .post("/v1/chat/completions",
                {{"messages", kHello},
                 {"response_format",
                  {{"type", "json_schema"}, {"json_schema", {{"name", "a"}, {"schema", schema}}}}}})
          .json();
  const Json value = Json::parse(answer["choices"][0]["message"]["content"].get<std::string>());
  EXPECT_TRUE(value["animal"] == "fox" || value["animal"] == "cat");
  EXPECT_LE(value["age"], 9);
}

TEST(ServeChat, ARequiredToolIsCalledWithArgumentsOfItsSchema) {
  TestServer server;
  Client client(server.port());
  const Json tools = Json::parse(R"([
      {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
       "properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"],
       "additionalProperties": false}}},
      {"type": "function", "function": {"name": "clock"}}])");
  const Json named{{"type", "function"}, {"function", {{"name", "weather"}}}};
  for (const bool stream : {false, true}) {
    const RawAnswer answer = client.post("/v1/chat/completions", {{"messages", kHello},
                                                                  {"tools", tools},
                                                                  {"tool_choice", named},
                                                                  {"stream", stream}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    Json call;
    std::string reason;
    if (stream) {
      for (const std::string& event : events_of(answer.body)) {
        if (event == "[DONE]") continue;
        const Json choice = Json::parse(event)["choices"][0];
        if (choice["delta"].contains("tool_calls")) call = choice["delta"]["tool_calls"][0];
        if (!choice["finish_reason"].is_null()) reason = choice["finish_reason"];
      }
    } else {
      const Json choice = answer.json()["choices"][0];
      EXPECT_TRUE(choice["message"]["content"].is_null());
      call = choice["message"]["tool_calls"][0];
      reason = choice["finish_reason"];
    }
    EXPECT_EQ(reason, "tool_calls");
    EXPECT_EQ(call["function"]["name"], "weather");
    const Json arguments = Json::parse(call["function"]["arguments"].get<std::string>());
    EXPECT_TRUE(arguments["city"] == "Oslo" || arguments["city"] == "Rome");
    EXPECT_FALSE(call["id"].get<std::string>().empty());
  }
  const auto refused = [&](const Json& more) {
    Json request{{"messages", kHello}};
    request.update(more);
    return client.post("/v1/chat/completions", request);
  };
  EXPECT_EQ(refused({{"tool_choice", "required"}}).json()["error"]["param"], "tool_choice");
  EXPECT_EQ(refused({{"tools", tools},
                     {"tool_choice", {{"type", "function"}, {"function", {{"name", "x"}}}}}})
                .status,
            400);
  EXPECT_EQ(refused({{"tools", tools}, {"response_format", {{"type", "json_object"}}}})
                .json()["error"]["param"],
            "response_format");
}

TEST(ServeCompletions, PromptsOfEveryKindAndEcho) {
  TestServer server;
  Client client(server.port());
  const TextModel model = load_builtin_model();
  const std::string prompt = "Once upon a time";
  const std::string expected = model.generate(prompt, {.max_tokens = 10}).text();
  const Json base{{"max_tokens", 10}, {"temperature", 0}};
  const auto texts = [&](const Json& more) {
    Json request = base;
    request.update(more);
    const RawAnswer answer = client.post("/v1/completions", request);
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<std::string> result;
    const Json json = answer.json();
    for (const Json& choice : json["choices"]) result.push_back(choice["text"]);
    return result;
  };
  EXPECT_EQ(texts({{"prompt", prompt}}), std::vector{expected});
  EXPECT_EQ(texts({{"prompt", prompt}, {"echo", true}}), std::vector{prompt + expected});
  EXPECT_EQ(texts({{"prompt", {prompt, prompt}}, {"n", 2}}), std::vector(4, expected));
  EXPECT_EQ(texts({{"prompt", model.encode(prompt)}}), std::vector{expected});
  EXPECT_EQ(texts({{"prompt", {model.encode(prompt), model.encode(prompt)}}}),
            std::vector(2, expected));
  const std::string digits = texts({{"prompt", prompt}, {"regex", "[0-9]{3}"}})[0];
  EXPECT_EQ(digits.size(), 3U);
  EXPECT_EQ(digits.find_first_not_of("0123456789"), std::string::npos);
}

}  // namespace
}  // namespace linnet::test
