//! Server-sent events, as models send them: lines that come in parts of any size.
//!
//! Source: the HTML standard, "Server-sent events", 9.2.6. Ids and waits of events are not kept, since nobody goes on with
//! a model's stream that broke.

/// Most bytes of one event.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty where it has none.
    pub name: String,
    /// What it says.
    pub data: String,
}

/// That an event is larger than any that a model sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Reads events from parts.
#[derive(Debug, Default)]
pub struct Reader {
    /// What of a line has come.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, after which a line feed ends no other line.
    after_return: bool,
    begun: bool,
    event: Event,
    has_data: bool,
}

impl Reader {
    /// The events that `part` completes.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn read(&mut self, part: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        for byte in part {
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                other => self.line.push(*other),
            }
            self.after_return = *byte == b'\r';
            if self.line.len() + self.event.data.len() > MAX_EVENT_BYTES {
                return Err(TooLarge);
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        // A mark of byte order may stand before the first line.
        let line = if std::mem::replace(&mut self.begun, true) { &*line } else { line.trim_start_matches('\u{feff}') };
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        let text = "\u{feff}: hello\n\nevent: ping\ndata: {}\n\ndata:a\ndata: b\r\n\r\nid: 7\ndata\n\ndata: cut";
        let events = Reader::default().read(text.as_bytes()).unwrap();
        assert_eq!(events, [event("ping", "{}"), event("", "a\nb"), event("", "")]);
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let mut reader = Reader::default();
        let part = vec![b'x'; 1 << 20];
        assert!((0..8).any(|_| reader.read(&part).is_err()));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_says_the_same(
            text in "(data: ?|event: |: |\r\n|\n|\r|[a-zäß:]| ){0,60}",
            cuts in prop::collection::vec(0_usize..200, 0..10),
        ) {
            let bytes = text.as_bytes();
            let whole = Reader::default().read(bytes).unwrap();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let (mut reader, mut events) = (Reader::default(), Vec::new());
            for pair in cuts.windows(2) {
                events.extend(reader.read(&bytes[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(events, whole);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = Reader::default().read(&bytes);
        }
    }
}
