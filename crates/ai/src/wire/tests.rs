//! Each wire against what its provider documents, and all of them against each other.

use pilothouse_domain::price::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::{Finish, Format, Message, Role, Tool, ToolChoice};
use crate::provider::Gathered;
use crate::sse::Reader;

fn chat() -> Chat {
    let mut chat = Chat::new("m-1", vec![Message::new(Role::System, "Be brief."), Message::new(Role::User, "Hi")], 50);
    chat.temperature = Some(0.0);
    chat
}

/// A talk in which the model has called a tool.
fn with_tools() -> Chat {
    let call = ToolCall { id: "c1".into(), name: "weather".into(), arguments: r#"{"city":"Ulm"}"#.into() };
    let mut chat = chat();
    chat.messages.push(Message { calls: vec![call], ..Message::new(Role::Assistant, "") });
    chat.messages.push(Message { answers: Some("c1".into()), ..Message::new(Role::Tool, "sunny") });
    let parameters = json!({"type": "object"});
    chat.tools.push(Tool { name: "weather".into(), description: Some("Tells it.".into()), parameters, strict: None });
    chat.choice = ToolChoice::Required;
    chat
}

fn form() -> Chat {
    Chat { format: Format::Schema { name: "reading".into(), schema: json!({"type": "object"}) }, ..chat() }
}

fn body(wire: Wire, chat: &Chat) -> Value {
    wire.request(chat, "key", false).unwrap().body
}

#[test]
fn a_question_is_what_each_provider_documents() {
    let said = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    let openai = json!({"model": "m-1", "messages": said, "max_completion_tokens": 50, "temperature": 0.0});
    assert_eq!(body(Wire::OpenAi, &chat()), openai);
    let imitated = json!({"model": "m-1", "messages": said, "max_tokens": 50, "temperature": 0.0});
    assert_eq!(body(Wire::Compatible, &chat()), imitated);
    let responses = json!({"model": "m-1", "input": said, "max_output_tokens": 50, "temperature": 0.0, "store": false});
    assert_eq!(body(Wire::Responses, &chat()), responses);
    let anthropic = json!({"model": "m-1", "max_tokens": 50, "system": "Be brief.", "temperature": 0.0,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]});
    assert_eq!(body(Wire::Anthropic, &chat()), anthropic);
    let gemini = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"maxOutputTokens": 50, "temperature": 0.0}});
    assert_eq!(body(Wire::Gemini, &chat()), gemini);
}

#[test]
fn the_key_stands_in_one_header_and_nowhere_else() {
    for (wire, header, value, path) in [
        (Wire::OpenAi, "authorization", "Bearer s3cr3t", "/chat/completions"),
        (Wire::Responses, "authorization", "Bearer s3cr3t", "/responses"),
        (Wire::Anthropic, "x-api-key", "s3cr3t", "/messages"),
        (Wire::Gemini, "x-goog-api-key", "s3cr3t", "/models/m-1:streamGenerateContent?alt=sse"),
    ] {
        let outgoing = wire.request(&chat(), "s3cr3t", true).unwrap();
        assert!(outgoing.headers.contains(&(header, value.to_owned())), "{wire:?}");
        assert_eq!(outgoing.path, path);
        assert!(!outgoing.body.to_string().contains("s3cr3t"));
    }
    assert!(Wire::Compatible.request(&chat(), "", false).unwrap().headers.is_empty(), "a server that wants none");
}

#[test]
fn tools_and_what_they_answer_are_told_to_each() {
    let chat = with_tools();
    let openai = body(Wire::OpenAi, &chat);
    assert_eq!(openai["messages"][2]["tool_calls"][0]["function"]["arguments"], r#"{"city":"Ulm"}"#);
    assert_eq!(openai["messages"][3], json!({"role": "tool", "content": "sunny", "tool_call_id": "c1"}));
    assert_eq!((&openai["tool_choice"], &openai["tools"][0]["type"]), (&json!("required"), &json!("function")));
    let responses = body(Wire::Responses, &chat);
    assert_eq!(responses["input"][2]["type"], "function_call");
    assert_eq!(responses["input"][3], json!({"type": "function_call_output", "call_id": "c1", "output": "sunny"}));
    let anthropic = body(Wire::Anthropic, &chat);
    assert_eq!(anthropic["messages"][1]["content"][0]["input"], json!({"city": "Ulm"}));
    let answered =
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "sunny"}]});
    assert_eq!((&anthropic["messages"][2], &anthropic["tool_choice"]), (&answered, &json!({"type": "any"})));
    let gemini = body(Wire::Gemini, &chat);
    let answered = json!({"functionResponse": {"name": "weather", "response": {"result": "sunny"}}});
    assert_eq!(gemini["contents"][2]["parts"][0], answered);
    assert_eq!(gemini["toolConfig"]["functionCallingConfig"]["mode"], "ANY");
}

#[test]
fn what_a_provider_does_not_understand_is_refused_by_name() {
    let mut seeded = chat();
    seeded.seed = Some(7);
    assert_eq!(Wire::Anthropic.request(&seeded, "", false), Err(Unsupported("seed".to_owned())));
    let mut more = chat();
    more.extra.insert("logit_bias".into(), json!({}));
    for wire in [Wire::Responses, Wire::Anthropic, Wire::Gemini] {
        assert_eq!(wire.request(&more, "", false), Err(Unsupported("logit_bias".to_owned())), "{wire:?}");
    }
    assert_eq!(body(Wire::OpenAi, &more)["logit_bias"], json!({}));
}

/// For each wire an answer of words, whole and as a stream, that says the same.
fn answers() -> [(Wire, Value, String); 4] {
    let sse = |events: &[Value]| events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}});
    let chunk = |delta: Value, reason: Value| json!({"model": "m-1-2026", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
    let openai = json!({"model": "m-1-2026", "usage": usage, "choices": [
        {"message": {"role": "assistant", "content": "Hello, Ulm"}, "finish_reason": "stop"}]});
    let openai_stream = sse(&[
        chunk(json!({"role": "assistant", "content": ""}), Value::Null),
        chunk(json!({"content": "Hello"}), Value::Null),
        chunk(json!({"content": ", Ulm"}), Value::Null),
        chunk(json!({}), json!("stop")),
        json!({"model": "m-1-2026", "choices": [], "usage": usage}),
    ]) + "data: [DONE]\n\n";
    let usage = json!({"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}});
    let responses = json!({"model": "m-1-2026", "status": "completed", "usage": usage, "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": "Hello, Ulm"}]}]});
    let responses_stream = sse(&[
        json!({"type": "response.created"}),
        json!({"type": "response.output_text.delta", "delta": "Hello"}),
        json!({"type": "response.output_text.delta", "delta": ", Ulm"}),
        json!({"type": "response.completed", "response": responses}),
    ]);
    let usage = json!({"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 4});
    let anthropic = json!({"model": "m-1-2026", "usage": usage, "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Hello, Ulm"}]});
    let text = |words: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": words}});
    let begun =
        json!({"model": "m-1-2026", "usage": {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 1}});
    let anthropic_stream = sse(&[
        json!({"type": "message_start", "message": begun}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
        text("Hello"),
        text(", Ulm"),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
        json!({"type": "message_stop"}),
    ]);
    let usage = json!({"promptTokenCount": 9, "cachedContentTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 1});
    let part = |words: &str| json!({"parts": [{"text": words}], "role": "model"});
    let gemini = json!({"modelVersion": "m-1-2026", "usageMetadata": usage,
        "candidates": [{"content": part("Hello, Ulm"), "finishReason": "STOP"}]});
    let gemini_stream = sse(&[
        json!({"modelVersion": "m-1-2026", "candidates": [{"content": part("Hello")}]}),
        json!({"modelVersion": "m-1-2026", "usageMetadata": usage,
            "candidates": [{"content": part(", Ulm"), "finishReason": "STOP"}]}),
    ]);
    [
        (Wire::OpenAi, openai, openai_stream),
        (Wire::Responses, responses, responses_stream),
        (Wire::Anthropic, anthropic, anthropic_stream),
        (Wire::Gemini, gemini, gemini_stream),
    ]
}

/// What a stream says, and whether it may end where it does.
fn streamed(wire: Wire, chat: &Chat, text: &str) -> (Reply, bool) {
    let (mut stream, mut gathered, mut has_ended) = (wire.stream(chat), Gathered::default(), false);
    for event in Reader::default().read(text.as_bytes()).unwrap() {
        let said = stream.read(&event).unwrap();
        said.deltas.iter().for_each(|delta| gathered.add(delta));
        has_ended |= said.is_end;
    }
    (gathered.0, has_ended || stream.may_end())
}

#[test]
fn an_answer_is_the_same_whole_and_bit_by_bit() {
    let wanted = Reply {
        model: Some("m-1-2026".into()),
        text: "Hello, Ulm".into(),
        calls: Vec::new(),
        finish: Finish::Stop,
        tokens: Some(Tokens { input: 9, cached: 2, output: 4 }),
    };
    for (wire, whole, stream) in answers() {
        assert_eq!(wire.reply(&chat(), whole.to_string().as_bytes()), Ok(wanted.clone()), "{wire:?}");
        assert_eq!(streamed(wire, &chat(), &stream), (wanted.clone(), true), "{wire:?}");
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_has_not_ended() {
    for (wire, _, stream) in answers() {
        let events: Vec<&str> = stream.split_inclusive("\n\n").collect();
        // OpenAI's last two events say what was used and that this was all; without them the words are whole.
        let last = if wire == Wire::OpenAi { events.len() - 2 } else { events.len() };
        for cut in 0..last {
            assert!(!streamed(wire, &chat(), &events[..cut].concat()).1, "{wire:?} after {cut} events");
        }
    }
}

#[test]
fn calls_of_tools_are_gathered_from_their_parts() {
    let (chat, call) = (with_tools(), |arguments: &str| ToolCall {
        id: "c9".into(),
        name: "weather".into(),
        arguments: arguments.into(),
    });
    let sse = |events: &[Value]| events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    let part = |call: Value| json!({"choices": [{"delta": {"tool_calls": [call]}}]});
    let openai = sse(&[
        part(json!({"index": 0, "id": "c9", "function": {"name": "weather", "arguments": ""}})),
        part(json!({"index": 0, "function": {"arguments": "{\"city\":"}})),
        part(json!({"index": 0, "function": {"arguments": "\"Bonn\"}"}})),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]);
    let responses = sse(&[
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "call_id": "c9", "name": "weather"}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{\"city\":"}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "\"Bonn\"}"}),
        json!({"type": "response.completed", "response": {"status": "completed", "output": []}}),
    ]);
    let more = |json: &str| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": json}});
    let anthropic = sse(&[
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "c9", "name": "weather"}}),
        more("{\"city\":"),
        more("\"Bonn\"}"),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ]);
    for (wire, stream) in [(Wire::OpenAi, openai), (Wire::Responses, responses), (Wire::Anthropic, anthropic)] {
        let (reply, has_ended) = streamed(wire, &chat, &stream);
        assert_eq!((reply.calls, reply.finish), (vec![call(r#"{"city":"Bonn"}"#)], Finish::ToolCalls), "{wire:?}");
        assert!(has_ended);
    }
    let told = json!({"candidates": [{"finishReason": "STOP",
        "content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Bonn"}}}]}}]});
    let reply = Wire::Gemini.reply(&chat, told.to_string().as_bytes()).unwrap();
    let named = ToolCall { id: "call_0_weather".into(), ..call(r#"{"city":"Bonn"}"#) };
    assert_eq!((reply.calls, reply.finish), (vec![named], Finish::ToolCalls));
}

#[test]
fn a_form_is_asked_for_in_each_ones_way() {
    let chat = form();
    assert_eq!(body(Wire::OpenAi, &chat)["response_format"]["json_schema"]["name"], "reading");
    assert_eq!(body(Wire::Responses, &chat)["text"]["format"]["strict"], true);
    assert_eq!(body(Wire::Gemini, &chat)["generationConfig"]["responseJsonSchema"], json!({"type": "object"}));
    assert_eq!(body(Wire::Anthropic, &chat)["tool_choice"], json!({"type": "tool", "name": "answer"}));
    let told = json!({"stop_reason": "tool_use", "content": [
        {"type": "text", "text": "Here it is."}, {"type": "tool_use", "id": "t", "name": "answer", "input": {"a": 1}}]});
    let reply = Wire::Anthropic.reply(&chat, told.to_string().as_bytes()).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish, reply.calls.len()), (r#"{"a":1}"#, Finish::Stop, 0));
}

#[test]
fn an_answer_that_is_none_says_why() {
    for wire in Wire::ALL {
        for body in ["", "<html>", "[]", "{}", r#"{"choices": []}"#, r#"{"content": 1}"#, r#"{"output": {}}"#] {
            assert!(wire.reply(&chat(), body.as_bytes()).is_err(), "{wire:?} {body}");
        }
    }
    let broken = Event { data: r#"{"error": {"message": "overloaded"}, "type": "error"}"#.into(), ..Event::default() };
    for wire in Wire::ALL {
        assert_eq!(wire.stream(&chat()).read(&broken).unwrap().error.as_deref(), Some("overloaded"), "{wire:?}");
    }
    assert_eq!(refusal(br#"{"error": {"message": "too\nlong"}}"#), "too long");
    assert_eq!(refusal(b"<html>"), "It gives no reason.");
}

fn any_json() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] =
        &["choices", "message", "content", "delta", "type", "output", "usage", "candidates", "parts", "text", "index"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(&["message_start", "content_block_delta", "response.completed", "stop", ""][..])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(told in any_json(), events in prop::collection::vec(any_json(), 0..5)) {
        for wire in Wire::ALL {
            let _ = wire.reply(&form(), told.to_string().as_bytes());
            let mut stream = wire.stream(&form());
            let mut gathered = Gathered::default();
            for event in &events {
                if let Ok(said) = stream.read(&Event { data: event.to_string(), ..Event::default() }) {
                    said.deltas.iter().for_each(|delta| gathered.add(delta));
                }
            }
        }
    }
}
