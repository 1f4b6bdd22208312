//! How many tokens a text is, without the tokenizer of a model: the most that it can be, and about how many it is.

use crate::chat::{Chat, Format};
use pilothouse_domain::price::Tokens;

/// Tokens that the frame of a message takes, and of a tool; and some for the whole.
const FRAME: u64 = 16;
/// Bytes of a text that are about a token.
const BYTES_PER_TOKEN: u64 = 4;

/// The most tokens that a chat can take: a token of what is sent is at least a byte, and the answer is bounded.
pub fn most(chat: &Chat) -> Tokens {
    Tokens { input: bytes(chat).saturating_add(frames(chat)), cached: 0, output: chat.max_tokens }
}

/// About how many tokens were sent, and received in an answer of so many bytes: where a provider does not tell.
pub fn estimate(chat: &Chat, answered_bytes: u64) -> Tokens {
    let input = bytes(chat).div_ceil(BYTES_PER_TOKEN).saturating_add(frames(chat) / 4);
    Tokens { input, cached: 0, output: answered_bytes.div_ceil(BYTES_PER_TOKEN).min(chat.max_tokens) }
}

/// What a provider has counted, as far as it can be true: an answer takes no more than was allowed, and one with words in it
/// is not free. The second says whether that is what it told.
pub fn credible(chat: &Chat, told: Option<Tokens>, answered_bytes: u64) -> (Tokens, bool) {
    let Some(told) = told else { return (estimate(chat, answered_bytes), false) };
    let most = most(chat);
    let is_free = told.input == 0 || (told.output == 0 && answered_bytes > 0);
    if is_free || told.cached > told.input || told.input > most.input || told.output > most.output {
        let about = estimate(chat, answered_bytes);
        let input = if told.input == 0 { about.input } else { told.input.min(most.input) };
        let output = if told.output == 0 { about.output } else { told.output.min(most.output) };
        return (Tokens { input, cached: 0, output }, false);
    }
    (told, true)
}

fn bytes(chat: &Chat) -> u64 {
    let messages = chat.messages.iter().map(|message| {
        let calls = message.calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len());
        message.text.len() + calls.sum::<usize>() + message.answers.as_ref().map_or(0, String::len)
    });
    let tools = chat.tools.iter().map(|tool| {
        tool.name.len() + tool.description.as_ref().map_or(0, String::len) + tool.parameters.to_string().len()
    });
    let form = match &chat.format {
        Format::Text | Format::Json => 0,
        Format::Schema { name, schema } => name.len() + schema.to_string().len(),
    };
    (messages.sum::<usize>() + tools.sum::<usize>() + form) as u64
}

fn frames(chat: &Chat) -> u64 {
    FRAME * (chat.messages.len() + 2 * chat.tools.len() + 8) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Role};
    use proptest::prelude::*;

    fn chat(text: &str) -> Chat {
        Chat::new("m", vec![Message::new(Role::User, text)], 100)
    }

    #[test]
    fn what_cannot_be_true_is_not_believed() {
        let chat = chat(&"word ".repeat(100));
        let honest = Tokens { input: 110, cached: 30, output: 7 };
        assert_eq!(credible(&chat, Some(honest), 28), (honest, true));
        let most = most(&chat);
        for (told, answered, wanted) in [
            (Tokens { input: 0, cached: 0, output: 0 }, 28, estimate(&chat, 28)),
            (Tokens { input: u64::MAX, cached: 0, output: u64::MAX }, 28, most),
            (Tokens { input: 110, cached: 120, output: 7 }, 28, Tokens { input: 110, cached: 0, output: 7 }),
            (Tokens { input: 110, cached: 0, output: 0 }, 28, Tokens { input: 110, cached: 0, output: 7 }),
        ] {
            assert_eq!(credible(&chat, Some(told), answered), (wanted, false), "{told:?}");
        }
        assert_eq!(credible(&chat, None, 28), (estimate(&chat, 28), false));
        assert!(credible(&chat, Some(Tokens { input: 110, cached: 0, output: 0 }), 0).1, "nothing said is free");
    }

    proptest! {
        #[test]
        fn nothing_that_is_counted_passes_the_most(
            text in ".{0,400}", told in prop::option::of((any::<u64>(), any::<u64>(), any::<u64>())), bytes in 0_u64..9_000,
        ) {
            let chat = chat(&text);
            let told = told.map(|(input, cached, output)| Tokens { input, cached, output });
            let (counted, _) = credible(&chat, told, bytes);
            let most = most(&chat);
            prop_assert!(counted.input <= most.input && counted.output <= most.output && counted.cached <= counted.input);
            prop_assert!(counted.input > 0 && (bytes == 0 || counted.output > 0));
        }
    }
}
