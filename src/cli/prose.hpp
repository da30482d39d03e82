// English-like text for timing tokenizers, made by the program itself.
#pragma once

#include <cstddef>
#include <string>

namespace linnet::cli {

/// At least `bytes` bytes of sentences and paragraphs, the same ones always. Words follow Zipf's
/// law: the commonest are English, the rest of 30,000 are put together from those and from prefixes
/// and endings, so that a cache of words meets new ones as often as it does in a book.
std::string make_prose(size_t bytes);

}  // namespace linnet::cli
