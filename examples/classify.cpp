// Sorts texts into labels: nothing is generated, and all texts are read together.
//
//   classify [FOLDER]     FOLDER holds a Hugging Face checkpoint; without it, the built-in model
#include <linnet/linnet.hpp>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const linnet::TextModel model =
      argc > 1 ? linnet::load_model(argv[1]) : linnet::load_builtin_model();
  const std::vector<std::string> texts{
      "The capacitor stores an electric charge.", "The moon whispered to the sleeping sea.",
      "Is it wrong to lie to protect a friend?", "hey, want to grab lunch later?"};
  const std::vector<std::string> labels{"technical", "creative", "ethical", "casual"};
  const auto results = model.classify(texts, {.labels = labels});
  for (size_t i = 0; i < texts.size(); ++i) {
    std::cout << results[i].label << ": " << texts[i] << '\n';
    for (size_t l = 0; l < labels.size(); ++l)
      std::cout << "  " << labels[l] << ' ' << results[i].probabilities[l] << '\n';
  }
}
