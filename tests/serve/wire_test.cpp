// HTTP as hostile, slow and careless clients speak it. After each the server must serve others.
#include <fmt/format.h>

#include "serve/test_server.hpp"

namespace linnet::test {
namespace {

using std::chrono::milliseconds;
using Seconds = std::chrono::duration<double>;

const Json kHello{{{"role", "user"}, {"content", "Hello"}}};

void expect_unharmed(const TestServer& server) {
  Client client(server.port());
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.post("/v1/chat/completions", {{"messages", kHello}, {"max_tokens", 4}}).status,
            200);
}

Json stats(const TestServer& server) {
  while (true) {
    Client client(server.port());
    const RawAnswer answer = client.get("/v1/stats");
    if (answer.status != 503) return answer.json();  // else too many connections are open
  }
}

void wait_until_busy(const TestServer& server) {
  while (stats(server)["requests"]["running"] == 0) std::this_thread::sleep_for(milliseconds(1));
}

/// Waits until nothing is served any more; how long that took.
double seconds_until_idle(const TestServer& server) {
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    const Json requests = stats(server)["requests"];
    const Seconds passed = std::chrono::steady_clock::now() - start;
    if (requests["running"] == 0 && requests["queued"] == 0) return passed.count();
    if (passed > Seconds(20)) return passed.count();
  }
}

TEST(ServeWire, ASlowHeaderAndHalfABodyAreTimedOut) {
  TestServer server({.header_timeout = milliseconds(1000), .body_timeout = milliseconds(1000)});
  Client header(server.port());
  header.send("POST /v1/chat/completions HTTP/1.1\r\nho");
  EXPECT_EQ(header.read().status, 408);
  EXPECT_TRUE(header.closed());
  Client body(server.port());
  body.send("POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{\"te");
  EXPECT_EQ(body.read().status, 408);
  EXPECT_TRUE(body.closed());
  expect_unharmed(server);
}

TEST(ServeWire, AnIdleConnectionIsClosed) {
  TestServer server({.idle_timeout = milliseconds(1000)});
  Client client(server.port());
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_TRUE(client.closed(milliseconds(5000)));
}

TEST(ServeWire, BodiesAndHeadersHaveLimits) {
  TestServer server({.max_header_bytes = 4096, .max_body_bytes = 1 << 20});
  Client announced(server.port());  // nothing of the body is sent: the header is enough
  announced.send("POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857600\r\n\r\n");
  const RawAnswer refused = announced.read();
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.json()["error"]["code"], "body_too_large");
  EXPECT_TRUE(announced.closed());

  Client sent(server.port());
  EXPECT_EQ(sent.post_text("/tokenize", std::string(2 << 20, 'x')).status, 413);

  Client chunked(server.port());
  chunked.send("POST /tokenize HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", 1 << 16, std::string(1 << 16, 'x'));
  for (int i = 0; i < 20; ++i) chunked.send(chunk);
  EXPECT_EQ(chunked.read().status, 413);

  Client header(server.port());
  EXPECT_EQ(header.get("/healthz", "x-long: " + std::string(8192, 'x') + "\r\n").status, 431);
  expect_unharmed(server);
}

TEST(ServeWire, WhatIsNoHttpAndNoJsonIsRefused) {
  TestServer server;
  for (const std::string& nonsense :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string(64, '\0')}) {
    Client client(server.port());
    client.send(nonsense + "\r\n\r\n");
    EXPECT_EQ(client.read().status, 400) << nonsense;
    EXPECT_TRUE(client.closed());
  }
  Client client(server.port());
  const auto status = [&](std::string_view body) {
    return client.post_text("/v1/chat/completions", body).status;
  };
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status("[]"), 400);
  EXPECT_EQ(status("{\"messages\": "), 400);
  EXPECT_EQ(status("{\"model\": \"\xff\xfe\"}"), 400);
  EXPECT_EQ(status("{\"messages\": " + std::string(10'000, '[') + std::string(10'000, ']') + "}"),
            400);
  EXPECT_EQ(status("{\"max_tokens\": 1e999, \"messages\": []}"), 400);
  EXPECT_EQ(client.get("/%zz").status, 400);
  EXPECT_EQ(client.get("/%00").status, 400);
  EXPECT_EQ(client.get("/nowhere").status, 404);
  EXPECT_EQ(client.get("/v1/chat/completions").status, 405);
  expect_unharmed(server);
}

TEST(ServeWire, RequestsInOnePacketAreAnsweredInOrder) {
  TestServer server;
  Client client(server.port());
  const std::string chat =
      request_text("POST", "/v1/chat/completions",
                   Json{{"messages", kHello}, {"max_tokens", 5}, {"stream", true}}.dump());
  client.send(chat + "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n" + chat);
  const RawAnswer first = client.read();
  EXPECT_EQ(events_of(first.body).back(), "[DONE]");
  EXPECT_EQ(client.read().json()["status"], "ok");
  EXPECT_EQ(content_of(client.read().body), content_of(first.body));
}

TEST(ServeWire, Http10HeadAndOptions) {
  TestServer server({.cors_origins = {"https://page.example"}});
  Client old(server.port());
  const std::string body = Json{{"messages", kHello}, {"max_tokens", 5}, {"stream", true}}.dump();
  old.send(fmt::format("POST /v1/chat/completions HTTP/1.0\r\ncontent-length: {}\r\n\r\n{}",
                       body.size(), body));
  const RawAnswer answer = old.read();
  EXPECT_FALSE(answer.headers.contains("transfer-encoding"));
  EXPECT_EQ(events_of(answer.body).back(), "[DONE]");
  EXPECT_TRUE(old.closed());

  Client client(server.port());
  client.send(
      "HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nhost: "
      "localhost\r\n\r\n");
  std::string both;
  while (both.find("ok") == std::string::npos) both += client.read_some();
  EXPECT_EQ(both.find("{\"status\""), both.rfind("{\"status\"")) << both;

  Client page(server.port());
  page.send(
      "OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\norigin: https://page.example\r\n"
      "access-control-request-method: POST\r\n\r\n");
  const RawAnswer preflight = page.read();
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://page.example");
  EXPECT_EQ(preflight.headers.at("access-control-allow-methods"), "POST");
}

TEST(ServeWire, KeysOriginsAndHosts) {
  TestServer open;
  Client client(open.port());
  EXPECT_EQ(client.get("/v1/models", "origin: https://elsewhere.example\r\n").status, 403);
  client.send("GET /v1/models HTTP/1.1\r\nhost: rebound.example\r\n\r\n");
  EXPECT_EQ(client.read().status, 403);
  EXPECT_EQ(client.get("/v1/models", "origin: http://127.0.0.1\r\n").status, 200);

  TestServer closed({.api_keys = {"first-secret", "second-secret"}});
  Client other(closed.port());
  EXPECT_EQ(other.get("/healthz").status, 200);
  EXPECT_EQ(other.get("/v1/models").status, 401);
  EXPECT_EQ(other.get("/v1/models", "authorization: Bearer wrong\r\n").status, 401);
  EXPECT_EQ(other.get("/v1/models", "authorization: Bearer first-secre\r\n").status, 401);
  EXPECT_EQ(other.get("/v1/models", "authorization: Bearer second-secret\r\n").status, 200);
  EXPECT_EQ(other.get("/v1/models", "x-api-key: first-secret\r\n").status, 200);
  const RawAnswer refused = other.post("/v1/messages", Json::object());
  EXPECT_TRUE(refused.status == 401 || refused.status == 404);
  // A body of 100 MB is not read for somebody without a key.
  Client large(closed.port());
  large.send("POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10000000\r\n\r\n");
  EXPECT_EQ(large.read().status, 401);
}

TEST(ServeWire, AClientThatLeavesStopsItsRequestAndNoOther) {
  TestServer server;
  const Json endless{{"messages", kHello}, {"ignore_eos", true}, {"max_tokens", 1900},
                     {"stream", true},     {"temperature", 1},   {"seed", 3}};
  std::string alone;
  {
    Client client(server.port());
    alone = content_of(client.post("/v1/chat/completions", endless).body);
  }
  Client staying(server.port());
  staying.send(request_text("POST", "/v1/chat/completions", endless.dump()));
  {
    std::vector<std::unique_ptr<Client>> leaving;
    for (int i = 0; i < 8; ++i) {
      leaving.push_back(std::make_unique<Client>(server.port()));
      Json request = endless;
      request["seed"] = 100 + i;
      leaving.back()->send(request_text("POST", "/v1/chat/completions", request.dump()));
    }
    for (const auto& client : leaving) EXPECT_FALSE(client->read_some().empty());
  }
  EXPECT_EQ(content_of(staying.read().body), alone);
  EXPECT_LT(seconds_until_idle(server), 5);
  EXPECT_GE(stats(server)["requests"]["cancelled"], 1);
}

TEST(ServeWire, ASlowReaderIsDroppedAndNobodyWaitsForIt) {
  TestServer server({.write_timeout = milliseconds(300)});
  // More than the system holds for a reader: 64 answers with the likeliest tokens listed.
  const Json flood{{"messages", kHello}, {"n", 64},          {"max_tokens", 200},
                   {"stream", true},     {"logprobs", true}, {"top_logprobs", 20},
                   {"ignore_eos", true}};
  Client slow(server.port());
  slow.send(request_text("POST", "/v1/chat/completions", flood.dump()));
  wait_until_busy(server);
  expect_unharmed(server);
  EXPECT_LT(seconds_until_idle(server), 20);
  const RawAnswer cut = slow.read();
  EXPECT_FALSE(cut.whole) << cut.status << " " << cut.body.size()
                          << cut.body.substr(cut.body.size() - 300);
  expect_unharmed(server);
}

TEST(ServeWire, TheQueueAndConnectionsHaveLimits) {
  serve::ServeOptions options;
  options.load.max_batch = 1;
  options.load.max_queue = 1;
  options.max_connections = 6;
  TestServer server(options);
  const Json endless{
      {"messages", kHello}, {"ignore_eos", true}, {"max_tokens", 1900}, {"stream", true}};
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(request_text("POST", "/v1/chat/completions", endless.dump()));
  }
  int refused = 0;
  for (const auto& client : clients) {
    const RawAnswer answer = client->read();
    if (answer.status == 200) continue;
    ++refused;
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.headers.at("retry-after"), "1");
    EXPECT_EQ(answer.json()["error"]["code"], "queue_full");
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 2);
  for (int i = 0; i < 2; ++i) clients.push_back(std::make_unique<Client>(server.port()));
  Client seventh(server.port());
  EXPECT_EQ(seventh.read().status, 503);
  EXPECT_TRUE(seventh.closed());
  clients.clear();
  EXPECT_LT(seconds_until_idle(server), 10);
}

TEST(ServeWire, StoppingLetsAnswersEndAndThenEndsThem) {
  const Json endless{
      {"messages", kHello}, {"ignore_eos", true}, {"max_tokens", 1900}, {"stream", true}};
  {
    TestServer server;
    Client idle(server.port());
    EXPECT_EQ(idle.get("/healthz").status, 200);
    Client client(server.port());
    client.send(request_text("POST", "/v1/chat/completions", endless.dump()));
    std::string begin = client.read_some();
    ASSERT_FALSE(begin.empty());
    server.server().stop();
    EXPECT_TRUE(idle.closed());
    while (true) {
      const std::string more = client.read_some();
      if (more.empty()) break;
      begin += more;
    }
    EXPECT_NE(begin.find("[DONE]"), std::string::npos) << "it was let to its end";
    server.wait();
  }
  {
    TestServer server({.drain_timeout = milliseconds(0)});
    Json several = endless;
    several["n"] = 32;
    Client client(server.port());
    client.send(request_text("POST", "/v1/chat/completions", several.dump()));
    std::string all = client.read_some();
    ASSERT_FALSE(all.empty());
    server.server().stop();
    for (std::string more; !(more = client.read_some()).empty();) all += more;
    EXPECT_EQ(all.find("[DONE]"), std::string::npos);
    EXPECT_NE(all.find("shutting_down"), std::string::npos);
    server.wait();
  }
}

TEST(ServeWire, AModelThatIsStillBeingLoadedIsToBeAskedForLater) {
  TestServer server({.load_wait = milliseconds(0)});
  Client client(server.port());
  const RawAnswer answer = client.post("/tokenize", {{"text", "a"}});
  // Loading takes some milliseconds: either it was quicker, or the answer says so.
  if (answer.status != 200) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.json()["error"]["code"], "loading");
    EXPECT_EQ(answer.headers.at("retry-after"), "1");
  }
  while (client.get("/readyz").status != 200) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(client.post("/tokenize", {{"text", "a"}}).status, 200);
}

}  // namespace
}  // namespace linnet::test
