#include "base/json.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/huge_pages.hpp"

namespace linnet {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kLarge = size_t{4} << 20;

// Whether the parser's reads of a few bytes past the end of a large text are harmless, so that it
// need not be copied first: they stay in its last page, whatever may lie there.
bool may_read_past(std::string_view text) {
  constexpr uintptr_t kPage = 4096;
  const uintptr_t in_page = reinterpret_cast<uintptr_t>(text.data() + text.size()) % kPage;
  return text.size() >= kLarge && in_page != 0 && in_page + simdjson::SIMDJSON_PADDING <= kPage;
}

// simdjson takes no integer past 64 bits, but Hugging Face writes some ("model_max_length":
// 1000000000000000019884624838656). The same text with an exponent, so that they are read as
// doubles.
std::string with_long_integers_as_doubles(std::string_view text) {
  constexpr size_t kDigits = 19;  // every integer of 19 digits fits uint64
  std::string result;
  result.reserve(text.size() + 64);
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (text[i] == '"') {
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      result += text.substr(i, end - i);
    } else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9')) {
      end = std::min(text.find_first_not_of("0123456789+-.eE", i), text.size());
      const std::string_view number = text.substr(i, end - i);
      result += number;
      if (number.size() > kDigits && number.find_first_of(".eE") == std::string_view::npos)
        result += "e0";
    } else {
      result += text[i];
    }
    i = end;
  }
  return result;
}

}  // namespace

std::string_view json_type_name(const simdjson::dom::element& element) noexcept {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::ARRAY: return "an array";
    case Type::OBJECT: return "an object";
    case Type::INT64:
    case Type::UINT64:
    case Type::DOUBLE: return "a number";
    case Type::STRING: return "a string";
    case Type::BOOL: return "a boolean";
    case Type::NULL_VALUE: return "null";
  }
  return "?";
}

Json Json::parse(std::string_view text, std::string origin) {
  return parse(text, std::move(origin), false);
}

Json Json::parse_exactly(std::string_view text, std::string origin) {
  return parse(text, std::move(origin), true);
}

Json Json::parse(std::string_view text, std::string origin, bool exactly) {
  auto document = std::make_shared<Document>();
  document->origin = std::move(origin);
  if (text.empty())
    fail(ErrorCode::malformed_file, "{} is not valid JSON: it is empty", document->origin);
  // A size the parser cannot index would be reported as a capacity error; the depth bounds
  // recursion.
  auto error = document->parser.allocate(std::max<size_t>(text.size(), 1), kMaxDepth);
  simdjson::dom::element element;
  if (error == simdjson::SUCCESS && text.size() >= kLarge) {
    simdjson::dom::document& target = document->parser.doc;
    error = target.allocate(text.size());
    if (error == simdjson::SUCCESS) {
      advise_huge_pages(target.tape.get(), text.size() * sizeof(uint64_t));
      advise_huge_pages(target.string_buf.get(), text.size());
    }
  }
  if (error == simdjson::SUCCESS)
    error = document->parser.parse(text.data(), text.size(), !may_read_past(text)).get(element);
  if (error == simdjson::NUMBER_ERROR && !exactly)
    error = document->parser.parse(with_long_integers_as_doubles(text)).get(element);
  if (error == simdjson::NUMBER_ERROR && exactly)
    fail(ErrorCode::malformed_file,
         "{} is not valid JSON: a number is none, or an integer past 64 bits", document->origin);
  if (error != simdjson::SUCCESS)
    fail(ErrorCode::malformed_file, "{} is not valid JSON: {}", document->origin,
         simdjson::error_message(error));
  return {std::move(document), element, ""};
}

Json Json::parse_file(const std::filesystem::path& path) {
  return parse(map_file(path).text(), path.filename().string());
}

std::string Json::where() const {
  return path_.empty() ? document_->origin : document_->origin + ": " + path_;
}

void Json::wrong_type(std::string_view expected) const {
  fail(ErrorCode::malformed_file, "{} is {}, expected {}", where(), json_type_name(element_),
       expected);
}

Json Json::child(simdjson::dom::element element, std::string_view key) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  path += key;
  return {document_, element, std::move(path)};
}

bool Json::as_bool() const {
  bool value = false;
  if (element_.get(value) != simdjson::SUCCESS) wrong_type("a boolean");
  return value;
}

int64_t Json::as_integer() const {
  int64_t value = 0;
  if (element_.get(value) == simdjson::SUCCESS) return value;
  double number = 0;
  if (element_.get(number) != simdjson::SUCCESS || number != std::trunc(number) ||
      std::abs(number) > 0x1p53)
    wrong_type("an integer");
  return static_cast<int64_t>(number);
}

double Json::as_number() const {
  double value = 0;
  if (element_.get(value) != simdjson::SUCCESS) wrong_type("a number");
  return value;
}

std::string_view Json::as_string() const {
  std::string_view value;
  if (element_.get(value) != simdjson::SUCCESS) wrong_type("a string");
  return value;
}

std::optional<Json> Json::find(std::string_view key) const {
  simdjson::dom::object object;
  if (element_.get(object) != simdjson::SUCCESS) wrong_type("an object");
  simdjson::dom::element value;
  if (object.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return child(value, key);
}

Json Json::at(std::string_view key) const {
  auto value = find(key);
  if (!value) fail(ErrorCode::malformed_file, "{} has no entry \"{}\"", where(), key);
  return *std::move(value);
}

std::vector<std::pair<std::string, Json>> Json::members() const {
  simdjson::dom::object object;
  if (element_.get(object) != simdjson::SUCCESS) wrong_type("an object");
  std::vector<std::pair<std::string, Json>> result;
  result.reserve(object.size());
  for (auto [key, value] : object) result.emplace_back(std::string(key), child(value, key));
  return result;
}

std::vector<Json> Json::elements() const {
  simdjson::dom::array array;
  if (element_.get(array) != simdjson::SUCCESS) wrong_type("an array");
  std::vector<Json> result;
  result.reserve(array.size());
  for (auto value : array) result.push_back(child(value, std::to_string(result.size())));
  return result;
}

bool Json::get(std::string_view key, bool fallback) const {
  const auto value = find(key);
  return value ? value->as_bool() : fallback;
}

int64_t Json::get(std::string_view key, int64_t fallback) const {
  const auto value = find(key);
  return value ? value->as_integer() : fallback;
}

double Json::get(std::string_view key, double fallback) const {
  const auto value = find(key);
  return value ? value->as_number() : fallback;
}

std::string Json::get(std::string_view key, const char* fallback) const {
  const auto value = find(key);
  return value ? std::string(value->as_string()) : fallback;
}

}  // namespace linnet
