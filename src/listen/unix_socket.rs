//! Unix sockets in the file system: one that a crash left behind is replaced, and the
//! file is removed at the end.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// Mode of the file: its user and group may connect. Like a TCP port, it gives access to
/// the service. If TRUSTED_PROXIES names `unix`, it also lets them set every header that
/// a trusted proxy may set.
const MODE: u32 = 0o660;

/// A listening socket, whose file is removed with it.
#[derive(Debug)]
pub struct UnixSocket {
    pub(super) listener: UnixListener,
    /// `None` for a socket of systemd, which systemd removes.
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
    /// Closes the socket, and returns the connections that were not accepted yet.
    pub(super) fn close(self) -> io::Result<Vec<UnixStream>> {
        // Remove the file first: without it nobody can connect.
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

/// Binds `path`. A socket file on which no process listens is a leftover of a crash and
/// is replaced. Any other file is left alone, and binding fails.
pub(super) async fn bind(path: &Path) -> io::Result<UnixSocket> {
    if has_leftover(path).await? {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    Ok(UnixSocket {
        listener,
        file: Some(SocketFile(path.to_owned())),
    })
}

/// Fails where [`bind`] would, and changes nothing: a leftover stays.
pub(super) async fn try_bind(path: &Path) -> io::Result<()> {
    if has_leftover(path).await? {
        return Ok(());
    }
    let listener = UnixListener::bind(path)?;
    let _removed_at_the_end = SocketFile(path.to_owned());
    drop(listener);
    Ok(())
}

/// True if a socket is there on which no process listens. Fails if one does, or if another
/// file is there.
async fn has_leftover(path: &Path) -> io::Result<bool> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(false);
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other("a file that is no socket is there"));
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(_) => Ok(true),
    }
}
