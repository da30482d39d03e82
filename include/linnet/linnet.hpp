// linnet: language models from C++. Includes the whole public interface.
#pragma once

#include <linnet/chat.hpp>
#include <linnet/divergence.hpp>
#include <linnet/error.hpp>
#include <linnet/model.hpp>
#include <linnet/options.hpp>
#include <linnet/tokenizer.hpp>
#include <linnet/version.hpp>
