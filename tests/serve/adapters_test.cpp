// Adapters of a server: models by the names MODEL:ADAPTER, in every interface, loaded and dropped
// while it runs.
#include <atomic>
#include <filesystem>
#include <fstream>

#include "serve/adapter_folders.hpp"
#include "serve/test_server.hpp"
#include "support/scale.hpp"

namespace linnet::test {
namespace {

namespace fs = std::filesystem;

const Json kQuestion{{"messages", {{{"role", "user"}, {"content", "Tell me about the sea."}}}},
                     {"max_tokens", 12},
                     {"temperature", 0}};

std::string ask(Client& client, const std::string& model) {
  Json question = kQuestion;
  question["model"] = model;
  const RawAnswer answer = client.post("/v1/chat/completions", question);
  if (answer.status != 200) return std::to_string(answer.status);
  return answer.json()["choices"][0]["message"]["content"];
}

RawAnswer remove(Client& client, const std::string& id, std::string_view headers = {}) {
  client.send(request_text("DELETE", "/v1/adapters/" + id, "", headers));
  return client.read();
}

class ServeAdapters : public testing::Test {
 protected:
  void SetUp() override {
    folders_.write("one", 0.3F);
    folders_.write("two", -0.3F);
  }
  [[nodiscard]] serve::ServeOptions options() const {
    return {.models = {{.name = "tiny"}},
            .adapters = {{.name = "first", .folder = folders_.root() / "one"}},
            .adapters_dir = folders_.root()};
  }
  AdapterFolders folders_;
};

TEST_F(ServeAdapters, AreModelsInEveryInterface) {
  TestServer server(options());
  Client client(server.port());
  const Json models = client.get("/v1/models").json()["data"];
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[1]["id"], "tiny:first");
  EXPECT_EQ(models[1]["parent"], "tiny");
  EXPECT_EQ(models[1]["meta"]["adapter"]["rank"], 2);
  EXPECT_FALSE(models[0].contains("parent"));
  const std::string plain = ask(client, "tiny");
  const std::string adapted = ask(client, "tiny:first");
  EXPECT_NE(plain, adapted);
  EXPECT_EQ(ask(client, ""), plain);
  EXPECT_EQ(ask(client, "tiny:second"), "404");

  Json anthropic = kQuestion;
  anthropic["model"] = "tiny:first";
  EXPECT_EQ(client.post("/v1/messages", anthropic).json()["content"][0]["text"], adapted);
  const Json ollama{{"model", "tiny:first"},
                    {"messages", kQuestion["messages"]},
                    {"stream", false},
                    {"options", {{"temperature", 0}, {"num_predict", 12}}}};
  EXPECT_EQ(client.post("/api/chat", ollama).json()["message"]["content"], adapted);
  const Json tags = client.get("/api/tags").json()["models"];
  EXPECT_EQ(tags[1]["name"], "tiny:first");

  const auto differs = [&](const std::string& path, Json body, const char* member) {
    body["model"] = "tiny";
    const Json a = client.post(path, body).json();
    body["model"] = "tiny:first";
    const Json b = client.post(path, body).json();
    EXPECT_EQ(b["model"], "tiny:first") << path;
    EXPECT_NE(a["data"][0][member], b["data"][0][member]) << path;
  };
  differs("/v1/classify", {{"input", "a"}, {"labels", {"b", "c"}}}, "logprobs");
  differs("/v1/score", {{"prompt", "a"}, {"continuation", "b"}}, "logprob");
  differs("/v1/embeddings", {{"input", "a"}}, "embedding");
  const Json a = client.post("/api/embed", {{"model", "tiny"}, {"input", "a"}}).json();
  const Json b = client.post("/api/embed", {{"model", "tiny:first"}, {"input", "a"}}).json();
  EXPECT_NE(a["embeddings"], b["embeddings"]);
  EXPECT_EQ(client.post("/tokenize", {{"model", "tiny:first"}, {"text", "a"}}).status, 200);
}

TEST_F(ServeAdapters, ComeAndGoByRequest) {
  TestServer server(options());
  Client client(server.port());
  const std::string plain = ask(client, "tiny");
  const std::string first = ask(client, "tiny:first");
  RawAnswer added = client.post("/v1/adapters", {{"name", "more"}, {"path", "two"}});
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(added.json()["id"], "tiny:more");
  EXPECT_EQ(added.json()["targets"], (Json{"down_proj", "q_proj"}));
  const std::string second = ask(client, "tiny:more");
  EXPECT_NE(second, plain);
  EXPECT_NE(second, first);
  EXPECT_EQ(client.get("/v1/adapters").json()["data"].size(), 2U);
  EXPECT_EQ(client.get("/v1/adapters/tiny:more").json(), added.json());
  const Json stats = client.get("/v1/stats").json()["models"][0];
  EXPECT_EQ(stats["adapters"], 2);
  EXPECT_GT(stats["adapter_bytes"], 0);

  // Swapped: the same name, another adapter.
  EXPECT_EQ(client.post("/v1/adapters", {{"name", "more"}, {"path", "one"}}).status, 200);
  EXPECT_EQ(ask(client, "tiny:more"), first);
  EXPECT_EQ(client.get("/v1/adapters").json()["data"].size(), 2U);

  EXPECT_EQ(remove(client, "tiny:more").json()["deleted"], true);
  EXPECT_EQ(ask(client, "tiny:more"), "404");
  EXPECT_EQ(remove(client, "tiny:more").status, 404);
  EXPECT_EQ(remove(client, "tiny").status, 404) << "a model is no adapter";
  EXPECT_EQ(ask(client, "tiny:first"), first);
  EXPECT_EQ(ask(client, "tiny"), plain);
}

TEST_F(ServeAdapters, WhatIsRefusedChangesNothing) {
  TestServer server(options());
  Client client(server.port());
  fs::create_directories(folders_.outside());
  fs::rename(folders_.write("moved", 0.1F), folders_.outside() / "three");
  fs::create_directory_symlink(folders_.outside() / "three", folders_.root() / "link");
  fs::create_directories(folders_.root() / "empty");
  const auto status = [&](const Json& body) { return client.post("/v1/adapters", body).status; };
  EXPECT_EQ(status({{"name", "x"}, {"path", "../outside/three"}}), 403);
  EXPECT_EQ(status({{"name", "x"}, {"path", (folders_.outside() / "three").string()}}), 403);
  EXPECT_EQ(status({{"name", "x"}, {"path", "link"}}), 403);
  EXPECT_EQ(status({{"name", "x"}, {"path", "link/../../outside/three"}}), 403);
  EXPECT_EQ(status({{"name", "x"}, {"path", "/"}}), 403);
  EXPECT_EQ(status({{"name", "x"}, {"path", "no-such"}}), 404);
  EXPECT_EQ(status({{"name", "x"}, {"path", "empty"}}), 404);
  EXPECT_EQ(status({{"name", "a b"}, {"path", "one"}}), 400);
  EXPECT_EQ(status({{"name", ""}, {"path", "one"}}), 400);
  EXPECT_EQ(status({{"name", "x"}}), 400);
  EXPECT_EQ(status({{"name", "x"}, {"path", "one"}, {"model", "other"}}), 404);
  EXPECT_EQ(status({{"name", "x"}, {"path", "one"}, {"model", "tiny:first"}}), 400);
  std::ofstream(folders_.root() / "empty" / "adapter_config.json") << "{";
  EXPECT_EQ(status({{"name", "first"}, {"path", "empty"}}), 400);
  EXPECT_EQ(client.get("/v1/adapters").json()["data"].size(), 1U);
  EXPECT_NE(ask(client, "tiny:first"), "404");
}

TEST_F(ServeAdapters, BadOnesOfTheStartAreRefusedThen) {
  const auto refused = [&](const serve::ServedAdapter& adapter, const std::string& part) {
    serve::ServeOptions bad = options();
    bad.adapters.push_back(adapter);
    try {
      TestServer server(bad);
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  const fs::path folder = folders_.root() / "one";
  refused({.name = "a b", .folder = folder}, "a b");
  refused({.name = "first", .folder = folder}, "two models are called \"tiny:first\"");
  refused({.model = "other", .name = "x", .folder = folder}, "other");
  refused({.name = "x", .folder = folders_.root() / "none"}, "none");
}

TEST_F(ServeAdapters, NeedAKeyAndAFolder) {
  serve::ServeOptions closed = options();
  closed.api_keys = {"secret"};
  closed.adapters_dir.clear();
  TestServer server(closed);
  Client client(server.port());
  const Json body{{"name", "x"}, {"path", "one"}};
  EXPECT_EQ(client.post("/v1/adapters", body).status, 401);
  EXPECT_EQ(remove(client, "tiny:first").status, 401);
  EXPECT_EQ(client.get("/v1/adapters").status, 401);
  const RawAnswer refused = client.post("/v1/adapters", body, "authorization: Bearer secret\r\n");
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("--adapters-dir"), std::string::npos);
  EXPECT_EQ(remove(client, "tiny:first", "authorization: Bearer secret\r\n").status, 403);
  EXPECT_EQ(client.get("/v1/adapters", "authorization: Bearer secret\r\n").status, 200);
}

TEST_F(ServeAdapters, SwappingUnderLoadLosesNoRequest) {
  TestServer server(options());
  std::vector<std::string> possible;
  Client control(server.port());
  for (const char* path : {"one", "two"}) {
    ASSERT_EQ(control.post("/v1/adapters", {{"name", "live"}, {"path", path}}).status, 200);
    possible.push_back(ask(control, "tiny:live"));
  }
  std::atomic<bool> done{false};
  std::atomic<int64_t> answered{0};
  std::atomic<int64_t> wrong{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      Client client(server.port());
      while (!done) {
        if (std::ranges::count(possible, ask(client, "tiny:live")) == 0) ++wrong;
        ++answered;
      }
    });
  const int rounds = scaled(20);
  for (int i = 0; i < rounds; ++i) {
    const RawAnswer swapped =
        control.post("/v1/adapters", {{"name", "live"}, {"path", i % 2 == 0 ? "one" : "two"}});
    EXPECT_EQ(swapped.status, 200) << swapped.body;
    const int64_t before = answered;
    while (answered < before + 2 && wrong == 0) std::this_thread::yield();
  }
  done = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(answered.load(), 2 * rounds);
}

}  // namespace
}  // namespace linnet::test
