#include "text/post_processor.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::text {
namespace {

constexpr int kMaxSteps = 64;

}  // namespace

PostProcessor PostProcessor::parse(const std::optional<Json>& entry) {
  PostProcessor result;
  if (entry) result.add(*entry);
  return result;
}

void PostProcessor::add(const Json& entry) {
  const Json type_entry = entry.at("type");
  const std::string_view type = type_entry.as_string();
  if (type == "Sequence") {
    for (const Json& child : entry.at("processors").elements()) {
      if (++steps_ > kMaxSteps)
        fail(ErrorCode::unsupported, "{} has more than {} steps", entry.where(), kMaxSteps);
      add(child);
    }
  } else if (type == "TemplateProcessing") {
    add_template(entry);
  } else if (type != "ByteLevel") {  // which trims offsets, and leaves ids as they are
    fail(ErrorCode::unsupported, "{}: the post_processor type \"{}\" is not implemented",
         entry.where(), printable(type));
  }
}

void PostProcessor::add_template(const Json& entry) {
  const Json single = entry.at("single");
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  bool seen_text = false;
  for (const Json& piece : single.elements()) {
    if (const auto sequence = piece.find("Sequence")) {
      if (seen_text || sequence->at("id").as_string() != "A")
        fail(ErrorCode::unsupported,
             "{}: a template that is not one text with tokens round it is not implemented",
             piece.where());
      seen_text = true;
      continue;
    }
    const std::string name(piece.at("SpecialToken").at("id").as_string());
    for (const Json& id : entry.at("special_tokens").at(name).at("ids").elements()) {
      const int64_t value = id.as_integer();
      if (value < 0 || value > INT32_MAX)
        fail(ErrorCode::malformed_file, "{} is {}, no token's id", id.where(), value);
      (seen_text ? after : before).push_back(static_cast<int32_t>(value));
    }
  }
  if (!seen_text)
    fail(ErrorCode::malformed_file,
         "{} has no {{\"Sequence\": {{\"id\": \"A\"}}}}: the text would be lost", single.where());
  // A later processor's tokens go outside those of an earlier one.
  before_.insert(before_.begin(), before.begin(), before.end());
  after_.insert(after_.end(), after.begin(), after.end());
}

}  // namespace linnet::text
