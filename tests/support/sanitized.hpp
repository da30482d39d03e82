// Whether this build runs under a sanitizer: some forty times slower on the kernels, and freed
// memory stays resident on purpose.
#pragma once

namespace linnet::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

/// A number of repetitions: the whole of it, or the smaller one under a sanitizer.
constexpr int rounds(int whole, int sanitized) { return kSanitized ? sanitized : whole; }

}  // namespace linnet::test
