// Errors: one exception type, with a code for the program and a message for people.
#include <linnet/linnet.hpp>

#include <iostream>

int main() {
  try {
    linnet::load_model("/no/such/folder");
  } catch (const linnet::Error& error) {
    std::cout << to_string(error.code()) << ": " << error.what() << '\n';
  }
  try {
    const linnet::TextModel model = linnet::load_builtin_model({.memory_budget = 1000});
  } catch (const linnet::Error& error) {
    if (error.code() == linnet::ErrorCode::out_of_memory) std::cout << error.what() << '\n';
  }
}
