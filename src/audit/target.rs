//! Place of the audit log.

use std::{fmt, path::PathBuf};

/// Place to which the lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// A file, to which commands write as well.
    File(PathBuf),
    /// Standard output of the server.
    Stdout,
}

impl AuditTarget {
    /// Parses `stdout` or an absolute path. A relative path would be another file for each
    /// command, by its current folder.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "/dev/stdout" | "/dev/stderr" | "/proc/self/fd/1" | "-" => {
                Err("is no file; write stdout for standard output")
            }
            path if !path.starts_with('/') || path.ends_with('/') => Err(
                "is neither stdout nor the whole path of a file; write it like \
                     /var/lib/authseal/audit.log",
            ),
            path if path.contains(char::is_control) => {
                Err("has a control character in it; write the path alone")
            }
            path => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for AuditTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("standard output"),
        }
    }
}
