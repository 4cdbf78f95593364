//! Server-sent events, as far as A2A uses them: `data:` lines. Everything else is skipped.

use std::collections::VecDeque;

use super::{CallError, limits};

/// Cuts a stream of bytes into the data of its events.
///
/// Lines may end in LF, CR or CRLF, and pieces may be cut anywhere. What is held back is bounded
/// by [`limits::EVENT_BYTES_MAX`].
#[derive(Debug, Default)]
pub(super) struct SseParser {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    ready: VecDeque<Vec<u8>>,
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

    /// The data of the next event that is complete.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) -> Result<(), CallError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            if std::mem::take(&mut self.has_data) {
                self.ready.push_back(data);
            }
            return Ok(());
        }
        // A byte order mark may start the stream.
        let field = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        let Some(value) = field.strip_prefix(b"data") else {
            return Ok(());
        };
        let value = match value.strip_prefix(b":") {
            Some(value) => value.strip_prefix(b" ").unwrap_or(value),
            None if value.is_empty() => value,
            None => return Ok(()),
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
            .map(|e| String::from_utf8(e).unwrap())
            .collect()
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
