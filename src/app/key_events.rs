//! Changes of keys and revocations, for the audit log.

use std::collections::HashSet;

use crate::{
    audit::AuditEvent,
    keyring::{Jwk, KeySet, Revocation},
    seal::Lineage,
};

/// Number of changed revocations that have a line each. A file that has lost thousands of lines
/// gives one line more.
const MOST_LINES: usize = 100;

/// Returns an event for each change between two loads of the keys.
pub(super) fn of_reload(before: &KeySet, after: &KeySet) -> Vec<AuditEvent> {
    let by_file = |name| AuditEvent::now(name).with("by", "file");
    let mut events = Vec::new();
    for key in after.iter() {
        let Some(was) = find(before, &key.kid) else {
            events.push(with_new_key(by_file("key_made"), key));
            continue;
        };
        if was.exp != key.exp {
            events.push(with_end(by_file("key_retired"), key));
        }
        match (&was.replaced, &key.replaced) {
            (_, Some(now)) if was.replaced.as_ref() != Some(now) => {
                let event = by_file("key_replaced").with("kid", key.kid.as_str());
                events.push(event.with("new_kid", now.by.as_str()));
            }
            (Some(_), None) => {
                let event = by_file("key_replacement_undone");
                events.push(event.with("kid", key.kid.as_str()));
            }
            _ => {}
        }
    }
    let gone = before
        .iter()
        .filter(|key| find(after, &key.kid).is_none())
        .map(|key| by_file("key_removed").with("kid", key.kid.as_str()));
    events.extend(gone);
    let all = |keys: &KeySet| keys.revocations().collect::<HashSet<Revocation>>();
    let (were, are) = (all(before), all(after));
    for (name, changed) in [
        ("revoked", are.difference(&were)),
        ("revocation_undone", were.difference(&are)),
    ] {
        let mut changed: Vec<&Revocation> = changed.collect();
        changed.sort_by_key(|revocation| revocation.to_string());
        let more = changed.len().saturating_sub(MOST_LINES);
        let told = changed.into_iter().take(MOST_LINES);
        events.extend(told.map(|revocation| with_revocation(by_file(name), revocation)));
        if more > 0 {
            events.push(by_file(name).with("count", more));
        }
    }
    events
}

fn find<'k>(keys: &'k KeySet, kid: &str) -> Option<&'k Jwk> {
    keys.iter().find(|key| key.kid == kid)
}

/// Adds a new key to an event.
pub(crate) fn with_new_key(event: AuditEvent, key: &Jwk) -> AuditEvent {
    let replaces = (!key.replaces.is_empty()).then(|| key.replaces.clone());
    event
        .with("kid", key.kid.as_str())
        .with("activates", key.nbf.to_string())
        .with_some("replaces", replaces)
}

/// Adds a key and its end, which may be never, to an event.
fn with_end(event: AuditEvent, key: &Jwk) -> AuditEvent {
    event
        .with("kid", key.kid.as_str())
        .with("ends", key.exp.map(|end| end.to_string()))
}

/// Adds a login, by its name in logs, or a rule to an event.
pub(crate) fn with_revocation(event: AuditEvent, revocation: &Revocation) -> AuditEvent {
    let text = revocation.to_string();
    match revocation {
        Revocation::Lineage(_) => {
            let lineage = Lineage::parse(&text).map(|lineage| lineage.short_hash());
            event.with_some("lineage", lineage)
        }
        Revocation::Rule(..) => event.with("rule", text),
    }
}
