// How a training run goes, for a terminal: a plot of the loss and a line of figures. Pure functions
// from values to text.
#pragma once

#include <linnet/train.hpp>

#include <string>

namespace linnet::cli {

struct PlotOptions {
  int columns = 80;         ///< of the terminal; no line is longer
  int rows = 10;            ///< lines of the plot, its axis not among them
  int64_t total_steps = 0;  ///< the plot's right end; 0, or less than there are: the last step
  bool unicode = true;      ///< braille, eight dots a character; else ASCII
};

/// The training loss as a curve, means where a column covers several steps, and "o" where the
/// validation loss was measured; losses that are not finite are left out. Lines end with newlines.
/// Empty if there is nothing to show, or less room than 24 columns and 2 rows.
std::string loss_plot(const TrainHistory& history, const PlotOptions& options);

/// "step 45/500  loss 1.234  validation 1.3  lr 9.8e-05  norm 0.53  1,234 tokens/s  3.20 GiB": of
/// the last step; without what was not measured, cut at whole figures to `columns` (0: not at all).
/// Empty without steps.
std::string step_text(const TrainHistory& history, int64_t total_steps, int columns = 0);

}  // namespace linnet::cli
