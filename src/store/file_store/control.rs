//! The socket by which commands reach the server that has the lock of a folder: one line of
//! JSON for each question and each answer. Only the folder's owner can enter the folder.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    closed,
    request::{Change, LoginPage, Request, StoreReply},
};
use crate::store::{Entry, Name, News, StoreError};

/// Time that each side waits for the other.
const PATIENCE: Duration = Duration::from_secs(60);

/// The listening socket. It is not blocking: the thread of the store looks at it now and
/// then.
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ControlQuestion {
    Page { after: Option<Name> },
    News,
    Merge(Vec<Entry>),
    Revoked(Name),
    Rotating(String),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ControlAnswer {
    Page {
        entries: Vec<Entry>,
        sent: u64,
    },
    News {
        revoked: Vec<Name>,
        rotating: Vec<String>,
    },
    Stored(u64),
    Failed(String),
}

impl Control {
    /// Listens. A failure is logged: only commands beside a running server need it.
    pub(super) fn listen(path: &Path) -> Option<Self> {
        // Of a process that was killed: this one has the lock.
        let _ = fs::remove_file(path);
        let listening = UnixListener::bind(path).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match listening {
            Ok(listener) => Some(Self {
                listener,
                path: path.to_owned(),
            }),
            Err(error) => {
                let path = path.display();
                tracing::warn!(
                    "cannot listen on {path}: {error}; authseal store works only while this server \
                     is stopped"
                );
                None
            }
        }
    }

    /// Serves everybody who waits, each in a thread of its own.
    pub(super) fn accept(&self, requests: &SyncSender<Request>) {
        while let Ok((stream, _)) = self.listener.accept() {
            let requests = requests.clone();
            let serving = std::thread::Builder::new().name("store-control".into());
            // Whoever asked sees the end of the connection.
            let _ = serving.spawn(move || serve(&stream, &requests));
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn serve(stream: &UnixStream, requests: &SyncSender<Request>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let answer = match serde_json::from_str(&line) {
            Ok(question) => answer(question, requests),
            Err(error) => ControlAnswer::Failed(error.to_string()),
        };
        send(stream, &answer)?;
        line.clear();
    }
    Ok(())
}

fn answer(question: ControlQuestion, requests: &SyncSender<Request>) -> ControlAnswer {
    let change = |change| {
        let stored = ask(requests, |reply| Request::Change(change, reply));
        stored.map(ControlAnswer::Stored)
    };
    let answered = match question {
        ControlQuestion::Page { after } => ask(requests, |reply| Request::Page(after, reply))
            .map(|LoginPage { entries, sent }| ControlAnswer::Page { entries, sent }),
        ControlQuestion::News => ask(requests, |reply| Request::News(0.0, reply)).map(
            |News {
                 revoked, rotating, ..
             }| ControlAnswer::News { revoked, rotating },
        ),
        ControlQuestion::Merge(entries) => change(Change::Merge(entries)),
        ControlQuestion::Revoked(name) => change(Change::Revoked(name)),
        ControlQuestion::Rotating(provider) => change(Change::Rotating(provider)),
    };
    answered.unwrap_or_else(|error| ControlAnswer::Failed(error.to_string()))
}

fn ask<T>(
    requests: &SyncSender<Request>,
    request: impl FnOnce(StoreReply<T>) -> Request,
) -> Result<T, StoreError> {
    let (reply, result) = oneshot::channel();
    requests.send(request(reply)).map_err(|_| closed())?;
    result.blocking_recv().unwrap_or_else(|_| Err(closed()))
}

/// Carries out requests by asking the server that has the lock, until its connection or
/// the requests end.
pub(super) fn forward(stream: &UnixStream, requests: &Receiver<Request>) {
    let mut lines = BufReader::new(stream);
    let mut put = |question: ControlQuestion| -> Result<ControlAnswer, StoreError> {
        let asking = send(stream, &question).and_then(|()| {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            Ok(serde_json::from_str(&line)?)
        });
        match asking {
            Ok(ControlAnswer::Failed(cause)) => Err(StoreError::Refused { cause }),
            Ok(answer) => Ok(answer),
            Err(error) => Err(StoreError::Unreachable {
                cause: error.to_string(),
            }),
        }
    };
    let unexpected = || StoreError::Refused {
        cause: "the running server is of another version".to_owned(),
    };
    for request in requests {
        match request {
            Request::Page(after, reply) => {
                let page = put(ControlQuestion::Page { after }).and_then(|answer| match answer {
                    ControlAnswer::Page { entries, sent } => Ok(LoginPage { entries, sent }),
                    _ => Err(unexpected()),
                });
                let _ = reply.send(page);
            }
            Request::News(_, reply) => {
                let news = put(ControlQuestion::News).and_then(|answer| match answer {
                    ControlAnswer::News { revoked, rotating } => Ok(News {
                        revoked,
                        rotating,
                        read_until: 0.0,
                    }),
                    _ => Err(unexpected()),
                });
                let _ = reply.send(news);
            }
            Request::Change(change, reply) => {
                let question = match change {
                    Change::Merge(entries) => ControlQuestion::Merge(entries),
                    Change::Revoked(name) => ControlQuestion::Revoked(name),
                    Change::Rotating(provider) => ControlQuestion::Rotating(provider),
                    // Only servers refresh.
                    Change::MarkSent(_) | Change::Settle(..) => continue,
                };
                let stored = put(question).and_then(|answer| match answer {
                    ControlAnswer::Stored(count) => Ok(count),
                    _ => Err(unexpected()),
                });
                let _ = reply.send(stored);
            }
            Request::Login(..) => {}
            Request::Close(reply) => {
                let _ = reply.send(Ok(()));
                return;
            }
        }
    }
}

/// Connects to the server that has the lock.
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn send(mut stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}
