#!/usr/bin/env bash
# What takes too long for every change: the random tests of text with a hundred times as many strings (a million
# round trips), every test with the address sanitizer, the scheduler and what is served by it under ThreadSanitizer, and each fuzz target for ten minutes.
#
#   scripts/long-tests.sh [FUZZ-SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh release linnet_text_tests
LINNET_TEST_SCALE=100 build/release/tests/linnet_text_tests --gtest_brief=1 \
  --gtest_filter='Golden.RandomIdsAndTexts:Tokenizer.ByteLevel*:Tokenizer.BytesThat*:TokenStream.Equals*'
scripts/build.sh asan
scripts/ctest.sh asan
scripts/build.sh tsan linnet_engine_tests linnet_api_tests
for floor in engine api; do
  build/tsan/tests/linnet_${floor}_tests --gtest_brief=1
done
scripts/fuzz.sh "${1:-600}"
