// Built outside linnet's own project: only installed headers and libraries are to be had.
#include <linnet/linnet.hpp>

#include <iostream>

int main() {
  const linnet::TextModel model = linnet::load_builtin_model();
  std::cout << linnet::version() << ": "
            << model.generate("Once upon a time", {.max_tokens = 16}).text() << '\n';
}
