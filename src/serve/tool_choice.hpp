// Which tools a model may call, or must.
#pragma once

#include "serve/model_pool.hpp"
#include "serve/text_request.hpp"

namespace linnet::serve {

/// Reads a list of {"type": "function", "function": {"name", ...}}. Errors: invalid_argument.
void read_tools(TextRequest& request, const Json& json);

/// Reads "none", "auto", "required" or {"type": "function", "function": {"name"}}. Errors:
/// invalid_argument.
void read_tool_choice(TextRequest& request, const Json& json);

/// Makes the choice hold: without tools they are not shown to the template; where a call is
/// required, the answer's form is that of one call in the model's own format, with arguments that
/// fit the function's schema. Errors: ApiError 400 for a choice without tools, a function that is
/// not there, or a response_format beside tools; 422 for a schema outside the supported set or a
/// model without a format for calls.
void apply_tool_choice(TextRequest& request, const ModelCard& card);

}  // namespace linnet::serve
