#include "cli/serve_options.hpp"

#include <linnet/discover.hpp>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/arguments.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr const char* kBuiltinName = "builtin";
constexpr int64_t kMaxKeyFile = 64 << 10;

/// "--max-body" as "LINNET_MAX_BODY".
std::string environment_name(std::string flag) {
  flag.erase(0, flag.find_first_not_of('-'));
  std::ranges::transform(flag, flag.begin(), [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return "LINNET_" + flag;
}

void add_size(CLI::App& command, const std::string& flag, int64_t& bytes, const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&bytes, flag](const std::string& text) {
            const auto parsed = parse_bytes(text);
            if (!parsed)
              throw CLI::ValidationError(
                  flag, fmt::format("\"{}\" is no size; expected one as in 4GiB, 512MiB or 8GB",
                                    printable(text)));
            bytes = *parsed;
          },
          help)
      ->default_str(format_bytes(bytes))
      ->type_name("SIZE");
}

void add_seconds(CLI::App& command, const std::string& flag, milliseconds& time,
                 const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&time, flag](const std::string& text) {
            float seconds = 0;
            if (!parse_number(text, seconds) || !(seconds >= 0 && seconds <= 1e6F))
              throw CLI::ValidationError(
                  flag, fmt::format("\"{}\" is no number of seconds", printable(text)));
            time = milliseconds(static_cast<int64_t>(std::lround(seconds * 1000)));
          },
          help)
      ->default_str(fmt::format("{}", static_cast<double>(time.count()) / 1000))
      ->type_name("SECONDS");
}

void add_model_flags(CLI::App& command, ServeCommand& options) {
  command
      .add_option(
          "-m,--model", options.models,
          "folder of a Hugging Face checkpoint, or its name in the Hugging Face cache; "
          "NAME=DIR gives it a name; may be repeated, and the first is the default; without "
          "any, the built-in model")
      ->type_name("DIR");
  command
      .add_option("--models-dir", options.models_dirs,
                  "serve all models below a folder, each loaded when it is first asked for")
      ->type_name("DIR");
  command
      .add_option("--adapter", options.adapters,
                  "folder of a low-rank adapter beside the first model, or beside MODEL; requests "
                  "name the two MODEL:NAME; may be repeated")
      ->type_name("[MODEL:]NAME=DIR");
  command
      .add_option(
          "--adapters-dir", options.server.adapters_dir,
          "folder below which POST /v1/adapters finds adapters; without it, that is refused")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  add_plan_flags(command, options.load);
  add_draft_flag(command, options.load);
  LoadOptions& load = options.load.load;
  add_number(command, "--threads", load.threads,
             "threads that compute, of each model; 0: one per physical core", "N");
  add_size(command, "--memory", options.server.ceiling_bytes,
           "most that all loaded models may take together; 0: the machine's memory");
  add_size(
      command, "--cache", options.server.cache_bytes,
      "keys and values of each model's requests; 0: of --max-batch full contexts, but a quarter of "
      "the memory at most");
  add_size(command, "--prefix-cache", load.prefix_cache_bytes,
           "keys and values kept of earlier prompts, at most");
  add_number(command, "--max-batch", load.max_batch, "requests of a model that run together", "N");
  add_number(command, "--max-queue", load.max_queue,
             "requests of a model that may wait; one more is told to come again (429)", "N");
  add_seconds(command, "--load-wait", options.server.load_wait,
              "how long a request waits for its model to be loaded (then 503)");
}

void add_network_flags(CLI::App& command, serve::ServeOptions& server) {
  command.add_option("--host", server.host, "address to listen on")
      ->capture_default_str()
      ->type_name("ADDRESS");
  command
      .add_option_function<std::string>(
          "--port",
          [&server](const std::string& text) {
            int port = 0;
            if (!parse_number(text, port) || port < 0 || port > 65535)
              throw CLI::ValidationError(
                  "--port", fmt::format("\"{}\" is no port, 0 to 65535", printable(text)));
            server.port = static_cast<uint16_t>(port);
          },
          "port to listen on; 0: any that is free")
      ->default_str("8090")
      ->type_name("N");
  command.add_option("--tls-certificate", server.tls_certificate, "PEM file: serve HTTPS")
      ->type_name("FILE");
  command.add_option("--tls-key", server.tls_key, "PEM file of the certificate's key")
      ->type_name("FILE");
  command
      .add_option("--cors-origin", server.cors_origins,
                  "web pages of this origin may call (https://example.org, or *); may be repeated")
      ->type_name("ORIGIN");
  add_number(command, "--max-connections", server.max_connections, "open connections", "N");
  add_size(command, "--max-header", server.max_header_bytes, "largest header of a request");
  add_size(command, "--max-body", server.max_body_bytes, "largest body of a request");
  add_number(command, "--max-readers", server.max_readers,
             "requests that classify, score or embed at a time", "N");
  add_seconds(command, "--header-timeout", server.header_timeout, "for a request's header");
  add_seconds(command, "--body-timeout", server.body_timeout, "for a request's body");
  add_seconds(command, "--idle-timeout", server.idle_timeout, "between two requests");
  add_seconds(command, "--write-timeout", server.write_timeout,
              "a client that takes nothing for so long is dropped");
  add_seconds(command, "--drain-timeout", server.drain_timeout,
              "how long running requests may go on after SIGTERM or Ctrl-C");
}

void add_access_flags(CLI::App& command, ServeCommand& options) {
  command
      .add_option("--api-key", options.server.api_keys,
                  "requests must carry it as Authorization: Bearer KEY (others see flags of a "
                  "process: prefer a file or the environment); may be repeated")
      ->type_name("KEY");
  command
      .add_option("--api-key-file", options.api_key_file,
                  "file with a key a line; lines that begin with # are left out")
      ->type_name("FILE");
  command.add_flag("--insecure", options.server.insecure,
                   "listen beyond this machine without a key");
  command.add_option("--log-format", options.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str()
      ->type_name("FORMAT");
  command.add_option("--log-level", options.log_level, "debug, info, warning, error or off")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str()
      ->type_name("LEVEL");
  command.add_flag("--log-prompts", options.server.log_prompts, "log what is asked, too");
}

std::vector<std::string> read_keys(const fs::path& file) {
  std::vector<std::string> keys;
  std::istringstream lines(read_file(file, kMaxKeyFile));
  for (std::string line; std::getline(lines, line);) {
    const size_t end = line.find_last_not_of(" \t\r");
    line.resize(end == std::string::npos ? 0 : end + 1);
    if (!line.empty() && line.front() != '#') keys.push_back(std::move(line));
  }
  require(!keys.empty(), "{} has no key", printable(file.string()));
  return keys;
}

/// NAME=DIR, or DIR alone, which is called as it was written, a path by its last part.
serve::ServedModel named_model(const std::string& text) {
  const size_t equals = text.find('=');
  const bool has_name = equals != std::string::npos && equals > 0 && !fs::exists(text);
  const std::string folder = has_name ? text.substr(equals + 1) : text;
  const auto found = find_folder(folder);
  if (!found) return {.name = has_name ? text.substr(0, equals) : kBuiltinName};
  serve::ServedModel model{.folder = fs::canonical(*found)};
  if (has_name)
    model.name = text.substr(0, equals);
  else if (fs::exists(folder))
    model.name = model.folder.filename().string();
  else
    model.name = folder;
  return model;
}

/// [MODEL:]NAME=DIR; a model's name may have colons too.
serve::ServedAdapter named_adapter(const std::string& text) {
  const size_t equals = text.find('=');
  require(equals != std::string::npos && equals > 0 && equals + 1 < text.size(),
          "--adapter \"{}\" is not [MODEL:]NAME=DIR", printable(text));
  const std::string id = text.substr(0, equals);
  const size_t colon = id.rfind(':');
  serve::ServedAdapter adapter{.name = id.substr(colon == std::string::npos ? 0 : colon + 1),
                               .folder = text.substr(equals + 1)};
  if (colon != std::string::npos) adapter.model = id.substr(0, colon);
  return adapter;
}

std::string names_of(const std::vector<serve::ServedModel>& models) {
  std::string names;
  for (const serve::ServedModel& model : models)
    names += (names.empty() ? "" : ", ") + printable(model.name);
  return names;
}

}  // namespace

void add_serve_flags(CLI::App& command, ServeCommand& options) {
  add_model_flags(command, options);
  add_network_flags(command, options.server);
  add_access_flags(command, options);
  for (CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (name.starts_with("--") && name != "--help")
      option->envname(environment_name(name));
    else if (name == "-m,--model" || name == "--model")
      option->envname("LINNET_MODEL");
  }
  command.add_option("--config", options.config_file, "TOML file with these options")
      ->envname("LINNET_CONFIG")
      ->type_name("FILE");
}

serve::ServeOptions serve_options(const ServeCommand& command) {
  serve::ServeOptions options = command.server;
  options.load = found(command.load).load;
  for (const std::string& text : command.models) options.models.push_back(named_model(text));
  for (const std::string& dir : command.models_dirs) {
    for (const FoundModel& model : discover(dir)) {
      if (!model.supported || !model.preferred) continue;
      const bool is_there = std::ranges::any_of(options.models, [&](const auto& other) {
        return other.name == model.name || other.folder == fs::canonical(model.path);
      });
      if (!is_there)
        options.models.push_back({.name = model.name, .folder = fs::canonical(model.path)});
    }
  }
  if (options.models.empty() && command.models_dirs.empty())
    options.models.push_back({.name = kBuiltinName});
  require(!options.models.empty(), "there is no model that linnet can load below {}",
          printable(fmt::format("{}", fmt::join(command.models_dirs, ", "))));
  for (const std::string& text : command.adapters) options.adapters.push_back(named_adapter(text));
  if (!command.api_key_file.empty())
    for (std::string& key : read_keys(command.api_key_file))
      options.api_keys.push_back(std::move(key));
  return options;
}

std::string describe(const serve::ServeOptions& options) {
  const auto seconds = [](milliseconds time) { return static_cast<double>(time.count()) / 1000; };
  return fmt::format(
      "host={} port={} tls={} api_keys={} insecure={} cors_origins=[{}] models=[{}] adapters={} "
      "adapters_dir={} memory={} "
      "cache={} prefix_cache={} context={} threads={} max_batch={} max_queue={} max_readers={} "
      "max_connections={} max_header={} max_body={} load_wait={}s header_timeout={}s "
      "body_timeout={}s idle_timeout={}s write_timeout={}s drain_timeout={}s log_prompts={}",
      options.host, options.port, options.tls_certificate.empty() ? "no" : "yes",
      options.api_keys.size(), options.insecure, fmt::join(options.cors_origins, ", "),
      names_of(options.models), options.adapters.size(),
      options.adapters_dir.empty() ? "none" : printable(options.adapters_dir.string()),
      format_bytes(options.ceiling_bytes), format_bytes(options.cache_bytes),
      format_bytes(options.load.prefix_cache_bytes), options.load.context_length,
      options.load.threads, options.load.max_batch, options.load.max_queue, options.max_readers,
      options.max_connections, format_bytes(options.max_header_bytes),
      format_bytes(options.max_body_bytes), seconds(options.load_wait),
      seconds(options.header_timeout), seconds(options.body_timeout), seconds(options.idle_timeout),
      seconds(options.write_timeout), seconds(options.drain_timeout), options.log_prompts);
}

}  // namespace linnet::cli
