// Unicode normal forms, in time linear in the text (runs of combining marks are sorted, not
// bubbled).
#pragma once

#include <string>
#include <string_view>

namespace linnet::text {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// `text` (valid UTF-8) in the given form.
std::string to_normal_form(std::string_view text, NormalForm form);

}  // namespace linnet::text
