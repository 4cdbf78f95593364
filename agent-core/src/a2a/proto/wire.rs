//! The encoding of Protocol Buffers: varints, tags and lengths.

use super::error::ProtoError;

/// How a field stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32,
    Bytes(&'a [u8]),
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

/// The largest number that a field can have.
const FIELD_NUMBER_MAX: u64 = (1 << 29) - 1;

/// Ten groups of seven bits hold 64.
const VARINT_BYTES_MAX: usize = 10;

/// The fields of one message, in the order of the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The number and value of the next field.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Raw<'a>)>, ProtoError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > FIELD_NUMBER_MAX {
            return Err(ProtoError::FieldNumber);
        }
        let number = u32::try_from(number).map_err(|_| ProtoError::FieldNumber)?;
        let [low, ..] = tag.to_le_bytes();
        let raw = match low & 7 {
            VARINT => Raw::Varint(self.varint()?),
            FIXED64 => Raw::Fixed64(self.array()?),
            BYTES => {
                let length = usize::try_from(self.varint()?).map_err(|_| ProtoError::Truncated)?;
                Raw::Bytes(self.take(length)?)
            }
            FIXED32 => {
                self.take(4)?;
                Raw::Fixed32
            }
            other => return Err(ProtoError::WireType(other)),
        };
        Ok(Some((number, raw)))
    }

    fn varint(&mut self) -> Result<u64, ProtoError> {
        let mut value = 0_u64;
        for index in 0..VARINT_BYTES_MAX {
            let (byte, rest) = self.0.split_first().ok_or(ProtoError::Truncated)?;
            self.0 = rest;
            // The tenth byte has room for one bit of 64.
            if index + 1 == VARINT_BYTES_MAX && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (index * 7);
            if *byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ProtoError::Varint)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ProtoError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(ProtoError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtoError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ProtoError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }
}

/// A message that is being written.
///
/// The length of a nested message stands before it and is known after it. So lengths are kept
/// beside the bytes and put between them at the end, once: writing stays linear in the size,
/// whatever the nesting.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    lengths: Vec<Length>,
    /// The bytes that the lengths of the closed messages take.
    length_bytes: usize,
}

#[derive(Debug)]
struct Length {
    at: usize,
    value: usize,
}

/// A nested message that is not closed yet.
#[derive(Debug)]
#[must_use]
pub(super) struct Open {
    index: usize,
    length_bytes: usize,
}

impl Writer {
    pub(super) fn varint(&mut self, number: u32, value: u64) {
        self.tag(number, VARINT);
        put_varint(&mut self.bytes, value);
    }

    pub(super) fn double(&mut self, number: u32, value: f64) {
        self.tag(number, FIXED64);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, number: u32, value: &[u8]) {
        self.tag(number, BYTES);
        put_varint(&mut self.bytes, length(value.len()));
        self.bytes.extend_from_slice(value);
    }

    /// Begins a nested message.
    pub(super) fn open(&mut self, number: u32) -> Open {
        self.tag(number, BYTES);
        self.lengths.push(Length {
            at: self.bytes.len(),
            value: 0,
        });
        Open {
            index: self.lengths.len().saturating_sub(1),
            length_bytes: self.length_bytes,
        }
    }

    pub(super) fn close(&mut self, open: Open) {
        let Some(entry) = self.lengths.get_mut(open.index) else {
            return;
        };
        let own = self.bytes.len().saturating_sub(entry.at);
        entry.value = own + self.length_bytes.saturating_sub(open.length_bytes);
        self.length_bytes += varint_bytes(length(entry.value));
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + self.length_bytes);
        let mut rest = self.bytes.as_slice();
        let mut done = 0;
        for Length { at, value } in self.lengths {
            let (before, after) = rest.split_at(at.saturating_sub(done).min(rest.len()));
            out.extend_from_slice(before);
            put_varint(&mut out, length(value));
            (rest, done) = (after, at);
        }
        out.extend_from_slice(rest);
        out
    }

    fn tag(&mut self, number: u32, wire_type: u8) {
        put_varint(
            &mut self.bytes,
            u64::from(number) << 3 | u64::from(wire_type),
        );
    }
}

/// What is in memory has a length of at most 64 bits.
fn length(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

const fn varint_bytes(value: u64) -> usize {
    let mut bytes = 1;
    let mut rest = value >> 7;
    while rest != 0 {
        bytes += 1;
        rest >>= 7;
    }
    bytes
}
