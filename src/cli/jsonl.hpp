// One JSON object per line on standard input, one on standard output, in order.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>

namespace linnet::cli {

/// Answers every line of standard input with a line on standard output, {"error": MESSAGE} where
/// `answer` throws linnet::Error, the line is no JSON object, or it has more than 64 MiB. Answers
/// are written before more input is waited for, so two programs may talk. Errors: device if
/// standard input cannot be read; as write_out.
void serve_jsonl(const std::function<nlohmann::ordered_json(const nlohmann::json&)>& answer);

/// The same for lines whose text `answer` reads itself: where the order of members counts.
void serve_lines(const std::function<nlohmann::ordered_json(std::string_view)>& answer);

/// A member of a request. Errors: invalid_argument if it is absent (without a fallback) or of
/// another type.
const std::string& jsonl_string(const nlohmann::json& request, const char* key);
bool jsonl_bool(const nlohmann::json& request, const char* key, bool fallback);

}  // namespace linnet::cli
