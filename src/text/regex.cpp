#include "text/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <new>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::text {
namespace {

// Sizes and steps a pattern may use. The longest known pre-tokeniser pattern has 400 bytes; a match
// of it takes a handful of backtracks.
constexpr size_t kMaxPatternBytes = 1 << 16;
constexpr uint32_t kMaxNesting = 100;
// A match is tried with few steps and, where they run out, with sixteen times as many, which are
// charged to what the whole text may take: a hostile regex that is slow at every character is
// stopped, a run of spaces that is long once is not.
constexpr uint32_t kFirstSteps = 1 << 12;
constexpr uint32_t kMaxSteps = 1 << 28;
constexpr uint64_t kStepsPerByte = 256;
constexpr uint64_t kFreeSteps = 1 << 22;
constexpr uint32_t kHeapLimitKib = 64 * 1024;
constexpr size_t kJitStackBytes = 1 << 20;

struct Free {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  void operator()(pcre2_compile_context* p) const { pcre2_compile_context_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};

template <class T>
std::unique_ptr<T, Free> owned(T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return std::unique_ptr<T, Free>(pointer);
}

std::string message_of(int error) {
  PCRE2_UCHAR buffer[256] = {};
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct MatchScratch::Impl {
  std::unique_ptr<pcre2_match_context, Free> context = owned(pcre2_match_context_create(nullptr));
  std::unique_ptr<pcre2_match_data, Free> data = owned(pcre2_match_data_create(1, nullptr));
  std::unique_ptr<pcre2_jit_stack, Free> stack;  // made when the 32 KiB on the thread's own run out
  uint64_t steps_left = kFreeSteps;

  Impl() {
    pcre2_set_match_limit(context.get(), kFirstSteps);
    pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  }
};

MatchScratch::MatchScratch() : impl_(std::make_unique<Impl>()) {}
MatchScratch::~MatchScratch() = default;

void MatchScratch::begin(size_t text_bytes) {
  impl_->steps_left = kFreeSteps + kStepsPerByte * text_bytes;
}

struct Regex::Code {
  std::string pattern;
  std::string where;
  std::unique_ptr<pcre2_code, Free> code;
  bool jit = false;
};

Regex::Regex(std::string_view pattern, std::string where) {
  auto result = std::make_shared<Code>();
  result->pattern = pattern;
  result->where = std::move(where);
  const auto context = owned(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), kMaxNesting);
  pcre2_set_max_pattern_length(context.get(), kMaxPatternBytes);
  const std::string translated = translate_regex(pattern, result->where);
  // ^ and $ match at every line in Oniguruma.
  constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE;
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()),
                                   translated.size(), kOptions, &error, &offset, context.get());
  if (code == nullptr)
    fail(ErrorCode::malformed_file, "{}: the regex {} does not compile: {}", result->where,
         printable(pattern), message_of(error));
  result->code.reset(code);
  // Where there is no just-in-time compiler (or no executable memory) the interpreter does it.
  result->jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
  code_ = std::move(result);
}

std::optional<Match> Regex::find(std::string_view text, size_t from, MatchScratch& scratch) const {
  MatchScratch::Impl& impl = *scratch.impl_;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const auto run = [&] {
    return code_->jit ? pcre2_jit_match(code_->code.get(), subject, text.size(), from, 0,
                                        impl.data.get(), impl.context.get())
                      : pcre2_match(code_->code.get(), subject, text.size(), from,
                                    PCRE2_NO_UTF_CHECK, impl.data.get(), impl.context.get());
  };
  int result = run();
  if (result < PCRE2_ERROR_PARTIAL) {  // rare: neither a match nor none
    uint32_t steps = kFirstSteps;
    while (true) {
      if (result == PCRE2_ERROR_JIT_STACKLIMIT && impl.stack == nullptr) {
        impl.stack = owned(pcre2_jit_stack_create(kJitStackBytes / 32, kJitStackBytes, nullptr));
        pcre2_jit_stack_assign(impl.context.get(), nullptr, impl.stack.get());
      } else if (result == PCRE2_ERROR_MATCHLIMIT && steps < kMaxSteps &&
                 16 * uint64_t{steps} <= impl.steps_left) {
        steps *= 16;
        impl.steps_left -= steps;
        pcre2_set_match_limit(impl.context.get(), steps);
      } else {
        break;
      }
      result = run();
    }
    pcre2_set_match_limit(impl.context.get(), kFirstSteps);
  }
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result < 0)
    fail(ErrorCode::unsupported, "{}: the regex {} failed on a text of {} bytes: {}", code_->where,
         printable(code_->pattern), text.size(), message_of(result));
  const PCRE2_SIZE* span = pcre2_get_ovector_pointer(impl.data.get());
  return Match{span[0], span[1]};
}

}  // namespace linnet::text
