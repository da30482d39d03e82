// A server in this process, and clients that speak to it byte by byte.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "serve/server.hpp"

namespace linnet::test {

using Json = nlohmann::json;

/// Serves the built-in model, unless the options name others, until it goes out of scope.
class TestServer {
 public:
  explicit TestServer(serve::ServeOptions options = {});
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  serve::Server& server() { return server_; }
  /// Waits until it has ended by itself.
  void wait() { thread_.join(); }

 private:
  serve::Server server_;
  uint16_t port_;
  std::thread thread_;
};

/// An answer as it came.
struct RawAnswer {
  int status = 0;  ///< 0: the connection ended without one
  std::map<std::string, std::string> headers;
  std::string body;
  bool whole = false;  ///< to the end that its header promises
  [[nodiscard]] Json json() const { return Json::parse(body); }
};

/// A connection, used by one thread.
class Client {
 public:
  explicit Client(uint16_t port);
  /// The bytes as they are.
  void send(std::string_view bytes);
  /// The next answer, its chunks put together. After `timeout` without a byte: what came.
  RawAnswer read(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  /// What comes next, some bytes of it; empty at the end of the connection.
  std::string read_some(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  /// Whether the server ends the connection within that time.
  bool closed(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  void close();

  /// A request with a body of JSON.
  RawAnswer post(std::string_view path, const Json& body, std::string_view headers = {});
  RawAnswer post_text(std::string_view path, std::string_view body, std::string_view headers = {});
  RawAnswer get(std::string_view path, std::string_view headers = {});

 private:
  bool fill(std::chrono::milliseconds timeout);

  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
  bool ended_ = false;
};

/// A request's text; headers end with a line break each.
std::string request_text(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view headers = {});

/// The data of server-sent events, "[DONE]" too.
std::vector<std::string> events_of(std::string_view body);
/// The contents of a streamed chat put together.
std::string content_of(std::string_view body);

}  // namespace linnet::test
