//! The commands that write, and folders for them to write into.

use std::{fs, path::PathBuf, process::Output, time::Duration};

use authseal::{
    clock::UnixTime,
    keyring::{CurrentKeys, KeyFolder, KeySource, Keyring, Passphrase},
    seal::{self, Ancestry, Grant, Lineage},
    secret::Secret,
};

pub const PASSPHRASE: &str = "correct horse battery staple";
const REVOKED: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";
const REFRESH_TOKEN: &str = "never-print-refresh";

/// A folder of its own, with two keys and a revocation.
pub struct Scene {
    pub folder: PathBuf,
    /// The key that does not seal.
    pub old: String,
    authid: String,
    _temporary: tempfile::TempDir,
}

/// A command that writes.
pub struct Case {
    pub name: &'static str,
    pub arguments: fn(&Scene) -> Vec<String>,
    pub environment: fn(&Scene) -> Vec<(&'static str, &'static str)>,
    pub input: fn(&Scene) -> String,
    pub is_done: fn(&Scene, &CurrentKeys, &Output) -> bool,
    prepare: fn(&KeyFolder, &str),
    /// True if it changes the keys folder.
    pub changes: bool,
    /// Number of calls of fsync after which a new key is safe; the later ones are for its line
    /// in the history, which the next `serve` writes otherwise. 0 if it makes none.
    pub key_syncs: usize,
    pub removes: bool,
}

impl Scene {
    pub fn new(case: &Case) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(temporary.path()).unwrap().join("keys");
        let keys = KeyFolder::new(&path);
        let make = |at| keys.create_key(UnixTime(at), Duration::ZERO).unwrap().kid;
        let (old, _) = (make(1_700_000_000), make(1_700_000_001));
        keys.revoke(REVOKED, None).unwrap();
        let authid = authid(&keys);
        (case.prepare)(&keys, &old);
        Self {
            authid,
            folder: path,
            old,
            _temporary: temporary,
        }
    }
}

fn passphrase() -> Option<Passphrase> {
    Some(Passphrase::new(Secret::new(PASSPHRASE)))
}

fn authid(folder: &KeyFolder) -> String {
    let source = KeySource::Folder(folder.path().to_owned());
    let keyring = Keyring::load_protected(source, passphrase()).unwrap();
    let grant = Grant {
        service: "dropbox".into(),
        refresh_token: Secret::new(REFRESH_TOKEN),
        issued_at: UnixTime(1_700_000_002),
        lineage: Lineage::random(),
        generation: 0,
        region: None,
        client: None,
        ancestry: Ancestry::default(),
        terms: None,
    };
    let sealed = seal::seal(&keyring.current(), grant.issued_at, &grant).unwrap();
    sealed.expose().to_owned()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A change of the folder.
fn change(
    name: &'static str,
    arguments: fn(&Scene) -> Vec<String>,
    is_done: fn(&Scene, &CurrentKeys, &Output) -> bool,
) -> Case {
    Case {
        name,
        arguments,
        environment: |_| Vec::new(),
        input: |_| String::new(),
        is_done,
        prepare: |_, _| {},
        changes: true,
        key_syncs: 0,
        removes: false,
    }
}

/// A command that only prints an AuthID.
fn prints(name: &'static str, input: fn(&Scene) -> String) -> Case {
    Case {
        environment: |_| {
            vec![
                ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
                ("DROPBOX_CLIENT_ID", "x"),
                ("DROPBOX_CLIENT_SECRET", "never-print-secret"),
            ]
        },
        input,
        changes: false,
        ..change(
            name,
            |_| Vec::new(),
            |_, keys, output| {
                let text = String::from_utf8_lossy(&output.stdout);
                let mut words = text.split(['"', '\n']);
                let authid = words.find(|word| word.starts_with("v2:"));
                authid
                    .is_some_and(|authid| seal::open(keys, UnixTime(1_800_000_000), authid).is_ok())
            },
        )
    }
}

fn with_passphrase(_: &Scene) -> Vec<(&'static str, &'static str)> {
    vec![("AUTHSEAL_KEYS_PASSPHRASE", PASSPHRASE)]
}

pub fn cases() -> Vec<Case> {
    vec![
        Case {
            key_syncs: 2,
            ..change(
                "keys new",
                |_| words("keys new"),
                |_, keys, _| keys.iter().count() > 2,
            )
        },
        Case {
            // That of the folder above comes first.
            key_syncs: 3,
            prepare: |keys, _| fs::remove_dir_all(keys.path()).unwrap(),
            ..change(
                "keys new, the first",
                |_| words("keys new"),
                |_, keys, _| keys.iter().count() > 0,
            )
        },
        change(
            "keys retire",
            |scene| words(&format!("keys retire {} --at 2033-01-01", scene.old)),
            |scene, keys, _| {
                keys.iter()
                    .any(|key| key.kid == scene.old && key.exp.is_some())
            },
        ),
        Case {
            key_syncs: 2,
            ..change(
                "keys replace",
                |scene| words(&format!("keys replace --leaked {}", scene.old)),
                |scene, keys, _| keys.opening(&scene.old, UnixTime(0)).is_err(),
            )
        },
        Case {
            prepare: |keys, old| {
                let at = UnixTime(1_700_000_003);
                keys.replace_keys(at, &[old.to_owned()]).unwrap();
            },
            ..change(
                "keys replace --undo",
                |scene| words(&format!("keys replace --undo {}", scene.old)),
                |scene, keys, _| keys.opening(&scene.old, UnixTime(0)).is_ok(),
            )
        },
        Case {
            removes: true,
            ..change(
                "keys remove",
                |scene| words(&format!("keys remove {} --yes", scene.old)),
                |scene, keys, _| keys.iter().all(|key| key.kid != scene.old),
            )
        },
        Case {
            environment: with_passphrase,
            ..change(
                "keys protect",
                |_| words("keys protect"),
                |_, keys, _| keys.iter().all(|key| keys.is_protected(&key.kid)),
            )
        },
        Case {
            environment: with_passphrase,
            prepare: |keys, _| {
                let keys = KeyFolder::new(keys.path()).protected_by(passphrase());
                keys.protect_keys(UnixTime(1_700_000_003)).unwrap();
            },
            ..change(
                "keys unprotect",
                |_| words("keys unprotect"),
                |_, keys, _| keys.iter().all(|key| !keys.is_protected(&key.kid)),
            )
        },
        change(
            "revoke",
            |_| words(&format!("revoke {OTHER}")),
            |_, keys, _| keys.is_revoked(OTHER),
        ),
        change(
            "revoke a rule",
            |_| words("revoke --all --before 2020-01-01"),
            |_, keys, _| keys.revoked_count() == 2,
        ),
        change(
            "revoke --undo",
            |_| words(&format!("revoke --undo {REVOKED}")),
            |_, keys, _| !keys.is_revoked(REVOKED),
        ),
        Case {
            arguments: |_| words("authid seal --service dropbox"),
            ..prints("authid seal", |_| REFRESH_TOKEN.to_owned())
        },
        Case {
            arguments: |_| words("import"),
            ..prints("import", |scene| format!("{}\n", scene.authid))
        },
    ]
}
