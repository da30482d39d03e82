#include "serve/test_server.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <array>
#include <boost/asio/write.hpp>
#include <memory>

namespace linnet::test {

using boost::system::error_code;
namespace asio = boost::asio;

namespace {

serve::ServeOptions completed(serve::ServeOptions options) {
  options.port = 0;
  options.load.threads = 2;
  if (options.models.empty()) options.models = {{.name = "builtin"}};
  return options;
}

std::shared_ptr<spdlog::logger> quiet() {
  return std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
}

}  // namespace

TestServer::TestServer(serve::ServeOptions options)
    : server_(completed(std::move(options)), quiet()), port_(server_.port()) {
  thread_ = std::thread([this] { server_.run(false); });
}

TestServer::~TestServer() {
  if (!thread_.joinable()) return;
  server_.stop();
  server_.stop();
  thread_.join();
}

Client::Client(uint16_t port) : socket_(context_) {
  socket_.connect({asio::ip::address_v4::loopback(), port});
}

void Client::send(std::string_view bytes) {
  error_code ignored;  // the server may have ended the connection: what it said is what counts
  asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
}

void Client::close() {
  error_code ignored;
  socket_.close(ignored);
}

bool Client::fill(std::chrono::milliseconds timeout) {
  if (ended_) return false;
  std::array<char, 65536> bytes{};
  bool done = false;
  size_t count = 0;
  socket_.async_read_some(asio::buffer(bytes), [&](const error_code& error, size_t read) {
    done = true;
    count = read;
    ended_ = ended_ || (error && error != asio::error::operation_aborted);
  });
  context_.restart();
  context_.run_for(timeout);
  if (!done) {
    error_code ignored;
    socket_.cancel(ignored);
    context_.restart();
    context_.run();
  }
  buffer_.append(bytes.data(), count);
  return count > 0;
}

std::string Client::read_some(std::chrono::milliseconds timeout) {
  if (buffer_.empty()) fill(timeout);
  return std::exchange(buffer_, {});
}

bool Client::closed(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!ended_ && std::chrono::steady_clock::now() < end) fill(timeout);
  return ended_;
}

RawAnswer Client::read(std::chrono::milliseconds timeout) {
  RawAnswer answer;
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!fill(timeout)) return answer;
  const std::string head = buffer_.substr(0, end);
  answer.status = std::stoi(head.substr(9, 3));
  for (size_t line = head.find("\r\n"); line != std::string::npos;) {
    const size_t next = head.find("\r\n", line + 2);
    const std::string field =
        head.substr(line + 2, next == std::string::npos ? next : next - line - 2);
    const size_t colon = field.find(": ");
    answer.headers[field.substr(0, colon)] = field.substr(colon + 2);
    line = next;
  }
  buffer_.erase(0, end + 4);
  if (answer.headers.contains("content-length")) {
    const size_t length = std::stoul(answer.headers["content-length"]);
    while (buffer_.size() < length && fill(timeout)) {
    }
    answer.whole = buffer_.size() >= length;
    answer.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
  } else if (answer.headers.contains("transfer-encoding")) {
    while (true) {
      size_t line = 0;
      while ((line = buffer_.find("\r\n")) == std::string::npos)
        if (!fill(timeout)) return answer;
      const size_t length = std::stoul(buffer_, nullptr, 16);
      while (buffer_.size() < line + 2 + length + 2)
        if (!fill(timeout)) return answer;
      answer.body += buffer_.substr(line + 2, length);
      buffer_.erase(0, line + 2 + length + 2);
      if (length > 0) continue;
      answer.whole = true;
      break;
    }
  } else if (answer.status != 204 && answer.status != 304 && answer.status != 100) {
    while (fill(timeout)) {
    }
    answer.whole = ended_;
    answer.body = std::exchange(buffer_, {});
  }
  return answer;
}

std::string request_text(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view headers) {
  return fmt::format("{} {} HTTP/1.1\r\nhost: 127.0.0.1\r\n{}content-length: {}\r\n\r\n{}", method,
                     path, headers, body.size(), body);
}

RawAnswer Client::post_text(std::string_view path, std::string_view body,
                            std::string_view headers) {
  send(request_text("POST", path, body, headers));
  return read();
}

RawAnswer Client::post(std::string_view path, const Json& body, std::string_view headers) {
  return post_text(path, body.dump(), headers);
}

RawAnswer Client::get(std::string_view path, std::string_view headers) {
  send(fmt::format("GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\n{}\r\n", path, headers));
  return read();
}

std::vector<std::string> events_of(std::string_view body) {
  std::vector<std::string> events;
  constexpr std::string_view kData = "data: ";
  for (size_t at = 0; (at = body.find(kData, at)) != std::string_view::npos;) {
    const size_t end = body.find("\n\n", at);
    events.emplace_back(body.substr(at + kData.size(), end - at - kData.size()));
    at = end == std::string_view::npos ? body.size() : end;
  }
  return events;
}

std::string content_of(std::string_view body) {
  std::string text;
  for (const std::string& event : events_of(body)) {
    if (event == "[DONE]") continue;
    const Json json = Json::parse(event);
    for (const Json& choice : json["choices"])
      text += choice["delta"].value("content", "");
  }
  return text;
}

}  // namespace linnet::test
