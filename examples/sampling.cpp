// The same prompt with three seeds: other stories, and the same three whenever this is run.
#include <linnet/linnet.hpp>

#include <iostream>

int main() {
  const linnet::TextModel model = linnet::load_builtin_model();
  for (const uint64_t seed : {1, 2, 3}) {
    const linnet::GenerateOptions options{
        .max_tokens = 24, .temperature = 0.8F, .top_k = 40, .top_p = 0.95F, .seed = seed};
    std::cout << "seed " << seed << ":" << model.generate("The little bird", options).text()
              << '\n';
  }
}
