// linnet: language models from C++. Includes the whole public interface.
#pragma once

#include <linnet/adapter.hpp>
#include <linnet/backend.hpp>
#include <linnet/chat.hpp>
#include <linnet/classify.hpp>
#include <linnet/discover.hpp>
#include <linnet/divergence.hpp>
#include <linnet/error.hpp>
#include <linnet/grammar.hpp>
#include <linnet/model.hpp>
#include <linnet/model_store.hpp>
#include <linnet/options.hpp>
#include <linnet/score.hpp>
#include <linnet/session.hpp>
#include <linnet/tokenizer.hpp>
#include <linnet/train.hpp>
#include <linnet/version.hpp>
