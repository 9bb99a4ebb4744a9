//! The stream of a connection while hyper has it. It tells the slot what passes, and comes
//! back when hyper drops it, so that a connection that is being closed can still say why.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{listener::Stream, slot::Slot};

/// Beginning of an HTTP/2 connection (RFC 9113 section 3.4). No HTTP/1 request begins so.
const HTTP2_PREFACE: &[u8] = b"PRI ";

/// A stream that returns to its slot on drop.
#[derive(Debug)]
pub(super) struct LentStream {
    /// `None` only during drop.
    stream: Option<Stream>,
    slot: Arc<Slot>,
    /// Rest of the preface that would make this HTTP/2, as long as all bytes were of it.
    preface: Option<&'static [u8]>,
}

impl LentStream {
    pub(super) fn new(stream: Stream, slot: Arc<Slot>) -> Self {
        Self {
            stream: Some(stream),
            slot,
            preface: Some(HTTP2_PREFACE),
        }
    }

    fn stream(&mut self) -> Pin<&mut Stream> {
        Pin::new(self.stream.as_mut().expect("it is there until drop"))
    }
}

/// Returns what is left of `expected` behind `received`; `None` if they differ.
fn common_rest(expected: &'static [u8], received: &[u8]) -> Option<&'static [u8]> {
    let length = expected.len().min(received.len());
    (expected[..length] == received[..length]).then(|| &expected[length..])
}

impl Drop for LentStream {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.slot.give_back(stream);
        }
    }
}

impl AsyncRead for LentStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream().poll_read(context, buffer))?;
        let received = &buffer.filled()[before..];
        // Empty lines before a request are ignored (RFC 9112 section 2.2).
        if received.iter().any(|byte| !b"\r\n".contains(byte)) {
            self.slot.note_received();
        }
        if let Some(rest) = self.preface {
            self.preface = common_rest(rest, received);
            if self.preface == Some(&[]) {
                self.slot.note_http2();
                self.preface = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LentStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        if written.is_pending() {
            self.slot.note_unwritten(true);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::is_write_vectored)
    }

    /// hyper flushes when all of a response has been taken.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(context);
        self.slot.note_unwritten(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
