// Where the assistant's turns stand in the text that a chat template makes of a conversation.
#pragma once

#include <string>
#include <vector>

#include "text/chat_template.hpp"
#include "text/jinja/template.hpp"
#include "text/tokenizer.hpp"
#include "train/record.hpp"

namespace linnet::train {

/// Bytes begin .. end - 1 of a rendered conversation are what the model wrote as message number
/// `message`: from behind what it is prompted with (the turn's header) to the end of its turn, the
/// token that ends it included.
struct ChatSpan {
  size_t message;
  size_t begin;
  size_t end;

  friend bool operator==(const ChatSpan&, const ChatSpan&) = default;
};

struct RenderedChat {
  std::string text;
  std::vector<ChatSpan> spans;  ///< rising, of the messages that are learned
};

/// The conversation as its template writes it, with its spans. No template says where turns begin,
/// so it is asked:
///   begin  behind the rendering of the messages before it with add_generation_prompt, if the whole
///          begins with that. Else (a template that shows earlier turns in another way once there
///          are later ones, as Qwen 3 does with their thinking) a mark is put at the end of the
///          message before; what follows the mark up to the prompt's end is known from the shorter
///          conversation, and what follows it in the whole is the end of the whole.
///   end    the end of the rendering of the messages up to it, if the whole begins with that. Else
///   a mark
///          is put in place of the message; if the template refuses that (Mistral wants calls
///          before results), its turn is looked for as the shorter conversation shows it. Template
///          text behind the last special token of the turn
///          ("\n" after "<|im_end|>") is not the model's.
/// Errors: as ChatTemplate::render; unsupported if neither way shows a message.
RenderedChat render_with_spans(const Record& record, const text::ChatTemplate& chat_template,
                               const text::Tokenizer& tokenizer,
                               const text::jinja::RenderOptions& options = {});

}  // namespace linnet::train
