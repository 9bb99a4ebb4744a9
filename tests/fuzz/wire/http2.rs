//! Frames of HTTP/2 (RFC 9113 section 4.1), right and wrong.

use proptest::{collection::vec, prelude::*};

use crate::mutation::{Recipe, recipes};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Types of frames.
const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const WHOLE: u8 = END_STREAM | END_HEADERS;

/// The most of one frame again and again: rapid resets, floods of PING and SETTINGS.
const MOST_TIMES: usize = 400;
const MOST_BYTES: usize = 512 * 1024;
/// The last stream that a client can open.
pub const LAST_STREAM: u32 = 0x7fff_ffff;

#[derive(Clone, Copy, Debug)]
enum On {
    Connection,
    /// The one that the client used last.
    Same,
    Next,
    Other(u32),
}

/// Frames that are right, at least in some place.
const RIGHT: [(u8, u8, On, &[u8]); 14] = [
    (HEADERS, WHOLE, On::Next, GET),
    (
        HEADERS,
        WHOLE,
        On::Next,
        b"\x82\x86\x41\x01a\x04\x0e/fetch?token=x",
    ),
    (HEADERS, END_HEADERS, On::Next, POST),
    (DATA, END_STREAM, On::Same, b"authid=v2:stable:x"),
    (DATA, 0, On::Same, b"authid="),
    (HEADERS, END_STREAM, On::Next, b"\x82\x86"),
    (CONTINUATION, END_HEADERS, On::Same, b"\x84\x41\x01a"),
    (PRIORITY, 0, On::Same, b"\0\0\0\x01\x10"),
    (RST_STREAM, 0, On::Same, b"\0\0\0\x08"),
    // A table of 4 GiB, a window of 2 GiB; the largest frames, and no stream for us
    (
        SETTINGS,
        0,
        On::Connection,
        b"\0\x01\xff\xff\xff\xff\0\x04\x7f\xff\xff\xff",
    ),
    (
        SETTINGS,
        0,
        On::Connection,
        b"\0\x05\0\xff\xff\xff\0\x03\0\0\0\0",
    ),
    (PING, 0, On::Connection, b"12345678"),
    (WINDOW_UPDATE, 0, On::Connection, b"\x3f\xff\xff\xff"),
    (GOAWAY, 0, On::Connection, b"\0\0\0\0\0\0\0\0bye"),
];
/// GET / of http://a
const GET: &[u8] = b"\x82\x86\x84\x41\x01a";
const POST: &[u8] =
    b"\x83\x86\x41\x01a\x04\x08/refresh\x0f\x10\x21application/x-www-form-urlencoded";

/// A right frame, of which little or much is changed.
#[derive(Clone, Debug)]
pub struct Frame {
    right: usize,
    kind: Option<u8>,
    flags: Option<u8>,
    on: Option<On>,
    payload: Option<Recipe>,
    /// By how much the length is wrong.
    lie: Option<i32>,
    times: usize,
}

pub fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let rarely = 0.07;
    let on = prop_oneof![
        Just(On::Connection),
        Just(On::Same),
        any::<u32>().prop_map(On::Other),
    ];
    let payload = recipes(&["\x7a", "\x11", "cookie", ":path", "\x04", "\x3f\x7f"]);
    let frame = (
        // Requests, mostly
        prop_oneof![2 => 0..3usize, 1 => 0..RIGHT.len()],
        prop::option::weighted(rarely, 0..12u8),
        prop::option::weighted(rarely, any::<u8>()),
        prop::option::weighted(rarely, on),
        prop::option::weighted(rarely, payload),
        prop::option::weighted(rarely / 2.0, -20..20_000i32),
        prop_oneof![19 => Just(1), 1 => 1..MOST_TIMES],
    );
    let frame = frame.prop_map(|(right, kind, flags, on, payload, lie, times)| Frame {
        right,
        kind,
        flags,
        on,
        payload,
        lie,
        times,
    });
    vec(frame, 0..8)
}

/// All of them, and at the end a request on the last stream.
pub fn write(frames: &[Frame], bytes: &mut Vec<u8>) {
    let mut stream = u32::MAX;
    for frame in frames {
        frame.write(&mut stream, bytes);
    }
    write_one(HEADERS, WHOLE, LAST_STREAM, GET.len(), GET, bytes);
}

impl Frame {
    /// `stream` is the one that the client used last.
    fn write(&self, stream: &mut u32, bytes: &mut Vec<u8>) {
        let (kind, flags, on, right) = RIGHT[self.right];
        let mut payload = match &self.payload {
            Some(recipe) => recipe.make(&[right]),
            None => right.to_vec(),
        };
        payload.truncate(16 * 1024);
        let length = payload.len() as i32 + self.lie.unwrap_or_default();
        for _ in 0..self.times {
            *stream = match self.on.unwrap_or(on) {
                On::Next => stream.wrapping_add(2),
                _ => *stream,
            };
            let on = match self.on.unwrap_or(on) {
                On::Connection => 0,
                On::Same | On::Next => *stream,
                On::Other(stream) => stream,
            };
            let (kind, flags) = (self.kind.unwrap_or(kind), self.flags.unwrap_or(flags));
            write_one(kind, flags, on, length.max(0) as usize, &payload, bytes);
            if bytes.len() > MOST_BYTES {
                return;
            }
        }
    }
}

fn write_one(kind: u8, flags: u8, stream: u32, length: usize, payload: &[u8], to: &mut Vec<u8>) {
    to.extend(&(length as u32).to_be_bytes()[1..]);
    to.extend([kind, flags]);
    to.extend(stream.to_be_bytes());
    to.extend(payload);
}

/// The types of these frames and their streams; `None` unless they are whole, and of
/// types that there are.
pub fn read(mut bytes: &[u8]) -> Option<Vec<(u8, u32)>> {
    let mut frames = Vec::new();
    while let [a, b, c, kind @ 0..=9, _, d, e, f, g, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        bytes = rest.get(length..)?;
        frames.push((*kind, u32::from_be_bytes([*d, *e, *f, *g])));
    }
    bytes.is_empty().then_some(frames)
}
