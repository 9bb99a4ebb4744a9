//! Reading files that must be regular ones. Opening a pipe waits until another program
//! opens its other end, reading a terminal waits for a person, and opening a device can
//! have an effect. Every reader has a limit, because a path may name anything.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

/// Limit of a file in bytes: room for millions of revocations.
const LARGEST: u64 = 256 * 1024 * 1024;
/// Limit of a file that holds the value of a setting, a table or certificates. The
/// certificates that a system trusts take a quarter of a MiB.
pub(crate) const LARGEST_OF_SETTINGS: u64 = 16 * 1024 * 1024;

/// Reads a regular file. Anything else is an error, and is not opened.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, LARGEST)
}

/// Reads a regular file, unless it has more bytes than this.
pub(crate) fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    check(&fs::metadata(path)?)?;
    // Another file may have taken its place meanwhile, so this must not wait either.
    let no_wait = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_wait.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    let length = metadata.len();
    refuse_larger(length, limit)?;
    // One byte more, so that the buffer does not grow, which leaves copies of secrets behind.
    let capacity = usize::try_from(length).unwrap_or_default();
    let mut bytes = Vec::with_capacity(capacity.saturating_add(1));
    // It may grow meanwhile, and some files of /proc do not tell their length.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    refuse_larger(u64::try_from(read).unwrap_or(u64::MAX), limit)?;
    Ok(bytes)
}

/// Reads a regular file of UTF-8 that a setting names.
pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    String::from_utf8(read_at_most(path, LARGEST_OF_SETTINGS)?).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not UTF-8; save it as UTF-8",
        )
    })
}

fn refuse_larger(length: u64, limit: u64) -> io::Result<()> {
    match length > limit {
        true => Err(io::Error::other(format!(
            "it has more than {} MiB",
            limit / (1024 * 1024)
        ))),
        false => Ok(()),
    }
}

/// Refuses an open file that is not a regular one, before it is read.
pub(crate) fn refuse_others(file: &File) -> io::Result<()> {
    check(&file.metadata()?)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "folder",
        () if kind.is_fifo() => "pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    };
    Err(io::Error::other(format!(
        "it is a {what}, and only regular files are read"
    )))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_nothing_else_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name| folder.path().join(name);
        fs::write(at("file"), "content").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        assert_eq!(read_to_string(&at("link")).unwrap(), "content");
        for (path, what) in [
            (at("pipe"), "pipe"),
            (at("socket"), "socket"),
            (at(""), "folder"),
            ("/dev/zero".into(), "device"),
        ] {
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("it is a {what}")), "{error}");
        }
    }

    #[test]
    fn a_file_larger_than_its_limit_is_refused_before_it_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(1 << 40).unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert_eq!(error, "it has more than 256 MiB");
        let error = read_to_string(file.path()).unwrap_err().to_string();
        assert_eq!(error, "it has more than 16 MiB");
        file.as_file().set_len(3).unwrap();
        assert_eq!(read_at_most(file.path(), 3).unwrap(), [0; 3]);
        assert!(read_at_most(file.path(), 2).is_err());
    }
}
