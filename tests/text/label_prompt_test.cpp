#include "text/label_prompt.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"

namespace linnet::text {
namespace {

TEST(LabelPrompt, AsksAboutAText) {
  EXPECT_EQ(LabelPrompt({"a", "b c"}, "").fill("{labels} %s"),
            "Classify this text into exactly one category: a, b c.\n\nText: {labels} "
            "%s\n\nCategory:");
  EXPECT_EQ(LabelPrompt({"a", "b"}, "{text}? {text}! %s {labels}").fill("x"), "x? x! %s a, b");
  EXPECT_EQ(LabelPrompt({"a"}, "%s {labels}:").fill("{text}"), "{text} a:");
  EXPECT_EQ(LabelPrompt({"a", "b"}, "{text}").labels(), (std::vector<std::string>{"a", "b"}));
}

TEST(LabelPrompt, TheSpaceIsTheLabels) {
  const auto joined = [](std::string_view prompt) {
    const LabelBorder border = label_border(prompt);
    return std::string(border.prompt) + "|" + label_text(" a b ", border.space);
  };
  EXPECT_EQ(joined("Category:"), "Category:| a b");
  EXPECT_EQ(joined("Category:  "), "Category:| a b");
  EXPECT_EQ(joined("assistant\n"), "assistant\n|a b");
  EXPECT_EQ(joined("assistant\n "), "assistant\n| a b");
  EXPECT_EQ(joined(""), "| a b");
}

TEST(LabelPrompt, RefusesWhatCannotBe) {
  const auto refuses = [](std::string_view message, std::vector<std::string> labels,
                          std::string_view form) {
    test::expect_error(ErrorCode::invalid_argument, message,
                       [&] { static_cast<void>(LabelPrompt(std::move(labels), form)); });
  };
  refuses("no labels", {}, "");
  refuses("4097 labels are more than 4096", std::vector<std::string>(4097, "a"), "");
  refuses("\"a\" is there twice", {"a", "b", "a"}, "");
  refuses("a label is empty", {"a", " "}, "");
  refuses("no {text}", {"a"}, "Text:");
  refuses("%s 2 times", {"a"}, "%s %s");
}

}  // namespace
}  // namespace linnet::text
