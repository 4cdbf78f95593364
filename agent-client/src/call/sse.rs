//! Server-sent events, as far as A2A uses them: `data:` lines, and the numbers that some servers
//! give as `id:`. Everything else is skipped.

use std::collections::VecDeque;

use super::{CallError, limits};

/// One event as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// Its number, if it has an id that is one.
    pub(super) number: Option<u64>,
    pub(super) data: Vec<u8>,
}

/// Cuts a stream of bytes into its events.
///
/// Lines may end in LF, CR or CRLF, and pieces may be cut anywhere. What is held back is bounded
/// by [`limits::EVENT_BYTES_MAX`].
#[derive(Debug, Default)]
pub(super) struct SseParser {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    number: Option<u64>,
    after_cr: bool,
    ready: VecDeque<SseEvent>,
}

impl SseParser {
    /// Takes one piece of the stream.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), CallError> {
        for byte in piece {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.end_line()?,
                _ if self.line.len() >= limits::EVENT_BYTES_MAX => return Err(too_large()),
                byte => self.line.push(*byte),
            }
        }
        Ok(())
    }

    /// The next event that is complete.
    pub(super) fn pop(&mut self) -> Option<SseEvent> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) -> Result<(), CallError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let (data, number) = (std::mem::take(&mut self.data), self.number.take());
            if std::mem::take(&mut self.has_data) {
                self.ready.push_back(SseEvent { number, data });
            }
            return Ok(());
        }
        // A byte order mark may start the stream.
        let field = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        if let Some(value) = value_of(field, b"id") {
            self.number = std::str::from_utf8(value)
                .ok()
                .and_then(|id| id.parse().ok());
            return Ok(());
        }
        let Some(value) = value_of(field, b"data") else {
            return Ok(());
        };
        let size = self.data.len().saturating_add(value.len());
        if size >= limits::EVENT_BYTES_MAX {
            return Err(too_large());
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
        Ok(())
    }
}

/// The value of a line, if it is one of the field `name`.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

fn too_large() -> CallError {
    CallError::Malformed(format!(
        "an event of more than {} bytes",
        limits::EVENT_BYTES_MAX
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = SseParser::default();
        for piece in pieces {
            parser.push(piece).unwrap();
        }
        std::iter::from_fn(|| parser.pop())
            .map(|e| String::from_utf8(e.data).unwrap())
            .collect()
    }

    #[test]
    fn an_event_has_the_number_of_its_id_and_no_other() {
        let mut parser = SseParser::default();
        let stream = b"id: 7\ndata: a\n\nid:8\n\ndata: b\n\ndata: c\nid: x\n\ndata: d\nid: 9\n\n";
        parser.push(stream).unwrap();
        let numbers: Vec<_> = std::iter::from_fn(|| parser.pop())
            .map(|event| event.number)
            .collect();
        assert_eq!(numbers, [Some(7), None, None, Some(9)]);
    }

    #[test]
    fn only_data_counts() {
        let stream = b"\xef\xbb\xbfdata: one\n\n: comment\nid: 7\nevent: x\nretry: 1\ndata:two\n\n\
            database: no\n\ndata\n\n";
        assert_eq!(events(&[stream]), ["one", "two", ""]);
    }

    #[test]
    fn lines_of_one_event_are_joined_and_any_line_end_will_do() {
        assert_eq!(events(&[b"data: a\r\ndata: b\r\n\r\n"]), ["a\nb"]);
        assert_eq!(events(&[b"data: a\rdata: b\r\rdata: c\r\r"]), ["a\nb", "c"]);
    }

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let stream = b"data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\n\n";
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(events(&bytes), [r#"{"a":1}"#, r#"{"b":2}"#]);
    }

    #[test]
    fn an_unfinished_event_is_no_event() {
        assert_eq!(events(&[b"data: a\n"]), [""; 0]);
    }

    #[test]
    fn a_line_and_an_event_are_bounded() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; limits::EVENT_BYTES_MAX];
        assert!(parser.push(&piece).is_ok());
        assert!(parser.push(b"x").is_err());

        let mut parser = SseParser::default();
        let line = [
            b"data:".as_slice(),
            &vec![b'x'; limits::EVENT_BYTES_MAX / 2],
            b"\n",
        ]
        .concat();
        assert!(parser.push(&line).is_ok());
        assert!(parser.push(&line).is_err());
    }
}
