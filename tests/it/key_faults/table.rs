//! What can be wrong with a keys folder.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use authseal::{clock::Clock, keyring::Jwk};
use serde_json::{Value, json};

/// Breaks something in the folder, and returns what undoes it.
pub type Break = fn(&Folder) -> Undo;
pub type Undo = Box<dyn FnOnce()>;

/// A keys folder with one good key, which is not to be lost.
pub struct Folder {
    pub path: PathBuf,
    pub key: PathBuf,
}

impl Folder {
    /// Writes a file, whose undoing is its removal.
    fn write(&self, name: &str, content: &str, mode: u32) -> Undo {
        let path = self.path.join(name);
        write_private(&path, content, mode);
        Box::new(move || fs::remove_file(path).unwrap())
    }

    /// Changes the good key's file.
    fn change(&self, change: impl FnOnce(&str) -> String) -> Undo {
        let (path, good) = (self.key.clone(), fs::read_to_string(&self.key).unwrap());
        write_private(&path, &change(&good), 0o600);
        Box::new(move || write_private(&path, &good, 0o600))
    }
}

/// Whole at once, as every good editor does it.
pub fn write_private(path: &Path, content: &str, mode: u32) {
    let aside = path.with_extension("aside");
    fs::write(&aside, content).unwrap();
    fs::set_permissions(&aside, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(aside, path).unwrap();
}

/// A good key of this id, with one member changed.
pub fn key_with(kid: &str, member: &str, value: Value) -> String {
    let key = Jwk::generate(Clock::system().now(), Duration::from_secs(3600));
    let mut key: Value = serde_json::from_str(key.to_json().expose()).unwrap();
    key["kid"] = json!(kid);
    key[member] = value;
    key.to_string()
}

/// What is wrong, how it comes about, and what the log says of it, with the good
/// key's id for KID.
pub const FAULTS: [(&str, Break, &str); 13] = [
    (
        "a truncated file",
        |folder| folder.change(|json| json[..json.len() / 2].to_owned()),
        " is not JSON (line 1, column",
    ),
    (
        "an empty file",
        |folder| folder.write("empty.jwk", "", 0o600),
        "empty.jwk is not JSON",
    ),
    (
        "not JSON",
        |folder| folder.write("text.jwk", "never-print-this", 0o600),
        "text.jwk is not JSON (line 1, column 2)",
    ),
    (
        "another kty",
        |folder| folder.write("rsa.jwk", &key_with("rsa", "kty", json!("RSA")), 0o600),
        "rsa.jwk has a wrong \"kty\": it must be \"oct\", a symmetric key",
    ),
    (
        "a short k",
        |folder| {
            let k = json!("bmV2ZXItcHJpbnQtdGhpcw");
            folder.write("short.jwk", &key_with("short", "k", k), 0o600)
        },
        "short.jwk has a wrong \"k\": it must be 256 bits (43 characters) in base64url",
    ),
    (
        "a duplicate kid",
        |folder| folder.write("copy.jwk", &fs::read_to_string(&folder.key).unwrap(), 0o600),
        "copy.jwk holds the key \"KID\"; name the file KID.jwk",
    ),
    (
        "a kid unlike the file name",
        |folder| folder.write("one.jwk", &key_with("another", "use", json!("enc")), 0o600),
        "one.jwk holds the key \"another\"; name the file another.jwk",
    ),
    (
        "a world-readable key",
        |folder| folder.write("open.jwk", &key_with("open", "use", json!("enc")), 0o644),
        "open.jwk can be read by others (mode 0644); run: chmod 600 ",
    ),
    (
        "a key that became world-readable",
        |folder| {
            let key = folder.key.clone();
            fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
            Box::new(move || {
                fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
            })
        },
        "KID.jwk can be read by others (mode 0640)",
    ),
    // chmod 000 would not keep root from reading.
    (
        "what cannot be read",
        |folder| {
            let path = folder.path.join("folder.jwk");
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            Box::new(move || fs::remove_dir(path).unwrap())
        },
        "folder.jwk cannot be read: it is a folder",
    ),
    (
        "a link to nowhere",
        |folder| {
            let path = folder.path.join("link.jwk");
            std::os::unix::fs::symlink("nowhere", &path).unwrap();
            Box::new(move || fs::remove_file(path).unwrap())
        },
        "link.jwk cannot be read: No such file",
    ),
    (
        "another key of the same name",
        |folder| {
            let name = folder.key.file_stem().unwrap().to_str().unwrap().to_owned();
            folder.change(|_| key_with(&name, "use", json!("enc")))
        },
        "KID.jwk in the keys folder",
    ),
    (
        "a folder that vanished",
        |folder| {
            let (path, away) = (folder.path.clone(), folder.path.with_extension("away"));
            fs::rename(&path, &away).unwrap();
            Box::new(move || fs::rename(away, path).unwrap())
        },
        "has vanished; put it back",
    ),
];
