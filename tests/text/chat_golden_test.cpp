// Every golden conversation of the real checkpoints beside the repository (shared/tokenizers):
// rendered text and ids. They are third-party data and not part of it: without them this test says
// so.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace linnet::text {
namespace {

std::vector<std::filesystem::path> families() {
  const std::filesystem::path folder = std::filesystem::path(LINNET_SHARED_DATA) / "tokenizers";
  std::vector<std::filesystem::path> result;
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "absent, so nothing was compared: " << folder << '\n';
    return result;
  }
  for (const auto& family : std::filesystem::directory_iterator(folder))
    if (std::filesystem::exists(family.path() / "golden_chat.jsonl"))
      result.push_back(family.path());
  std::sort(result.begin(), result.end());
  return result;
}

// A row's conversation; what it passes besides stands in "extra".
ChatRequest request_of(const Json& row) {
  ChatRequest request;
  request.messages = jinja::Value::from_json(row.at("messages").element());
  request.add_generation_prompt = row.get("add_generation_prompt", false);
  for (const auto& [key, value] : row.at("extra").members()) {
    if (key == "tools")
      request.tools = jinja::Value::from_json(value.element());
    else
      request.variables.set(jinja::Value::text(key), jinja::Value::from_json(value.element()));
  }
  return request;
}

template <class Visit>  // visit(row, text of the row)
int for_each_row(const std::filesystem::path& file, const Visit& visit) {
  std::ifstream lines(file);
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    ++rows;
    visit(Json::parse(line, file.filename().string() + ":" + std::to_string(rows)), line);
  }
  return rows;
}

TEST(ChatGolden, EveryConversationOfEveryFamily) {
  for (const auto& family : families()) {
    // Llama 3.1 has the tokenizer of 3.2, which stands in another folder.
    const bool own = std::filesystem::exists(family / "tokenizer.json");
    const Tokenizer tokenizer = Tokenizer::load(own ? family : family.parent_path() / "llama3");
    const ChatTemplate chat = ChatTemplate::load(family);
    int texts = 0;
    int ids = 0;
    const int rows =
        for_each_row(family / "golden_chat.jsonl", [&](const Json& row, const std::string& line) {
          std::string text;
          try {
            text = chat.render(request_of(row));
          } catch (const Error& error) {
            ADD_FAILURE() << family.filename() << ": " << error.what() << "\n" << line;
            return;
          }
          EXPECT_EQ(text, row.at("rendered").as_string()) << family.filename() << ": " << line;
          texts += text == row.at("rendered").as_string();
          std::vector<int32_t> expected;
          for (const Json& id : row.at("ids").elements())
            expected.push_back(static_cast<int32_t>(id.as_integer()));
          EXPECT_EQ(tokenizer.encode(text, false), expected) << family.filename() << ": " << line;
          ids += tokenizer.encode(text, false) == expected;
        });
    int refused = 0;
    const auto errors = family / "golden_chat_errors.jsonl";
    const int error_rows = for_each_row(errors, [&](const Json& row, const std::string& line) {
      try {
        ADD_FAILURE() << "no error, but: " << chat.render(request_of(row)) << "\n" << line;
      } catch (const Error& error) {
        const std::string message = error.what();
        const bool named = message.find(row.at("error").as_string()) != std::string::npos &&
                           message.find("template line ") != std::string::npos;
        EXPECT_TRUE(named) << message << "\n" << line;
        refused += named;
      }
    });
    std::cout << family.filename().string() << ": of " << rows << " conversations, rendered alike "
              << texts << ", encoded alike " << ids << "; of " << error_rows
              << " to refuse, refused alike " << refused << '\n';
    EXPECT_GT(rows, 0) << family;
  }
}

}  // namespace
}  // namespace linnet::text
