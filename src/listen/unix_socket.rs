//! A Unix socket that is a file: bound over what a crash left behind, and removed
//! at the end.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// Its user and group may connect: like any port it gives access to the service,
/// and where TRUSTED_PROXIES names `unix`, to whatever a proxy may say.
const MODE: u32 = 0o660;

/// A bound socket, whose file goes with it.
#[derive(Debug)]
pub struct UnixSocket {
    pub(super) listener: UnixListener,
    /// `None` for one that systemd made, which is systemd's to remove.
    file: Option<SocketFile>,
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl From<UnixListener> for UnixSocket {
    fn from(listener: UnixListener) -> Self {
        Self {
            listener,
            file: None,
        }
    }
}

impl UnixSocket {
    /// Closes it, and returns who is connected and was not accepted yet.
    pub(super) fn close(self) -> io::Result<Vec<UnixStream>> {
        // First of all: where there is no file, nobody connects.
        drop(self.file);
        let listener = self.listener.into_std()?;
        let waiting = std::iter::from_fn(|| listener.accept().ok());
        let streams = waiting.map(|(stream, _)| {
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        });
        streams.collect()
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Binds `path`. A socket file at which nobody listens is what a crash leaves: it
/// is replaced. Anything else there is not ours to remove.
pub(super) async fn bind(path: &Path) -> io::Result<UnixSocket> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket {
        if UnixStream::connect(path).await.is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    } else if fs::symlink_metadata(path).is_ok() {
        return Err(io::Error::other("a file that is no socket is there"));
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    Ok(UnixSocket {
        listener,
        file: Some(SocketFile(path.to_owned())),
    })
}
