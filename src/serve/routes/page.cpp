// What is built into the program: the chat page at /, and the description of the interface.
#include <algorithm>
#include <array>
#include <map>

#include "base/checksum.hpp"
#include "serve/routes/routes.hpp"

extern "C" {
/// Written by linnet_embed_table.
struct LinnetEmbeddedFile {
  const char* name;
  const char* begin;
  const char* end;
};
extern const LinnetEmbeddedFile linnet_page_files[];
extern const char linnet_serve_openapi_json[];
extern const char linnet_serve_openapi_json_end[];
}

namespace linnet::serve {
namespace {

/// Nothing from elsewhere, no script or style in the page itself.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

struct PageFile {
  std::string_view content_type;
  std::string_view plain;
  std::string_view gzip;
  std::string tag;  ///< of its content
};

std::string_view content_type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".txt", "text/plain; charset=utf-8"},
      {".json", "application/json"},
  }};
  for (const auto& [ending, type] : kTypes)
    if (name.ends_with(ending)) return type;
  return "application/octet-stream";
}

std::string tag_of(std::string_view content) {
  Checksum checksum;
  checksum.add(std::as_bytes(std::span(content)));
  return "\"" + checksum.hex() + "\"";
}

std::map<std::string, PageFile> read_files() {
  std::map<std::string, PageFile> files;
  constexpr std::string_view kGzip = ".gz";
  for (const LinnetEmbeddedFile* entry = linnet_page_files; entry->name != nullptr; ++entry) {
    std::string name = entry->name;
    const std::string_view content(entry->begin, entry->end);
    const bool is_gzip = name.ends_with(kGzip);
    if (is_gzip) name.resize(name.size() - kGzip.size());
    PageFile& file = files[name];
    (is_gzip ? file.gzip : file.plain) = content;
    file.content_type = content_type_of(name);
    if (!is_gzip) file.tag = tag_of(content);
  }
  return files;
}

asio::awaitable<void> send_file(Exchange& exchange, const PageFile& file) {
  HttpResponse response{.content_type = std::string(file.content_type), .embedded = file.plain};
  response.headers = {{"etag", file.tag},
                      {"cache-control", "no-cache"},
                      {"vary", "accept-encoding"},
                      {"content-security-policy", std::string(kPolicy)},
                      {"referrer-policy", "no-referrer"}};
  if (exchange.request.header("if-none-match") == file.tag) {
    response.status = 304;
  } else if (!file.gzip.empty() &&
             exchange.request.header("accept-encoding").find("gzip") != std::string_view::npos) {
    response.headers.emplace_back("content-encoding", "gzip");
    response.embedded = file.gzip;
  }
  co_await exchange.responder.send(std::move(response));
}

asio::awaitable<void> openapi(Exchange& exchange) {
  HttpResponse response{
      .embedded = std::string_view(linnet_serve_openapi_json, linnet_serve_openapi_json_end)};
  co_await exchange.responder.send(std::move(response));
}

void add_open(Router& router, std::string pattern, Handler handler) {
  router.add({.method = "GET",
              .pattern = std::move(pattern),
              .handler = std::move(handler),
              .access = Access::open});
}

}  // namespace

void add_page_routes(Router& router) {
  add_open(router, "/openapi.json", [](Exchange& exchange) { return openapi(exchange); });
  for (auto& [name, file] : read_files()) {
    const Handler handler = [file = file](Exchange& exchange) {
      return send_file(exchange, file);
    };
    if (name == "index.html") add_open(router, "/", handler);
    add_open(router, "/" + name, handler);
  }
}

}  // namespace linnet::serve
