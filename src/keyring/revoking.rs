//! Writing `revoked.txt`. The file is replaced as a whole, so that no process reads a
//! part of it, and it is on disk before success is reported.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    KeyFolder, KeyringError,
    folder::REVOKED,
    history::{Held, read_if_there},
    on_disk::{ChangeError, give_to_reader_alone, sync_file, sync_folder},
    revocations::{Lines, Revocation, Revocations, Scope},
};

impl KeyFolder {
    /// Revokes a login by its lineage. Returns `false` if it was revoked already.
    pub fn revoke(&self, lineage: &str, reason: Option<&str>) -> Result<bool, KeyringError> {
        let lineage = Revocation::lineage(lineage)
            .ok_or_else(|| KeyringError::one("this is not a lineage: it would revoke nothing"))?;
        self.set_revoked(&lineage, true, reason)
    }

    /// Writes a line that revokes, or one that undoes it. Returns `false` if the last
    /// line about this revocation says so already.
    pub fn set_revoked(
        &self,
        revocation: &Revocation,
        is_revoked: bool,
        reason: Option<&str>,
    ) -> Result<bool, KeyringError> {
        let path = self.path().join(REVOKED);
        let written = self.write_line(revocation, is_revoked, reason);
        written.map_err(|error| {
            let path = path.display();
            error.told(
                &format!("{path} could not be written"),
                &format!("{path} has the line"),
            )
        })
    }

    /// Returns every rule with this scope in `revoked.txt` that is not undone.
    pub fn rules_of(&self, scope: &Scope) -> Result<Vec<Revocation>, KeyringError> {
        let bytes = read_if_there(&self.revoked_path()).map_err(|error| {
            KeyringError::one(format!(
                "{} cannot be read: {error}",
                self.revoked_path().display()
            ))
        })?;
        let lines = Lines::parse(&bytes.unwrap_or_default());
        let known = Revocations::default().and(&self.history()?.revocations);
        Ok(known
            .after(&lines)
            .0
            .iter()
            .filter(|revocation| matches!(revocation, Revocation::Rule(of, _) if of == scope))
            .collect())
    }

    fn write_line(
        &self,
        revocation: &Revocation,
        is_revoked: bool,
        reason: Option<&str>,
    ) -> Result<bool, ChangeError> {
        let mut held = Held::hold(self.path())?;
        let path = self.revoked_path();
        let mut content = read_if_there(&path)?.unwrap_or_default();
        let said = Lines::parse(&content).states.get(revocation).copied();
        let known = held.history()?;
        let is_lost = known.state(revocation).is_revoked
            && !said.is_some_and(|said| said.undoes(known.state(revocation)));
        if said.is_some_and(|said| said.is_revoked == is_revoked && (is_revoked || !is_lost)) {
            // The command that wrote the line may have been killed, or may have failed, before
            // the line was on disk, or in the history.
            let settled = sync_file(&path)
                .and_then(|()| {
                    held.note_revocations(&known, said.iter().map(|said| (revocation, said)))
                })
                .and_then(|()| held.sync());
            return settled.map_err(ChangeError::NotOnDisk).map(|()| false);
        }
        let mut said = said.unwrap_or_default();
        // An editor may have saved the last line without a line break.
        if !content.is_empty() && !content.ends_with(b"\n") {
            content.push(b'\n');
        }
        let undo = if is_revoked { "" } else { "undo " };
        let reason = reason.map_or(String::new(), |reason| format!(" # {}", one_line(reason)));
        // One more undo than any server has read: a server may have read some that were lost since.
        let lost = known.state(revocation).undone.saturating_sub(said.undone);
        let lines = if is_revoked { 1 } else { 1 + lost };
        for _ in 0..lines {
            content.extend(format!("{undo}{revocation}{reason}\n").as_bytes());
            said.apply(is_revoked);
        }
        self.replace(&path, &content)?;
        held.note_revocations(&known, [(revocation, &said)])
            .map_err(ChangeError::NotOnDisk)?;
        Ok(true)
    }

    /// Replaces a file as a whole. The new file has mode 0600 and the owner of the keys, so
    /// that the server can read it.
    fn replace(&self, path: &Path, content: &[u8]) -> Result<(), ChangeError> {
        let folder = path.parent().unwrap_or(self.path());
        let mut file = tempfile::Builder::new()
            .prefix(".new-revoked-")
            .tempfile_in(folder)?;
        give_to_reader_alone(self.path(), file.as_file())?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(io::Error::from)?;
        sync_folder(folder).map_err(ChangeError::NotOnDisk)
    }

    /// Returns the path of the file, with links resolved.
    fn revoked_path(&self) -> PathBuf {
        let path = self.path().join(REVOKED);
        fs::canonicalize(&path).unwrap_or(path)
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::Duration};

    use super::*;
    use crate::{clock::UnixTime, keyring::history::History};

    const ONE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
    const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

    fn in_new_folder() -> (tempfile::TempDir, KeyFolder) {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::new(folder.path());
        keys.create_key(UnixTime(5), Duration::ZERO).unwrap();
        (folder, keys)
    }

    fn text(keys: &KeyFolder) -> String {
        fs::read_to_string(keys.path().join(REVOKED)).unwrap()
    }

    #[test]
    fn a_lineage_is_revoked_once_on_a_line_of_its_own() {
        let (_folder, keys) = in_new_folder();
        fs::write(keys.path().join(REVOKED), ONE).unwrap();
        assert!(keys.revoke(OTHER, Some("lost\nlaptop")).unwrap());
        assert!(!keys.revoke(OTHER, None).unwrap());
        assert!(!keys.revoke(ONE, None).unwrap());
        assert_eq!(text(&keys), format!("{ONE}\n{OTHER} # lost laptop\n"));
        let one = Revocation::lineage(ONE).unwrap();
        assert!(keys.set_revoked(&one, false, Some("found")).unwrap());
        assert!(!keys.set_revoked(&one, false, None).unwrap());
        assert!(text(&keys).ends_with(&format!("undo {ONE} # found\n")));
        assert!(keys.revoke(ONE, None).unwrap());
        keys.revoke("d1e2f3a4", None).unwrap_err();
    }

    #[test]
    fn the_file_is_private_and_the_history_has_its_lines() {
        let (_folder, keys) = in_new_folder();
        keys.revoke(ONE, None).unwrap();
        let metadata = fs::metadata(keys.path().join(REVOKED)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let one = Revocation::lineage(ONE).unwrap();
        let is_revoked = || History::read(keys.path()).unwrap().state(&one).is_revoked;
        assert!(is_revoked());
        keys.set_revoked(&one, false, None).unwrap();
        assert!(!is_revoked());
    }

    #[test]
    fn what_the_file_has_lost_is_taken_back_all_the_same() {
        let (_folder, keys) = in_new_folder();
        let rule = |at| Revocation::Rule(Scope::All, UnixTime(at));
        for at in [100, 200] {
            keys.set_revoked(&rule(at), true, None).unwrap();
        }
        for left in [format!("{}\n", rule(100)), String::new()] {
            fs::write(keys.path().join(REVOKED), left).unwrap();
            assert_eq!(keys.rules_of(&Scope::All).unwrap().len(), 2);
        }
        fs::remove_file(keys.path().join(REVOKED)).unwrap();
        for rule in keys.rules_of(&Scope::All).unwrap() {
            assert!(keys.set_revoked(&rule, false, None).unwrap());
        }
        assert_eq!(keys.rules_of(&Scope::All).unwrap(), []);
    }

    #[test]
    fn an_undo_counts_also_where_earlier_lines_were_lost() {
        let (_folder, keys) = in_new_folder();
        let one = Revocation::lineage(ONE).unwrap();
        for is_revoked in [true, false, true, false, true] {
            assert!(keys.set_revoked(&one, is_revoked, None).unwrap());
        }
        let whole = text(&keys);
        let in_force = || {
            let known = Revocations::default().and(&keys.history().unwrap().revocations);
            known.after(&Lines::parse(text(&keys).as_bytes())).0.len()
        };
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        for kept in 0..=lines.len() {
            fs::write(keys.path().join(REVOKED), lines[..kept].concat()).unwrap();
            keys.catch_up(&keys.load().unwrap(), UnixTime(9)).unwrap();
            assert_eq!(in_force(), 1, "{kept}");
            assert!(keys.set_revoked(&one, false, None).unwrap(), "{kept}");
            assert!(!keys.set_revoked(&one, false, None).unwrap(), "{kept}");
            assert_eq!(in_force(), 0, "{kept}");
            assert!(keys.set_revoked(&one, true, None).unwrap(), "{kept}");
        }
    }

    #[test]
    fn a_link_stays_a_link() {
        let (_folder, keys) = in_new_folder();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("list.txt");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, keys.path().join(REVOKED)).unwrap();
        keys.revoke(ONE, None).unwrap();
        assert_eq!(fs::read_to_string(target).unwrap(), format!("{ONE}\n"));
    }
}
