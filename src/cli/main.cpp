// linnet: the command line of the library. Each sub-command has a file of its own.
#include <linnet/linnet.hpp>

#include <csignal>
#include <new>
#include <sstream>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

ExitCode wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
  const auto named = app.get_subcommands();
  write_error(fmt::format("{}\nTry: linnet {}--help", error.what(),
                          named.empty() ? "" : named.front()->get_name() + " "));
  return ExitCode::usage;
}

ExitCode run(int argc, const char* const* argv) {
  CLI::App app("Runs language models: Hugging Face checkpoints and a small built-in one.",
               "linnet");
  app.footer(std::string(kExitCodeHelp));
  app.set_version_flag(
      "--version", [] { return fmt::format("linnet {} ({})", version(), runtime_description()); });
  Action action;
  add_generate(app, action);
  add_chat(app, action);
  add_tokenize(app, action);
  add_tokenizer(app, action);
  add_render(app, action);
  add_logits(app, action);
  add_info(app, action);
  add_plan(app, action);
  add_models(app, action);
  add_quantize(app, action);
  add_kld(app, action);
  add_synth(app, action);
  add_bench(app, action);
  add_explain(app, action);
  add_classify(app, action);
  add_calibrate(app, action);
  add_batch(app, action);
  add_score(app, action);
  add_perplexity(app, action);
  add_embed(app, action);
  add_serve(app, action);
  add_train(app, action);
  add_merge(app, action);
  add_adapters(app, action);
  try {
    app.parse(argc, argv);
    // Not CLI11's require_subcommand, which would hide the name of a command that does not exist.
    if (!action) throw CLI::RequiredError("A command");
  } catch (const CLI::Success& request) {  // --help and --version
    std::ostringstream text;
    app.exit(request, text, text);
    write_out(text.str());
    return ExitCode::success;
  } catch (const CLI::ParseError& error) {
    return wrong_usage(app, error);
  }
  return action();
}

}  // namespace
}  // namespace linnet::cli

int main(int argc, char** argv) {
  using linnet::cli::ExitCode;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is reported by write(), see output.hpp
  ExitCode code = ExitCode::error;
  try {
    code = linnet::cli::run(argc, argv);
  } catch (const linnet::cli::ClosedPipe&) {
    code = ExitCode::success;
  } catch (const linnet::Error& error) {
    linnet::cli::write_error(fmt::format("{} ({})", error.what(), linnet::to_string(error.code())));
  } catch (const std::bad_alloc&) {
    linnet::cli::write_error("the system has no memory left");
  } catch (const std::exception& error) {
    linnet::cli::write_error(error.what());
  }
  return static_cast<int>(code);
}
