//! One TCP connection to a provider. It ends when the provider sends without end, and some
//! time after a call on it was given up.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Extensions, Request};
use hyper_util::client::legacy::connect::{
    CaptureConnection, Connected, Connection, capture_connection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::clock::Stopwatch;

/// Limit of bytes that a provider may send while nothing is sent to it. Eight times the longest
/// response fit, and an endless run of 1xx responses, of headers or of empty TLS records does
/// not.
const MAX_UNPROMPTED_BYTES: usize = 2 * 1024 * 1024;
/// Time for which a retired connection stays open for its other calls. Longer than any of them
/// lasts. hyper keeps an HTTP/2 connection open for a call that it could not begin, even if
/// that call was given up. It is also the limit of making a connection.
pub(super) const OTHER_CALLS: Duration = Duration::from_secs(75);

/// A TCP connection to a provider or to the proxy on the way.
#[derive(Debug)]
pub(super) struct ProviderStream {
    stream: TcpStream,
    retirement: Retirement,
    /// Bytes received since the last ones were sent.
    unprompted: usize,
}

/// The moment from which a connection takes no further call. Clones share it.
#[derive(Clone, Debug, Default)]
struct Retirement(Arc<OnceLock<Stopwatch>>);

impl ProviderStream {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            retirement: Retirement::default(),
            unprompted: 0,
        }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.stream)
    }

    /// Fails if the connection must end. A PING wakes an idle connection often enough.
    fn check(&self) -> io::Result<()> {
        let retired = self.retirement.0.get();
        if retired.is_some_and(|since| since.elapsed() >= OTHER_CALLS) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match self.unprompted > MAX_UNPROMPTED_BYTES {
            true => Err(io::Error::other("the provider sends without end")),
            false => Ok(()),
        }
    }
}

impl Connection for ProviderStream {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.retirement.clone())
    }
}

impl AsyncRead for ProviderStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let before = buffer.filled().len();
        ready!(self.stream().poll_read(context, buffer))?;
        self.unprompted += buffer.filled().len() - before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ProviderStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream().poll_write(context, bytes))?;
        self.unprompted = 0;
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream().poll_write_vectored(context, slices))?;
        self.unprompted = 0;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

/// The guard of a call. If it is dropped before [`CallGuard::answered`], the call was given up or
/// broken off, and its connection takes no further one: it may be dead.
#[derive(Debug)]
pub(super) struct CallGuard {
    connection: CaptureConnection,
    is_answered: bool,
}

impl CallGuard {
    pub(super) fn of<B>(request: &mut Request<B>) -> Self {
        Self {
            connection: capture_connection(request),
            is_answered: false,
        }
    }

    /// Marks the call as one that says nothing against its connection.
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let connected = self.connection.connection_metadata();
        let Some(connected) = connected.as_ref().filter(|_| !self.is_answered) else {
            return;
        };
        connected.poison();
        let mut extras = Extensions::new();
        connected.get_extras(&mut extras);
        if let Some(retirement) = extras.get::<Retirement>() {
            retirement.0.get_or_init(Stopwatch::start);
        }
        tracing::debug!("a call got no answer, and its connection takes no further one");
    }
}
