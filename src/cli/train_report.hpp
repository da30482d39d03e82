// The report of a training run as one HTML file.
#pragma once

#include <linnet/train.hpp>

#include <string>
#include <utility>
#include <vector>

namespace linnet::cli {

/// What stands above the figures.
struct ReportHead {
  std::string title = {};                                       ///< empty: "Training run"
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< "Model", "gemma-3-1b"
};

/// A page that needs nothing else: no scripts, no fonts, nothing from the network (and a policy
/// that says so), light or dark as the reader's system is. Title, facts, figures, charts of loss,
/// learning rate, gradient norm, tokens/s and memory (those that were measured), and the numbers as
/// a table of at most 200 rows. Every text is escaped.
std::string report_html(const ReportHead& head, const TrainHistory& history);

}  // namespace linnet::cli
