//! Reads and writes `history.txt`: the keys that the folder has had, which of them
//! leaked, and a copy of each line that was read from `revoked.txt`. It marks a folder
//! that has had keys, so that even a server that has just started can tell a missing key
//! from a removed one.
//!
//! Lines are only ever appended. A line that was cut short by a kill is ignored.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{
    Replacement,
    jwk::is_kid,
    on_disk::{give_to_reader, give_to_reader_alone, sync_file},
    revocation_state::RevocationState,
    revocations::Revocation,
};
use crate::{clock::UnixTime, file_lock, regular_file};

pub(super) const HISTORY: &str = "history.txt";

const HEADING: &str = "# The keys that this folder has had, and the lines that were read of \
                       revoked.txt.\n# authseal writes it. Copy and back it up with the keys.\n";
/// Appended to a line that a kill cut short, so that it is not read as a whole line.
const CUT_SHORT: &str = " cut short\n";

const REVOKED: &str = "revoked";
const UNDONE: &str = "undone";

/// State of a key in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The key was made, and should be in the folder.
    Made,
    /// The key ends, or ended, at this time.
    Ends(UnixTime),
    /// The file of the key was deleted by `keys remove`.
    Removed,
}

/// The history of one folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) fates: BTreeMap<String, Fate>,
    /// Leaked keys, each with the keys that replaced it; the list is empty if that was
    /// undone.
    pub(super) replaced: BTreeMap<String, Vec<Replacement>>,
    /// The state of each revocation.
    pub(super) revocations: HashMap<Revocation, RevocationState>,
}

impl History {
    /// Reads the history of the folder. A missing file is an empty history; a broken link
    /// is an error.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        Ok(Self::parse(
            &read_if_there(&folder.join(HISTORY))?.unwrap_or_default(),
        ))
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut history = Self::default();
        let text = String::from_utf8_lossy(bytes);
        let lines = text.split_inclusive('\n');
        for line in lines.filter_map(|line| line.strip_suffix('\n')) {
            // An editor may have saved it with line breaks of another system.
            let line = line.strip_suffix('\r').unwrap_or(line);
            match line.split_once(' ') {
                Some(("key", rest)) => {
                    let words: Vec<&str> = rest.split(' ').collect();
                    match words[..] {
                        [kid, "replaced", time, "by", by] => history.note_replaced(kid, time, by),
                        [kid, fate, time] => history.note_key(kid, fate, time),
                        _ => {}
                    }
                }
                Some((word @ (REVOKED | UNDONE), revocation)) => {
                    if let Ok(revocation) = Revocation::parse(revocation) {
                        let state = history.revocations.entry(revocation).or_default();
                        state.apply(word == REVOKED);
                    }
                }
                _ => {}
            }
        }
        history
    }

    fn note_replaced(&mut self, kid: &str, time: &str, by: &str) {
        if let Some(at) = UnixTime::parse(time)
            && is_time(time)
            && is_kid(kid)
            && is_kid(by)
        {
            let by = by.to_owned();
            let others = self.replaced.entry(kid.to_owned()).or_default();
            others.push(Replacement { by, at });
        }
    }

    fn note_key(&mut self, kid: &str, fate: &str, time: &str) {
        if fate == UNDONE && is_time(time) && is_kid(kid) {
            self.replaced.insert(kid.to_owned(), Vec::new());
            return;
        }
        let fate = match (fate, time) {
            ("ends", "never") => Fate::Made,
            ("made", time) if is_time(time) => Fate::Made,
            ("removed", time) if is_time(time) => Fate::Removed,
            ("ends", time) if is_time(time) => match UnixTime::parse(time) {
                Some(end) => Fate::Ends(end),
                None => return,
            },
            _ => return,
        };
        if is_kid(kid) {
            self.fates.insert(kid.to_owned(), fate);
        }
    }

    /// Returns the state of this revocation.
    pub(super) fn state(&self, revocation: &Revocation) -> RevocationState {
        let state = self.revocations.get(revocation);
        state.copied().unwrap_or_default()
    }

    /// True if the key was removed on purpose.
    pub(super) fn is_removed(&self, kid: &str) -> bool {
        self.fates.get(kid) == Some(&Fate::Removed)
    }

    /// Returns the keys that replaced this key because it leaked.
    pub(super) fn replaced_by(&self, kid: &str) -> &[Replacement] {
        self.replaced.get(kid).map_or(&[], Vec::as_slice)
    }

    /// True if the key was replaced, and that was undone.
    pub(super) fn is_undone(&self, kid: &str) -> bool {
        self.replaced.get(kid).is_some_and(Vec::is_empty)
    }

    /// True if the folder has had a key.
    pub(super) fn has_had_keys(&self) -> bool {
        !self.fates.is_empty()
    }
}

/// True if the text is a whole time as this file writes it. A shorter time was cut off.
fn is_time(text: &str) -> bool {
    text.len() == "2026-11-27T12:00:00Z".len() && UnixTime::parse(text).is_some()
}

/// Reads a file; `None` if it does not exist. A broken link is an error.
pub(super) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match regular_file::read(path) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() =>
        {
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Exclusive lock of the folder for one command. Other commands that change its text
/// files wait until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    history: File,
    path: PathBuf,
}

impl Held {
    /// Locks the folder; fails after 10 seconds. Makes `history.txt` if there is none.
    pub(super) fn hold(folder: &Path) -> io::Result<Self> {
        let path = folder.join(HISTORY);
        let is_new = matches!(
            fs::symlink_metadata(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound
        );
        let history = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        regular_file::refuse_others(&history)?;
        if is_new && let Err(error) = give_to_reader_alone(folder, &history) {
            // A history that the server cannot read is worse than none.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        // An older one may be root's, whom the folder belonged to then.
        give_to_reader(folder, &history)?;
        file_lock::lock(&history, &path)?;
        Ok(Self { history, path })
    }

    /// Has on disk what the history says already: the command that wrote it may have failed
    /// to do so.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync_file(&self.path)
    }

    /// Reads the history.
    pub(super) fn history(&mut self) -> io::Result<History> {
        Ok(History::parse(self.content()?.as_bytes()))
    }

    fn content(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        io::Seek::rewind(&mut self.history)?;
        self.history.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Appends the state of a key.
    pub(super) fn note_key(&mut self, kid: &str, fate: Fate, now: UnixTime) -> io::Result<()> {
        match fate {
            Fate::Made => self.append(&format!("key {kid} made {now}\n")),
            Fate::Ends(end) => self.note_end(kid, Some(end)),
            Fate::Removed => self.append(&format!("key {kid} removed {now}\n")),
        }
    }

    /// Appends the end of a key; `None` means never.
    pub(super) fn note_end(&mut self, kid: &str, end: Option<UnixTime>) -> io::Result<()> {
        let end = end.map_or("never".to_owned(), |end| end.to_string());
        self.append(&format!("key {kid} ends {end}\n"))
    }

    /// Appends that a leaked key was replaced.
    pub(super) fn note_replaced(&mut self, kid: &str, replaced: &Replacement) -> io::Result<()> {
        let Replacement { by, at } = replaced;
        self.append(&format!("key {kid} replaced {at} by {by}\n"))
    }

    /// Appends that a key did not leak after all.
    pub(super) fn note_undone(&mut self, kid: &str, now: UnixTime) -> io::Result<()> {
        self.append(&format!("key {kid} {UNDONE} {now}\n"))
    }

    /// Appends revocations: `false` for one that was undone.
    pub(super) fn note_revocations<'r>(
        &mut self,
        known: &History,
        states: impl IntoIterator<Item = (&'r Revocation, &'r RevocationState)>,
    ) -> io::Result<()> {
        let lines = states.into_iter().flat_map(|(revocation, state)| {
            let lines = state.missing_in(known.state(revocation)).into_iter();
            lines.map(move |is_revoked| {
                let word = if is_revoked { REVOKED } else { UNDONE };
                format!("{word} {revocation}\n")
            })
        });
        let lines: String = lines.collect();
        match lines.is_empty() {
            true => Ok(()),
            false => self.append(&lines),
        }
    }

    /// Appends in one write; the lines are on disk when this returns. After an error they are
    /// taken back: the next command writes them again, because the system may report a second
    /// sync of the same bytes as done although the first one lost them.
    fn append(&mut self, lines: &str) -> io::Result<()> {
        let length = self.history.metadata()?.len();
        let appended = self.append_and_sync(lines);
        if appended.is_err() {
            let _ = self.history.set_len(length);
        }
        appended
    }

    fn append_and_sync(&mut self, lines: &str) -> io::Result<()> {
        let content = self.content()?;
        let start = match (content.is_empty(), content.ends_with('\n')) {
            (true, _) => HEADING,
            (false, true) => "",
            (false, false) => CUT_SHORT,
        };
        self.history
            .write_all(format!("{start}{lines}").as_bytes())?;
        self.history.sync_all()?;
        match content.is_empty() {
            // The file is new, or its maker was killed.
            true => self.sync(),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(is_revoked: bool, undone: usize) -> RevocationState {
        RevocationState { is_revoked, undone }
    }

    #[test]
    fn line_breaks_of_another_system_change_nothing() {
        let login = Revocation::Lineage([7; 16]);
        let text = format!(
            "# remark\nkey abc made 2026-11-27T12:00:00Z\nrevoked {login}\n\
             key abc replaced 2026-11-27T12:00:00Z by def\nkey ghi ends 2026-11-27T12:00:00Z\n"
        );
        let history = History::parse(text.as_bytes());
        assert_eq!(history.fates.len(), 2);
        let other = text.replace('\n', "\r\n");
        assert_eq!(History::parse(other.as_bytes()), history);
    }

    #[test]
    fn the_last_whole_line_on_a_key_counts() {
        let now = UnixTime(1_800_000_000);
        let folder = tempfile::tempdir().unwrap();
        let mut held = Held::hold(folder.path()).unwrap();
        for (kid, fate) in [
            ("abc", Fate::Made),
            ("def", Fate::Made),
            ("abc", Fate::Ends(now)),
            ("def", Fate::Removed),
        ] {
            held.note_key(kid, fate, now).unwrap();
        }
        let by_ghi = Replacement {
            by: "ghi".to_owned(),
            at: now,
        };
        for kid in ["abc", "def"] {
            held.note_replaced(kid, &by_ghi).unwrap();
        }
        held.note_undone("def", now).unwrap();
        let rule = Revocation::Rule(super::super::Scope::All, now);
        let login = Revocation::Lineage([7; 16]);
        let (revoked, undone) = (state(true, 0), state(false, 1));
        let nothing = History::default();
        let states = [(&rule, &revoked), (&login, &revoked), (&rule, &undone)];
        held.note_revocations(&nothing, states).unwrap();
        let whole = held.content().unwrap();
        let history = History::read(folder.path()).unwrap();
        assert_eq!(history.fates["abc"], Fate::Ends(now));
        assert!(history.is_removed("def"));
        assert_eq!(history.replaced_by("abc"), [by_ghi]);
        assert!(history.is_undone("def") && !history.is_undone("abc"));
        assert_eq!(
            history.revocations,
            [(rule, undone), (login, revoked)].into()
        );
        // A text that a kill cut off says no more than its whole lines.
        for length in 0..whole.len() {
            let cut = History::parse(&whole.as_bytes()[..length]);
            let lines = whole[..length].rfind('\n').map_or(0, |end| end + 1);
            let whole_lines = History::parse(&whole.as_bytes()[..lines]);
            assert_eq!(cut, whole_lines, "{length}");
            let ended = format!("{}{CUT_SHORT}", &whole[..length]);
            let is_whole = length == lines;
            assert!(is_whole || History::parse(ended.as_bytes()) == whole_lines);
        }
    }

    #[test]
    fn a_line_after_one_that_was_cut_short_stands_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(HISTORY);
        fs::write(&path, "key abc made 2026-11-27T12:00:00Z\nkey de").unwrap();
        let mut held = Held::hold(folder.path()).unwrap();
        held.note_key("ghi", Fate::Made, UnixTime(0)).unwrap();
        let history = held.history().unwrap();
        let kids: Vec<&str> = history.fates.keys().map(String::as_str).collect();
        assert_eq!(kids, ["abc", "ghi"]);
    }

    #[test]
    fn a_link_to_nowhere_is_not_an_empty_history() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(History::read(folder.path()).unwrap(), History::default());
        std::os::unix::fs::symlink("nowhere", folder.path().join(HISTORY)).unwrap();
        History::read(folder.path()).unwrap_err();
    }
}
