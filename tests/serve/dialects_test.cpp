// Anthropic's and Ollama's routes: every field is refused by name if it is of a wrong type, and
// errors have the form of the interface. What their official clients make of the answers is in
// tests/clients.
#include "serve/router.hpp"
#include "serve/routes/ollama_json.hpp"
#include "serve/test_server.hpp"

namespace linnet::test {
namespace {

Json right_request(const std::string& path) {
  const Json messages{{{"role", "user"}, {"content", "Hello"}}};
  if (path == "/v1/messages") return {{"messages", messages}, {"max_tokens", 1}};
  if (path == "/v1/messages/count_tokens") return {{"messages", messages}};
  Json request{{"model", "builtin"}};
  if (path == "/api/chat") request["messages"] = messages;
  if (path == "/api/generate" || path == "/api/embeddings") request["prompt"] = "Hello";
  if (path == "/api/chat" || path == "/api/generate") request["options"] = {{"num_predict", 1}};
  if (path == "/api/embed") request["input"] = "Hello";
  return request;
}

std::string message_of(const serve::Route& route, const RawAnswer& answer) {
  const Json json = answer.json();
  if (route.dialect == serve::Dialect::ollama) return json.at("error");
  EXPECT_EQ(json.at("type"), "error") << answer.body;
  EXPECT_EQ(json.at("error").at("type"), "invalid_request_error") << answer.body;
  return json.at("error").at("message");
}

TEST(ServeDialects, AWrongTypeOrNumberIsRefusedByName) {
  TestServer server;
  Client client(server.port());
  const std::vector<Json> wrong{Json::object({{"no", "such"}}),
                                "text",
                                -7,
                                1.5,
                                true,
                                Json::array({Json::array({Json::array()})})};
  int routes = 0;
  for (const serve::Route& route : server.server().router().routes()) {
    if (route.dialect == serve::Dialect::openai || route.fields.empty()) continue;
    ++routes;
    EXPECT_EQ(client.post(route.pattern, right_request(route.pattern)).status, 200)
        << route.pattern;
    for (const std::string& field : route.fields) {
      int refusals = 0;
      for (const Json& value : wrong) {
        Json request = right_request(route.pattern);
        request[field] = value;
        const RawAnswer answer = client.post(route.pattern, request);
        if (answer.status == 200) continue;
        ++refusals;
        ASSERT_TRUE(answer.status >= 400 && answer.status < 500) << request << answer.body;
        // A model that is not there is no wrong type.
        if (answer.status != 404) {
          EXPECT_NE(message_of(route, answer).find(field), std::string::npos)
              << request << answer.body;
        }
      }
      EXPECT_GT(refusals, 0) << route.pattern << " takes anything for " << field;
    }
    Json request = right_request(route.pattern);
    request["no_such_field"] = 1;
    const RawAnswer answer = client.post(route.pattern, request);
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(message_of(route, answer).find("no_such_field"), std::string::npos);
  }
  EXPECT_EQ(routes, 7);
}

TEST(ServeDialects, OllamasCallsHaveObjectsForArguments) {
  // The built-in model calls nothing by itself, and the interface has no way to make it.
  const auto calls = serve::calls_json(
      {{.index = 0, .id = "call_1", .name = "weather", .arguments = R"({"town": "Oslo"})"},
       {.index = 1, .id = "call_2", .name = "clock", .arguments = "{}"}});
  EXPECT_EQ(Json(calls), Json::parse(R"([
    {"id": "call_1", "function": {"index": 0, "name": "weather", "arguments": {"town": "Oslo"}}},
    {"id": "call_2", "function": {"index": 1, "name": "clock", "arguments": {}}}])"));
}

TEST(ServeDialects, MomentsAreWrittenAsRfc3339HasThem) {
  using std::chrono::microseconds;
  EXPECT_EQ(serve::rfc3339({}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(serve::rfc3339(std::chrono::system_clock::time_point(microseconds(1709210096'000045))),
            "2024-02-29T12:34:56.000045Z");
}

TEST(ServeDialects, ARouteThatIsNotThereIsToldInTheFormOfTheInterface) {
  TestServer server;
  Client client(server.port());
  EXPECT_EQ(client.post("/v1/messages/batches", Json::object()).json()["error"]["type"],
            "not_found_error");
  EXPECT_TRUE(client.post("/api/pull", Json::object()).json()["error"].is_string());
}

}  // namespace
}  // namespace linnet::test
