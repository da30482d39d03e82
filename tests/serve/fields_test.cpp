// Every field of every request: a wrong type or number is refused by name, and openapi.json lists
// what there is.
#include <algorithm>
#include <set>

#include "serve/adapter_folders.hpp"
#include "serve/router.hpp"
#include "serve/test_server.hpp"

namespace linnet::test {
namespace {

/// A request that is right, to put something wrong in.
Json right_request(const std::string& path) {
  const Json messages{{{"role", "user"}, {"content", "Hello"}}};
  if (path == "/v1/chat/completions") return {{"messages", messages}, {"max_tokens", 2}};
  if (path == "/v1/completions") return {{"prompt", "Hello"}, {"max_tokens", 2}};
  if (path == "/v1/embeddings") return {{"input", "Hello"}};
  if (path == "/v1/classify") return {{"input", "Hello"}, {"labels", {"a", "b"}}};
  if (path == "/v1/adapters") return {{"name", "a"}, {"path", "a"}};
  if (path == "/v1/score") return {{"prompt", "a"}, {"continuation", "b"}};
  if (path == "/tokenize") return {{"text", "Hello"}};
  if (path == "/detokenize") return {{"tokens", {5, 6}}};
  return {};
}

const Json& openapi() {
  static const Json document = [] {
    TestServer server;
    Client client(server.port());
    return client.get("/openapi.json").json();
  }();
  return document;
}

Json resolved(Json schema) {
  while (schema.contains("$ref")) {
    const std::string ref = schema["$ref"];
    const Json next = openapi().at(Json::json_pointer(ref.substr(1)));
    schema = next;
  }
  return schema;
}

Json request_schema(const std::string& path) {
  return resolved(
      openapi()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]);
}

TEST(ServeFields, OpenApiListsTheRoutesAndTheirFields) {
  TestServer server;
  std::set<std::string> listed;
  for (const auto& [path, methods] : openapi()["paths"].items())
    for (const auto& [method, operation] : methods.items()) listed.insert(method + " " + path);
  std::set<std::string> there;
  for (const serve::Route& route : server.server().router().routes()) {
    const bool is_ours = route.dialect == serve::Dialect::openai &&
                         (route.pattern.starts_with("/v1/") || route.method == "POST" ||
                          route.pattern == "/openapi.json" || route.pattern == "/metrics" ||
                          route.pattern == "/healthz" || route.pattern == "/readyz");
    if (!is_ours) continue;
    std::string pattern = route.pattern;
    if (pattern.ends_with("*")) pattern.replace(pattern.size() - 1, 1, "{id}");
    std::string method = route.method;
    std::ranges::transform(method, method.begin(),
                           [](char c) { return static_cast<char>(c + 32); });
    there.insert(method + " " + pattern);
    if (route.fields.empty()) continue;
    std::vector<std::string> fields;
    const Json schema = request_schema(route.pattern);
    for (const auto& [name, value] : schema["properties"].items()) fields.push_back(name);
    std::ranges::sort(fields);
    EXPECT_EQ(fields, route.fields) << route.pattern;
  }
  EXPECT_EQ(listed, there);
}

TEST(ServeFields, AWrongTypeOrNumberIsRefusedByName) {
  AdapterFolders folders;
  folders.write("a", 0.1F);
  TestServer server({.adapters_dir = folders.root()});
  Client client(server.port());
  // Fields that any number, text or list of some kind fits have others tried.
  const std::vector<Json> wrong{Json::object({{"no", "such"}}),
                                "text",
                                -7,
                                1.5,
                                true,
                                Json::array({Json::array({Json::array()})})};
  int refusals = 0;
  for (const serve::Route& route : server.server().router().routes()) {
    if (route.dialect != serve::Dialect::openai) continue;
    for (const std::string& field : route.fields) {
      int of_this = 0;
      for (const Json& value : wrong) {
        Json request = right_request(route.pattern);
        request[field] = value;
        const RawAnswer answer = client.post(route.pattern, request);
        ASSERT_TRUE(answer.status == 200 || (answer.status >= 400 && answer.status < 500))
            << route.pattern << " " << request << " " << answer.body;
        if (answer.status == 200) continue;
        ++of_this;
        const Json error = answer.json()["error"];
        const std::string message = error["message"];
        EXPECT_TRUE(error["param"] == field || message.find(field) != std::string::npos)
            << route.pattern << " " << request << " " << answer.body;
      }
      EXPECT_GT(of_this, 0) << route.pattern << " takes anything for " << field;
      refusals += of_this;
    }
    if (route.fields.empty()) continue;
    Json request = right_request(route.pattern);
    EXPECT_EQ(client.post(route.pattern, request).status, 200) << route.pattern;
    request["no_such_field"] = 1;
    const RawAnswer answer = client.post(route.pattern, request);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json()["error"]["param"], "no_such_field");
  }
  EXPECT_GT(refusals, 200);
}

TEST(ServeFields, NumbersOutOfRangeAndMissingFields) {
  TestServer server;
  Client client(server.port());
  const auto param = [&](const std::string& path, const std::string& field, const Json& value) {
    Json request = right_request(path);
    request[field] = value;
    const RawAnswer answer = client.post(path, request);
    EXPECT_EQ(answer.status, 400) << request << answer.body;
    return answer.body;
  };
  const std::string chat = "/v1/chat/completions";
  for (const auto& [field, value] :
       std::vector<std::pair<std::string, Json>>{{"max_tokens", 0},
                                                 {"max_tokens", -1},
                                                 {"max_tokens", 1e30},
                                                 {"max_completion_tokens", 0},
                                                 {"temperature", -1},
                                                 {"temperature", 1e39},
                                                 {"top_p", 0},
                                                 {"top_p", 1.5},
                                                 {"min_p", 2},
                                                 {"top_k", -2},
                                                 {"top_k", 1LL << 40},
                                                 {"n", 0},
                                                 {"n", 65},
                                                 {"repetition_penalty", 0},
                                                 {"logit_bias", {{"-1", 1}}},
                                                 {"logit_bias", {{"99999999", 1}}},
                                                 {"logit_bias", {{"5", 101}}},
                                                 {"logit_bias", {{"five", 1}}},
                                                 {"min_tokens", -1},
                                                 {"priority", 5000},
                                                 {"speculate", 17},
                                                 {"stop", Json(std::vector<std::string>(17, "x"))},
                                                 {"stop", Json::array({""})},
                                                 {"max_queue_seconds", -1}})
    EXPECT_NE(param(chat, field, value).find(field == "logit_bias" ? "" : "error"),
              std::string::npos);
  EXPECT_EQ(client.post(chat, Json::object()).json()["error"]["param"], "messages");
  EXPECT_EQ(client.post("/v1/completions", Json::object()).json()["error"]["param"], "prompt");
  EXPECT_EQ(client.post("/v1/classify", {{"input", "a"}}).json()["error"]["param"], "labels");
  EXPECT_EQ(client.post("/v1/embeddings", Json::object()).json()["error"]["param"], "input");
  // Well-formed, and not supported.
  const Json image{
      {{"role", "user"}, {"content", {{{"type", "image_url"}, {"image_url", {{"url", "x"}}}}}}}};
  const RawAnswer refused = client.post(chat, {{"messages", image}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.json()["error"]["param"], "messages");
  const Json schema{{"type", "json_schema"},
                    {"json_schema", {{"name", "x"}, {"schema", {{"not", {{"type", "null"}}}}}}}};
  Json request = right_request(chat);
  request["response_format"] = schema;
  EXPECT_EQ(client.post(chat, request).status, 422);
}

}  // namespace
}  // namespace linnet::test
