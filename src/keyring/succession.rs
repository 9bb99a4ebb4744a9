//! Computes the next keys and revocations from those in use and one load of the folder.
//!
//! Absence is not an order: a key or a revocation that is merely gone stays in use. `keys
//! remove` and `revoke --undo` write down that a removal is meant.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
    sync::Arc,
};

use super::{
    Jwk, KeySet,
    condition::{Condition, Gone},
    folder::{FolderContents, KeyFiles, REVOKED},
    history::{Fate, HISTORY, History},
    replacing::is_replaced,
    revocations::Revocations,
    volume,
};
use crate::clock::UnixTime;

/// Computes the next set and condition from those in use and the content of the folder.
pub(super) fn follow(
    folder: &Path,
    makes_first_key: bool,
    keys: &KeySet,
    condition: &Condition,
    found: FolderContents,
) -> (KeySet, Condition) {
    let mut next = Condition {
        folder: shown(folder),
        waits_for: condition.waits_for.clone(),
        has_had_keys: condition.has_had_keys,
        knows_revocations: condition.knows_revocations,
        ..Condition::default()
    };
    let history = found.history.unwrap_or_else(|error| {
        let path = folder.join(HISTORY);
        let problem = format!("{} cannot be read: {error}", path.display());
        next.keys.push(problem);
        History::default()
    });
    let marks = [
        (REVOKED, !matches!(found.revoked, Ok(None))),
        (HISTORY, fs::symlink_metadata(folder.join(HISTORY)).is_ok()),
    ];
    let mark = marks.iter().find(|(_, is_there)| *is_there);
    let mark = mark.map(|(name, _)| *name);
    let revocations = follow_revocations(
        folder,
        &keys.revocations,
        &history,
        &mut next,
        !condition.revocations.is_empty(),
        found.revoked,
    );
    let InUse {
        keys: in_use,
        protected,
        missing,
    } = match found.keys {
        Ok(read) if changed(keys, &read.keys).is_none() => {
            follow_keys(keys, read, &history, &mut next)
        }
        Ok(read) => {
            next.keys.extend(changed(keys, &read.keys).map(|kid| {
                format!(
                    "{kid}.jwk in {} holds another key than the one of that name in use: put the \
                     old file back, and give the new key another name",
                    next.folder
                )
            }));
            InUse::as_before(keys)
        }
        Err(error) => {
            next.keys.extend(error.problems);
            InUse::as_before(keys)
        }
    };
    next.has_had_keys |= !in_use.is_empty();
    if in_use.is_empty() && next.has_had_keys {
        let all_removed = format!(
            "every key of {} was removed, so nobody can log in: make one with authseal keys new",
            next.folder
        );
        next.keys.push(all_removed);
    }
    next.waits_for = match next.has_had_keys {
        true => None,
        // A folder whose passphrase is wrong has had keys too.
        false if !next.keys.is_empty() => Some(format!("{} cannot be read", next.folder)),
        false => {
            let why = why_empty(folder, &history, mark, makes_first_key);
            why.or(next.waits_for)
        }
    };
    if !next.knows_revocations {
        let why = next.revocations.join("; ");
        let why = format!("which logins are revoked is not known. {why}");
        next.waits_for = next.waits_for.or(Some(why));
    }
    let mut set = KeySet::new(in_use);
    set.keep_replaced(keys.replaced().filter(|(kid, _)| !history.is_undone(kid)));
    set.keep_replaced(history.replaced.iter().flat_map(|(kid, replaced)| {
        let replaced = replaced.iter();
        replaced.map(move |replaced| (kid.as_str(), replaced))
    }));
    set.protected = protected;
    set.missing = missing;
    set.revocations = revocations;
    (set, next)
}

type Missing = BTreeMap<String, Option<UnixTime>>;

struct InUse {
    keys: Vec<Jwk>,
    protected: HashSet<String>,
    missing: Missing,
}

impl InUse {
    fn as_before(keys: &KeySet) -> Self {
        Self {
            keys: keys.iter().cloned().collect(),
            protected: keys.protected.clone(),
            missing: keys.missing.clone(),
        }
    }
}

/// End of a replaced key, which is in the past at any time.
const OVER: Option<UnixTime> = Some(UnixTime(0));

/// Returns the keys of the folder, the keys in use whose files are missing, and the ids
/// of keys that are in the history but not in this process.
fn follow_keys(before: &KeySet, read: KeyFiles, history: &History, next: &mut Condition) -> InUse {
    let KeyFiles {
        keys: mut in_use,
        mut protected,
    } = read;
    for key in before.iter() {
        let is_there = in_use.iter().any(|read| read.kid == key.kid);
        if is_there || history.is_removed(&key.kid) {
            continue;
        }
        next.gone.push(Gone {
            kid: key.kid.clone(),
            end: key.exp,
            is_in_use: true,
        });
        in_use.push(key.clone());
        if before.is_protected(&key.kid) {
            protected.insert(key.kid.clone());
        }
    }
    let known = history.fates.iter().filter_map(|(kid, fate)| match fate {
        Fate::Made => Some((kid.clone(), None)),
        Fate::Ends(end) => Some((kid.clone(), Some(*end))),
        Fate::Removed => None,
    });
    let mut missing: Missing = before.missing.clone();
    missing.extend(known);
    missing.retain(|kid, _| !history.is_removed(kid) && in_use.iter().all(|key| key.kid != *kid));
    for (kid, end) in &mut missing {
        if is_replaced(&in_use, history, kid) {
            *end = OVER;
        }
    }
    for gone in &mut next.gone {
        if is_replaced(&in_use, history, &gone.kid) {
            gone.end = OVER;
        }
    }
    next.gone.extend(missing.iter().map(|(kid, end)| Gone {
        kid: kid.clone(),
        end: *end,
        is_in_use: false,
    }));
    InUse {
        keys: in_use,
        protected,
        missing,
    }
}

/// Returns the id of a key whose file now holds other key bytes.
fn changed(before: &KeySet, read: &[Jwk]) -> Option<String> {
    let mut changed = before.iter().filter(|key| {
        let same_name = read.iter().find(|read| read.kid == key.kid);
        same_name.is_some_and(|read| read.bytes() != key.bytes())
    });
    changed.next().map(|key| key.kid.clone())
}

fn follow_revocations(
    folder: &Path,
    before: &Arc<Revocations>,
    history: &History,
    next: &mut Condition,
    is_known_unread: bool,
    found: std::io::Result<Option<super::revocations::Lines>>,
) -> Arc<Revocations> {
    let path = folder.join(REVOKED);
    let path = path.display();
    let mut is_there = true;
    // It was there and could not be read, so its lines are not known: its absence undoes none.
    let is_unread = !next.knows_revocations && is_known_unread;
    let lines = found.unwrap_or_else(|error| {
        is_there = false;
        next.revocations.push(format!(
            "{path} cannot be read: {error}. What was read of it stays in force"
        ));
        None
    });
    // Without a file, the history has everything that was ever read of it.
    let is_gone = is_there && lines.is_none();
    next.knows_revocations |= is_there && !(is_gone && is_unread);
    if is_gone && is_unread {
        next.revocations.push(format!(
            "{path} is gone, and could not be read before: put it back. If it shall go, start \
             the server again"
        ));
    }
    let lines = lines.unwrap_or_default();
    for (number, why) in &lines.problems {
        next.revocations
            .push(format!("{path} line {number}: {why}"));
    }
    let (after, gone) = before.and(&history.revocations).after(&lines);
    if is_there && gone > 0 {
        let what = match is_gone {
            true => "is gone".to_owned(),
            false => format!("has lost {gone} of its lines"),
        };
        next.revocations.push(format!(
            "{path} {what}. What was read stays in force, {} in all: put it back as it was. \
             authseal revoke --undo takes a revocation back",
            after.len()
        ));
    }
    match after == **before {
        true => before.clone(),
        false => Arc::new(after),
    }
}

/// Returns the reason why no first key may be made in a folder without one; `None` if it
/// may.
fn why_empty(
    folder: &Path,
    history: &History,
    mark: Option<&str>,
    makes_first_key: bool,
) -> Option<String> {
    let shown = shown(folder);
    let lies_on = || match volume::mount_point(folder) {
        Some(point) => format!(" It lies on the file system at {}.", point.display()),
        None => String::new(),
    };
    let had = history
        .fates
        .iter()
        .filter(|(_, fate)| **fate != Fate::Removed);
    let had: Vec<String> = had.map(|(kid, _)| format!("{kid}.jwk")).collect();
    if let Some(point) = volume::unmounted(folder) {
        return Some(format!(
            "the volume of {shown} is not mounted: /etc/fstab has one for {}",
            point.display()
        ));
    }
    if !had.is_empty() {
        return Some(format!(
            "{shown} has had {} and holds no key now.{} Mount its volume, or put the files back",
            had.join(", "),
            lies_on()
        ));
    }
    if history.has_had_keys() {
        return Some(format!(
            "every key of {shown} was removed. Make one with authseal keys new"
        ));
    }
    // Includes a history that was emptied or overwritten, and names no key.
    if let Some(mark) = mark {
        return Some(format!(
            "{shown} has {mark} and no key, so it has had some.{} Put the keys back, or make \
             one with authseal keys new",
            lies_on()
        ));
    }
    (!makes_first_key).then(|| {
        format!(
            "{shown} holds no key, and AUTHSEAL_FIRST_KEY is never.{} Mount its volume; or make \
             one with authseal keys new",
            lies_on()
        )
    })
}

fn shown(folder: &Path) -> String {
    format!("the keys folder {}", folder.display())
}
