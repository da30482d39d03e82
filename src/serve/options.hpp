// How a server listens, what it serves and what it refuses.
#pragma once

#include <linnet/options.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace linnet::serve {

/// A model by the name that requests use.
struct ServedModel {
  std::string name;
  std::filesystem::path folder;  ///< empty: the built-in model
};

/// An adapter beside a model; requests call the two "MODEL:NAME".
struct ServedAdapter {
  std::string model = {};  ///< empty: the server's first
  std::string name;        ///< as TextModel::load_adapter
  std::filesystem::path folder;
};

/// Values out of range are ErrorCode::invalid_argument when the server is made.
struct ServeOptions {
  std::string host = "127.0.0.1";  ///< an address, or localhost
  uint16_t port = 8090;            ///< 0: any that is free
  /// Requests must carry one of them. Without any, `host` must be a loopback address or `insecure`
  /// be set.
  std::vector<std::string> api_keys = {};
  bool insecure = false;
  std::filesystem::path tls_certificate = {};  ///< PEM, the chain; with tls_key: HTTPS alone
  std::filesystem::path tls_key = {};          ///< PEM
  /// Origins of web pages that may call, as "https://example.org"; "*": all.
  std::vector<std::string> cors_origins = {};

  /// At least one. The first is loaded at once and is what requests get that name no model.
  std::vector<ServedModel> models = {};
  std::vector<ServedAdapter> adapters = {};
  /// POST /v1/adapters loads folders below it; empty: none.
  std::filesystem::path adapters_dir = {};
  LoadOptions load = {};      ///< of every model; max_batch and max_queue bound its requests
  int64_t ceiling_bytes = 0;  ///< of all models together, as ModelStoreOptions
  /// Keys and values of each model's requests; 0: those of load.max_batch full contexts, a quarter
  /// of the ceiling at most, and one context at least.
  int64_t cache_bytes = 0;
  /// How long a request waits for its model to be loaded before it is told to come again (503).
  std::chrono::milliseconds load_wait{60'000};

  int64_t max_connections = 1024;
  int64_t max_header_bytes = 16 << 10;
  int64_t max_body_bytes = 16 << 20;
  /// Requests that classify, score or embed at a time; as many wait as load.max_queue.
  int max_readers = 4;
  std::chrono::milliseconds header_timeout{10'000};  ///< from a request's first byte
  std::chrono::milliseconds body_timeout{60'000};    ///< from its header
  std::chrono::milliseconds idle_timeout{75'000};    ///< between requests
  /// A client that takes nothing for so long is dropped.
  std::chrono::milliseconds write_timeout{10'000};
  /// How long running requests may go on once the server is told to stop.
  std::chrono::milliseconds drain_timeout{30'000};

  bool log_prompts = false;  ///< what is asked, in the log
};

}  // namespace linnet::serve
