//! What should not be told to strangers, in what models are asked and in what they answer: let through and written down, masked
//! or blocked, as the settings say. Only what it is is ever written down, never the thing itself.

use std::collections::BTreeMap;

use pilothouse_ai::chat::{Delta, ToolCall};
use pilothouse_ai::sensitive::{Finding, Kind, find, masked};
use pilothouse_domain::Code;

use super::telemetry;
use crate::Error;
use crate::settings::{Ai, Treatment};

/// Bytes of a stream that wait for what comes after them: longer than anything that has spaces in it and is found.
const HELD_BYTES: usize = 256;
/// Bytes without any space that wait at most.
const MAX_HELD_BYTES: usize = 8 << 10;

/// What was found: its name, and how often.
pub(super) type Found = BTreeMap<&'static str, u64>;

/// What becomes of what is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    secrets: Treatment,
    personal: Treatment,
}

/// What came of a look at a text.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// The text, where it is another now.
    pub text: Option<String>,
    pub found: Found,
    /// Whether it must not pass.
    pub is_blocked: bool,
}

/// That a text must not pass.
pub(super) fn blocked(place: &str, found: &Found) -> Error {
    let message = format!("The {place} holds what is not to be told: {}.", in_words(found));
    Error::new(Code::AiBlocked, message).with("found", found.keys().copied().collect::<Vec<_>>())
}

impl Screen {
    pub fn new(settings: &Ai) -> Self {
        Self { secrets: settings.secrets, personal: settings.personal }
    }

    fn treatment(self, kind: Kind) -> Treatment {
        match kind {
            Kind::Secret(_) => self.secrets,
            Kind::Personal(_) => self.personal,
        }
    }

    /// Whether a text may come out of it other than it went in, so that what comes bit by bit has to wait.
    pub fn changes(self) -> bool {
        self.secrets.max(self.personal) >= Treatment::Mask
    }

    /// Looks at a text that stands at `place`, `prompt` or `answer`.
    pub fn look(self, text: &str, place: &'static str) -> Passed {
        if self.secrets.max(self.personal) == Treatment::Off {
            return Passed::default();
        }
        let findings = find(text);
        let mut found = Found::new();
        for finding in &findings {
            let treatment = self.treatment(finding.kind);
            if treatment > Treatment::Off {
                *found.entry(finding.kind.name()).or_default() += 1;
                telemetry::found(finding.kind.name(), place, treatment.as_str(), 1);
            }
        }
        let of = |treatment| move |finding: &&Finding| self.treatment(finding.kind) == treatment;
        let is_blocked = findings.iter().any(|finding| of(Treatment::Block)(&finding));
        let hidden: Vec<Finding> = findings.iter().filter(of(Treatment::Mask)).cloned().collect();
        Passed { text: (!hidden.is_empty()).then(|| masked(text, &hidden)), found, is_blocked }
    }
}

/// Counts more of what was found.
pub(super) fn add(found: &mut Found, more: Found) {
    for (name, count) in more {
        *found.entry(name).or_default() += count;
    }
}

/// What was found, as the audit log tells it: `email 2, github_token 1`.
pub(super) fn in_words(found: &Found) -> String {
    found.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Looks at an answer that comes bit by bit, at its words and at the arguments of each call of a tool, each for itself. What
/// waits passes before its finish.
#[derive(Debug)]
pub(super) struct Sieves {
    screen: Screen,
    words: Sieve,
    calls: BTreeMap<usize, Sieve>,
}

impl Sieves {
    pub fn new(screen: Screen) -> Self {
        Self { screen, words: Sieve::new(screen), calls: BTreeMap::new() }
    }

    /// What may pass once `next` has come, or at the end, where there is none.
    ///
    /// # Errors
    /// [`Code::AiBlocked`].
    pub fn push(&mut self, next: Option<&Delta>) -> Result<Vec<Delta>, Error> {
        match next {
            Some(delta) if !self.screen.changes() => Ok(vec![delta.clone()]),
            Some(Delta::Text(words)) => self.words.push(words).map(|passed| said(passed).into_iter().collect()),
            Some(Delta::Call(place, more)) => {
                let sieve = self.calls.entry(*place).or_insert_with(|| Sieve::new(self.screen));
                let call = ToolCall { arguments: sieve.push(&more.arguments)?, ..more.clone() };
                Ok(if call == ToolCall::default() { Vec::new() } else { vec![Delta::Call(*place, call)] })
            }
            Some(Delta::Finish(_)) | None => {
                let rest = self.rest(Sieve::end)?;
                Ok(rest.into_iter().chain(next.cloned()).collect())
            }
            Some(other) => Ok(vec![other.clone()]),
        }
    }

    /// What waits of an answer that broke off, but for the last word of each text, which may be the beginning of something.
    ///
    /// # Errors
    /// [`Code::AiBlocked`].
    pub fn broken_off(&mut self) -> Result<Vec<Delta>, Error> {
        self.rest(Sieve::broken_off)
    }

    /// What was found in all of it.
    pub fn found(self) -> Found {
        self.calls.into_values().fold(self.words.found, |mut found, sieve| {
            add(&mut found, sieve.found);
            found
        })
    }

    fn rest(&mut self, rest: impl Fn(&mut Sieve) -> Result<String, Error>) -> Result<Vec<Delta>, Error> {
        let mut passed: Vec<Delta> = said(rest(&mut self.words)?).into_iter().collect();
        for (place, sieve) in &mut self.calls {
            let arguments = rest(sieve)?;
            if !arguments.is_empty() {
                passed.push(Delta::Call(*place, ToolCall { arguments, ..ToolCall::default() }));
            }
        }
        Ok(passed)
    }
}

fn said(words: String) -> Option<Delta> {
    (!words.is_empty()).then_some(Delta::Text(words))
}

/// Looks at a text that comes bit by bit. What may be the beginning of something waits for the rest of it.
#[derive(Debug)]
struct Sieve {
    screen: Screen,
    waiting: String,
    found: Found,
}

impl Sieve {
    fn new(screen: Screen) -> Self {
        Self { screen, waiting: String::new(), found: Found::new() }
    }

    /// More of the text; gives what may pass by now.
    ///
    /// # Errors
    /// [`Code::AiBlocked`].
    fn push(&mut self, more: &str) -> Result<String, Error> {
        self.waiting.push_str(more);
        self.pass(self.cut())
    }

    /// The rest of the text, where nothing more comes.
    ///
    /// # Errors
    /// [`Code::AiBlocked`].
    fn end(&mut self) -> Result<String, Error> {
        self.pass(self.waiting.len())
    }

    /// What waits of a text that broke off, but for its last word, which may be the beginning of something.
    ///
    /// # Errors
    /// [`Code::AiBlocked`].
    fn broken_off(&mut self) -> Result<String, Error> {
        let cut = self.waiting.rfind(char::is_whitespace).unwrap_or_default();
        self.pass(self.outside(cut))
    }

    /// Up to where nothing can be found any more, whatever comes: a space that is far enough from the end, and not within
    /// anything that was found.
    fn cut(&self) -> usize {
        let mut far = self.waiting.len().saturating_sub(HELD_BYTES);
        while !self.waiting.is_char_boundary(far) {
            far -= 1;
        }
        let space = self.waiting[..far].rfind(char::is_whitespace).unwrap_or_default();
        self.outside(if space == 0 && self.waiting.len() > MAX_HELD_BYTES { far } else { space })
    }

    /// The place, or the beginning of what was found around it.
    fn outside(&self, place: usize) -> usize {
        let mut cut = place;
        for finding in find(&self.waiting).iter().rev() {
            if finding.known_by.start < cut && cut < finding.known_by.end {
                cut = finding.known_by.start;
            }
        }
        cut
    }

    fn pass(&mut self, cut: usize) -> Result<String, Error> {
        let rest = self.waiting.split_off(cut);
        let text = std::mem::replace(&mut self.waiting, rest);
        if text.is_empty() {
            return Ok(text);
        }
        let passed = self.screen.look(&text, "answer");
        add(&mut self.found, passed.found);
        if passed.is_blocked { Err(blocked("answer", &self.found)) } else { Ok(passed.text.unwrap_or(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_ai::chat::Finish;
    use pilothouse_ai::provider::Gathered;
    use proptest::prelude::*;

    fn screen(secrets: Treatment, personal: Treatment) -> Screen {
        Screen { secrets, personal }
    }

    const KEY: &str = concat!("AKIA", "IOSFODNN7EXAMPLE");

    #[test]
    fn each_treatment_does_what_it_says() {
        let text = format!("ada@example.org has {KEY}");
        let looked = |secrets, personal| screen(secrets, personal).look(&text, "prompt");
        let both = looked(Treatment::Mask, Treatment::Mask);
        assert_eq!(both.text.as_deref(), Some("[email] has [aws_access_key]"));
        let one = looked(Treatment::Mask, Treatment::Report);
        assert_eq!(one.text.as_deref(), Some("ada@example.org has [aws_access_key]"));
        assert_eq!(in_words(&one.found), "aws_access_key 1, email 1");
        let none = looked(Treatment::Off, Treatment::Off);
        assert_eq!((none.text, none.found.len()), (None, 0));
        let stopped = looked(Treatment::Block, Treatment::Mask);
        let error = blocked("prompt", &stopped.found);
        assert!(stopped.is_blocked && !error.message.contains("AKIA") && error.message.contains("email 1"), "{error}");
    }

    #[test]
    fn what_tools_are_given_is_looked_at_bit_by_bit_too() {
        let (half, other) = KEY.split_at(7);
        let call = |id: &str, arguments: &str| {
            let name = if id.is_empty() { "" } else { "send" };
            ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
        };
        let parts = [
            Delta::Call(0, call("a", "{\"key\": \"")),
            Delta::Call(1, call("b", "{}")),
            Delta::Call(0, call("", half)),
            Delta::Text("for ada@example.org".to_owned()),
            Delta::Call(0, call("", &format!("{other}\"}}"))),
            Delta::Finish(Finish::ToolCalls),
        ];
        let mut sieves = Sieves::new(screen(Treatment::Mask, Treatment::Mask));
        let mut gathered = Gathered::default();
        for part in parts.iter().map(Some).chain([None]) {
            sieves.push(part).unwrap().iter().for_each(|delta| gathered.add(delta));
        }
        let wanted = [call("a", "{\"key\": \"[aws_access_key]\"}"), call("b", "{}")];
        assert_eq!((gathered.0.calls.as_slice(), gathered.0.text.as_str()), (wanted.as_slice(), "for [email]"));
        assert_eq!(in_words(&sieves.found()), "aws_access_key 1, email 1");
        let mut blocking = Sieves::new(screen(Treatment::Block, Treatment::Off));
        let passed: Result<Vec<_>, _> = parts.iter().map(|part| blocking.push(Some(part))).collect();
        assert_eq!(passed.unwrap_err().code, Code::AiBlocked);
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_the_same_is_masked(
            words in prop::collection::vec(
                prop_oneof![
                    "[a-z]{1,8}", Just(KEY.to_owned()), Just("ada@example.org".to_owned()), Just("password: q8Zr71Lw0pXv".to_owned()),
                    Just("4111 1111 1111 1111".to_owned()), Just("DE89 3704 0044 0532 0130 00".to_owned()),
                    Just(concat!("-----BEGIN PRIVATE", " KEY-----\nMIIE q8Zr\nMIIE\n-----END PRIVATE KEY-----").to_owned()),
                ],
                0..60,
            ),
            sizes in prop::collection::vec(1_usize..40, 1..40),
        ) {
            let text = words.join(" ");
            let screen = screen(Treatment::Mask, Treatment::Mask);
            let whole = screen.look(&text, "answer").text.unwrap_or_else(|| text.clone());
            let (mut sieve, mut out, mut rest, mut sizes) = (Sieve::new(screen), String::new(), text.as_str(), sizes.iter().cycle());
            while !rest.is_empty() {
                let (part, more) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                out.push_str(&sieve.push(part).unwrap());
                prop_assert!(sieve.waiting.len() < 2 * HELD_BYTES + 400);
                rest = more;
            }
            out.push_str(&sieve.end().unwrap());
            prop_assert_eq!(out, whole);
        }
    }
}
