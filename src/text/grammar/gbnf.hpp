// llama.cpp's GBNF as syntax.
#pragma once

#include <string_view>

#include "text/grammar/syntax.hpp"

namespace linnet::text::grammar {

/// Errors: as Grammar::gbnf.
Syntax parse_gbnf(std::string_view source);

}  // namespace linnet::text::grammar
