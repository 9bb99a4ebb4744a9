//! What a command leaves.

use std::process::{ExitStatus, Output};

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Finished {
    /// What it printed; it must have succeeded, without a word of complaint.
    pub fn good(&self) -> &str {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:?}");
        &self.stdout
    }

    /// What it complained; it must have failed as scripts expect.
    pub fn bad(&self) -> &str {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        &self.stderr
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.good()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
