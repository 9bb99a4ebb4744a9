//! Copies of a key in the memory of a server that has removed it.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{Installation, ServerProcess};

/// Number of places in the writable memory of a process that hold these bytes; `None` where
/// the system lets nobody look.
fn copies(pid: u32, needle: &[u8]) -> Option<usize> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut count = 0;
    for line in maps.lines() {
        let mut words = line.split(' ');
        let (Some(range), Some(mode)) = (words.next(), words.next()) else {
            continue;
        };
        let (start, end) = range.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        let end = u64::from_str_radix(end, 16).ok()?;
        if !mode.starts_with("rw") {
            continue;
        }
        let mut page = vec![0; usize::try_from(end - start).ok()?];
        // Some regions, such as [vvar], cannot be read.
        if memory.read_exact_at(&mut page, start).is_ok() {
            count += memchr::memmem::find_iter(&page, needle).count();
        }
    }
    Some(count)
}

/// Serves, seals and opens under the key, and removes it. Returns the copies of its bits
/// and of its base64url before and after.
async fn before_and_after(installation: &Installation, kid: &str) -> Option<[[usize; 2]; 2]> {
    let mut environment = installation.environment();
    environment.push(("AUTHSEAL_DUMPABLE", "true"));
    let server = ServerProcess::start(&environment).await;
    let keys = installation.keys();
    let key = keys.iter().find(|key| key.kid == kid).unwrap();
    let bits = *key.bytes();
    let text = URL_SAFE_NO_PAD.encode(bits);
    for _ in 0..5 {
        let authid = installation.log_in("stable");
        assert_eq!(server.refresh(&authid).await.status, 200);
        let renewed = installation.log_in("single-use");
        assert_eq!(server.refresh(&renewed).await.status, 200);
    }
    let look = || {
        let pid = server.program.pid();
        Some([copies(pid, &bits)?, copies(pid, text.as_bytes())?])
    };
    let before = look()?;
    let new = installation.new_key(&[]).await;
    server.has_key(&new, "sealing").await;
    installation
        .run(&["keys", "remove", kid, "--yes"])
        .await
        .good();
    server.has_key(kid, "").await;
    Some([before, look()?])
}

#[tokio::test]
async fn a_removed_key_leaves_no_text_and_few_bits_behind() {
    for passphrase in [None, Some("correct horse battery staple")] {
        let mut installation = Installation::new(std::time::Duration::from_secs(3600)).await;
        if let Some(passphrase) = passphrase {
            installation.set_passphrase(passphrase);
        }
        let kid = installation.new_key(&[]).await;
        let Some([before, after]) = before_and_after(&installation, &kid).await else {
            println!("not shown: the memory of another process cannot be read here");
            return;
        };
        println!("bits and text of the key: {before:?}, and {after:?} after its removal");
        assert!(before[0] > 0, "it looks in the right place");
        assert!(after[0] <= 2 && after[1] == 0, "{before:?} {after:?}");
    }
}
