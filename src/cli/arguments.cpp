#include "cli/arguments.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "base/error.hpp"
#include "base/quantization.hpp"

namespace linnet::cli {

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && rest == text.data() + text.size();
}

template bool parse_number(std::string_view, int&);
template bool parse_number(std::string_view, int64_t&);
template bool parse_number(std::string_view, uint64_t&);
template bool parse_number(std::string_view, float&);

namespace {

constexpr size_t kMaxInput = size_t{64} << 20;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

int64_t parse_count(const std::string& option, std::string_view text, int64_t least) {
  int64_t value = 0;
  if (!parse_number(text, value) || value < least)
    throw CLI::ValidationError(option,
                               fmt::format("\"{}\" is not a whole number from {} on", text, least));
  return value;
}

}  // namespace

template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Number& value,
                        const std::string& help, const std::string& type) {
  const std::string option = name.substr(name.rfind("--"));
  return command
      .add_option_function<std::string>(
          name,
          [option, &value](const std::string& text) {
            if (!parse_number(text, value))
              throw CLI::ValidationError(
                  option, fmt::format("\"{}\" is not {}", text,
                                      std::is_floating_point_v<Number> ? "a number"
                                      : std::is_signed_v<Number>       ? "a whole number"
                                                                 : "a whole number from 0 on"));
          },
          help)
      ->type_name(type)
      ->default_str(fmt::format("{}", value));
}

template CLI::Option* add_number(CLI::App&, const std::string&, int&, const std::string&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, int64_t&, const std::string&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, uint64_t&, const std::string&,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, float&, const std::string&,
                                 const std::string&);

std::vector<int32_t> parse_ids(const std::string& option, const std::string& text) {
  std::vector<int32_t> ids;
  std::string_view rest = text;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view item = trimmed(rest.substr(0, comma));
    int32_t id = 0;
    if (!parse_number(item, id))
      throw CLI::ValidationError(
          option, fmt::format("\"{}\" is no token id; expected ids as in 5,6,7", item));
    ids.push_back(id);
    if (comma == std::string_view::npos) return ids;
    rest.remove_prefix(comma + 1);
  }
}

CLI::Option* add_count(CLI::App& command, const std::string& name, int64_t& value, int64_t least,
                       const std::string& help) {
  return command
      .add_option_function<std::string>(
          name,
          [name, least, &value](const std::string& text) {
            value = parse_count(name, text, least);
          },
          help)
      ->type_name("N");
}

CLI::Option* add_counts(CLI::App& command, const std::string& name, std::vector<int64_t>& values,
                        int64_t least, const std::string& help) {
  return command
      .add_option_function<std::string>(
          name,
          [name, least, &values](const std::string& text) {
            std::string_view rest = text;
            while (true) {
              const size_t comma = rest.find(',');
              values.push_back(parse_count(name, trimmed(rest.substr(0, comma)), least));
              if (comma == std::string_view::npos) return;
              rest.remove_prefix(comma + 1);
            }
          },
          help)
      ->type_name("N,N,...");
}

std::pair<int32_t, float> parse_logit_bias(const std::string& option, const std::string& text) {
  const std::string_view whole = text;
  const size_t colon = whole.find(':');
  std::pair<int32_t, float> bias;
  if (colon == std::string_view::npos || !parse_number(whole.substr(0, colon), bias.first) ||
      !parse_number(whole.substr(colon + 1), bias.second))
    throw CLI::ValidationError(
        option, fmt::format("\"{}\" is not ID:VALUE, as in 42:-1.5 or 42:-inf", text));
  return bias;
}

QuantizeOptions parse_quantize(const std::string& option, const std::string& text) {
  const std::string_view whole = text;
  const size_t colon = whole.find(':');
  QuantizeOptions options;
  if (!parse_number(whole.substr(0, colon), options.bits) ||
      (colon != std::string_view::npos &&
       !parse_number(whole.substr(colon + 1), options.group_size)))
    throw CLI::ValidationError(
        option, fmt::format("\"{}\" is not BITS or BITS:GROUP, as in 4 or 4:32", text));
  check_quantize(option, options);
  return options;
}

void check_quantize(const std::string& option, const QuantizeOptions& options) {
  if (!is_supported({.bits = options.bits, .group_size = options.group_size}))
    throw CLI::ValidationError(
        option, fmt::format("{} bits in groups of {} do not exist; bits are 2, 3, 4, 5, 6 or 8, "
                            "groups 32, 64 or 128",
                            options.bits, options.group_size));
}

std::string read_standard_input() {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      fail(ErrorCode::device, "reading standard input: {}", std::generic_category().message(errno));
    if (count == 0) break;
    text.append(buffer.data(), static_cast<size_t>(count));
    require(text.size() <= kMaxInput, "the prompt on standard input has more than {} bytes",
            kMaxInput);
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace linnet::cli
