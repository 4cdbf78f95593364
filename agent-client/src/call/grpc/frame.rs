//! The frames around messages: a flag, a length, and as many bytes.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::call::CallError;
use crate::call::limits::EVENT_BYTES_MAX;

const HEAD: usize = 5;

/// A message of ours in its frame.
pub(super) fn around(message: &[u8]) -> Result<Bytes, CallError> {
    let length = u32::try_from(message.len());
    let length = length.map_err(|_| CallError::Request("larger than a frame".to_owned()))?;
    Ok([&[0], length.to_be_bytes().as_slice(), message]
        .concat()
        .into())
}

/// A message, out of its frame.
pub(super) struct Frame(pub(super) Bytes);

/// Takes messages out of frames that are cut anywhere. It holds one message and one piece.
#[derive(Default)]
pub(super) struct Unframed(BytesMut);

impl Unframed {
    /// Takes one piece.
    ///
    /// # Errors
    /// When the message that it belongs to is compressed or too large.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), CallError> {
        self.0.extend_from_slice(piece);
        self.length().map(drop)
    }

    /// The next message that is complete.
    ///
    /// # Errors
    /// As for [`push`](Self::push), of the message after the last.
    pub(super) fn pop(&mut self) -> Result<Option<Frame>, CallError> {
        let Some(length) = self.length()? else {
            return Ok(None);
        };
        if self.0.len().saturating_sub(HEAD) < length {
            return Ok(None);
        }
        self.0.advance(HEAD);
        Ok(Some(Frame(self.0.split_to(length).freeze())))
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    /// When something is, after which nothing comes.
    pub(super) fn finish(&self) -> Result<(), CallError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(CallError::malformed("more than the messages of an answer")),
        }
    }

    fn length(&self) -> Result<Option<usize>, CallError> {
        let Some([flag, a, b, c, d]) = self.0.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        if *flag != 0 {
            return Err(CallError::malformed("a compressed message"));
        }
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        if length > EVENT_BYTES_MAX {
            let text = format!("a message of more than {EVENT_BYTES_MAX} bytes");
            return Err(CallError::Malformed(text));
        }
        Ok(Some(length))
    }
}

impl fmt::Debug for Unframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unframed").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_of_frames_that_are_cut_anywhere() {
        let messages = [b"".as_slice(), b"a", &[7; 300]];
        let frames = messages.map(|message| around(message).unwrap()).concat();
        for size in 1..frames.len() {
            let mut unframed = Unframed::default();
            let mut found = Vec::new();
            for piece in frames.chunks(size) {
                unframed.push(piece).unwrap();
                while let Some(Frame(message)) = unframed.pop().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, messages, "{size}");
        }
    }

    #[test]
    fn what_is_compressed_or_too_large_is_refused_at_its_head() {
        assert!(Unframed::default().push(&[1, 0, 0, 0, 1]).is_err());
        assert!(Unframed::default().push(&[0, 0xff, 0, 0, 0]).is_err());
        assert!(Unframed::default().push(&[0, 0xff, 0, 0]).is_ok());
    }
}
