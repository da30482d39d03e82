// JSON schemas as syntax.
#pragma once

#include <string_view>

#include "text/grammar/grammar.hpp"
#include "text/grammar/syntax.hpp"

namespace linnet::text::grammar {

/// Errors: as Grammar::json_schema.
Syntax parse_json_schema(std::string_view schema, JsonWhitespace whitespace);

}  // namespace linnet::text::grammar
