// The report of a training run as one HTML file.
#pragma once

#include <string>

#include "train/history.hpp"

namespace linnet::cli {

/// A page that needs nothing else: no scripts, no fonts, nothing from the network (and a policy
/// that says so), light or dark as the reader's system is. Title, facts, figures, charts of loss,
/// learning rate, gradient norm, tokens/s and memory (those that were measured), and the numbers as
/// a table of at most 200 rows. Every text is escaped.
std::string report_html(const train::TrainingHistory& history);

}  // namespace linnet::cli
