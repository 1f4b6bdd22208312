//! What providers of models send: no bytes make the readers panic, however they are cut, and a stream says the same in
//! whichever parts it comes.

use pilothouse_ai::chat::{Chat, Format, Message, Role};
use pilothouse_ai::provider::Gathered;
use pilothouse_ai::sse::Reader;
use pilothouse_ai::wire::Wire;
use serde_json::json;

fn chat() -> Chat {
    let format = Format::Schema { name: "form".to_owned(), schema: json!({"type": "object"}) };
    Chat { format, ..Chat::new("m", vec![Message::new(Role::User, "?")], 100) }
}

/// What the bytes say as a stream that comes in parts of so many.
fn said(wire: Wire, bytes: &[u8], size: usize) -> (Vec<String>, Gathered) {
    let (mut reader, mut stream, mut gathered) = (Reader::default(), wire.stream(&chat()), Gathered::default());
    let mut told = Vec::new();
    for part in bytes.chunks(size) {
        let Ok(events) = reader.read(part) else { return (told, gathered) };
        for event in events {
            match stream.read(&event) {
                Ok(said) => {
                    said.deltas.iter().for_each(|delta| gathered.add(delta));
                    told.push(format!("{said:?}"));
                }
                Err(error) => told.push(error.to_string()),
            }
        }
    }
    (told, gathered)
}

#[test]
fn answers_of_models() {
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        for wire in Wire::ALL {
            let _ = wire.reply(&chat(), bytes);
            let (whole, gathered) = said(wire, bytes, bytes.len().max(1));
            let (parts, other) = said(wire, bytes, 3);
            assert_eq!((whole, gathered.0), (parts, other.0), "{wire:?}");
        }
    });
}

#[test]
fn events_of_models() {
    let pieces = [
        "data: ",
        "\n",
        "\r\n",
        "[DONE]",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"choices\"",
        "\"delta\"",
        "\"content\"",
        "\"x\"",
        "0",
        "\"tool_calls\"",
        "\"index\"",
        "\"type\"",
        "\"message_start\"",
        "\"content_block_delta\"",
        "\"usage\"",
        "\"candidates\"",
        "\"parts\"",
        "\"text\"",
        "\"response.completed\"",
        "\"response\"",
        "\"finish_reason\"",
        "\"stop\"",
    ];
    bolero::check!().with_type::<Vec<u8>>().for_each(|chosen| {
        let text: String = chosen.iter().map(|choice| pieces[usize::from(*choice) % pieces.len()]).collect();
        for wire in Wire::ALL {
            let (whole, gathered) = said(wire, text.as_bytes(), text.len().max(1));
            let (parts, other) = said(wire, text.as_bytes(), 2);
            assert_eq!((whole, gathered.0), (parts, other.0), "{wire:?}: {text}");
        }
    });
}
