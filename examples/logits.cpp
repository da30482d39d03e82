// Scores a text: the logarithm of the probability of each token after those before it.
#include <linnet/linnet.hpp>

#include <cmath>
#include <iostream>
#include <span>

int main() {
  const linnet::TextModel model = linnet::load_builtin_model();
  const std::vector<int32_t> ids = model.encode("Once upon a time there was a cat.");
  const std::vector<float> logits = model.logits(ids);  // [ids.size(), vocab_size]
  const auto width = static_cast<size_t>(model.info().vocab_size);
  double total = 0;
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    const auto row = std::span(logits).subspan(i * width, width);
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit));
    const double logprob = row[static_cast<size_t>(ids[i + 1])] - std::log(sum);
    std::cout << model.decode(std::span(ids).subspan(i + 1, 1)) << '\t' << logprob << '\n';
    total += logprob;
  }
  std::cout << "perplexity " << std::exp(-total / static_cast<double>(ids.size() - 1)) << '\n';
}
