//! Lines of the audit log that commands write.

use rustix::process::getuid;

use crate::{
    audit::{AuditEvent, AuditFile, AuditTarget},
    cli::output,
    config::audit_target,
    environment::Environment,
};

/// Makes the event of a change that a command has made, with the user who ran it.
pub(in crate::cli) fn by_command(event: &'static str) -> AuditEvent {
    AuditEvent::now(event)
        .with("by", "command")
        .with("uid", getuid().as_raw())
}

/// Appends the events to the audit log, if that is a file: standard output is the command's own.
/// An error does not undo the change, so it is a remark.
pub(in crate::cli) fn record(environment: &Environment, events: &[AuditEvent]) {
    let written = match audit_target(environment) {
        _ if events.is_empty() => return,
        Ok(None | Some(AuditTarget::Stdout)) => return,
        Ok(Some(AuditTarget::File(path))) => AuditFile::new(path)
            .append(events)
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = written {
        output::remark(format_args!(
            "Warning: this is done, but the audit log has no line of it: {error}"
        ));
    }
}
