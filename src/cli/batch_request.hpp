// A request of `linnet batch`, from the JSON object of a line.
#pragma once

#include <linnet/model.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace linnet::cli {

/// {"id"} as it is answered: a string or a number; null without one. Errors: invalid_argument for
/// anything else.
nlohmann::ordered_json request_id(const Json& object);

/// {"prompt" | "ids" | "messages"} and, optional, the members of GenerateOptions and ChatOptions by
/// the same names; a grammar is one of "json_schema", "json_object", "regex" and "grammar". Those
/// of `defaults` hold where there is none. Errors: invalid_argument, malformed_file or unsupported,
/// naming the member; so for one that does not exist.
BatchRequest parse_request(const Json& object, const GenerateOptions& defaults);

}  // namespace linnet::cli
