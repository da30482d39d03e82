// Checks that an expression fails the way it should: with a linnet::Error of one code whose message
// names what it must name.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace linnet::test {

/// Calls `body` and expects a linnet::Error of `code` whose message contains `part`.
template <class Body>
void expect_error(ErrorCode code, std::string_view part, const Body& body) {
  try {
    body();
    ADD_FAILURE() << "no error, expected " << to_string(code) << " with \"" << part << "\"";
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
        << "\"" << part << "\" is not in: " << error.what();
  }
}

}  // namespace linnet::test
