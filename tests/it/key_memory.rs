//! Copies of a key in the memory of a server that has removed it.

use std::{
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{Installation, ServerProcess, eventually};

/// Number of places in the writable memory of a process that hold these bytes; `None` where
/// the system lets nobody look.
fn copies(pid: u32, needle: &[u8]) -> Option<usize> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let open = |name| File::open(format!("/proc/{pid}/{name}")).ok();
    let (memory, pagemap) = (open("mem")?, open("pagemap")?);
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
        for (start, length) in used_parts(&pagemap, start..end) {
            let mut part = vec![0; length];
            // Some regions, such as [vvar], cannot be read.
            if memory.read_exact_at(&mut part, start).is_ok() {
                count += memchr::memmem::find_iter(&part, needle).count();
            }
        }
    }
    Some(count)
}

/// Starts and lengths of the parts that have pages: an allocator reserves a gigabyte, and uses
/// a hundredth of it (proc_pid_pagemap(5)).
fn used_parts(pagemap: &File, range: Range<u64>) -> Vec<(u64, usize)> {
    const PRESENT_OR_SWAPPED: u64 = 3 << 62;
    let page = procfs::page_size();
    let mut entries = vec![0; ((range.end - range.start) / page * 8) as usize];
    if pagemap
        .read_exact_at(&mut entries, range.start / page * 8)
        .is_err()
    {
        return Vec::new();
    }
    let is_used = |entry: &&[u8]| {
        u64::from_ne_bytes(entry.to_vec().try_into().unwrap()) & PRESENT_OR_SWAPPED != 0
    };
    let entries: Vec<&[u8]> = entries.chunks_exact(8).collect();
    let mut at = range.start;
    let mut parts = Vec::new();
    for pages in entries.chunk_by(|one, next| is_used(one) == is_used(next)) {
        let length = pages.len() as u64 * page;
        if is_used(&pages[0]) {
            parts.push((at, length as usize));
        }
        at += length;
    }
    parts
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
    // What still used it when the new keys came ends soon.
    let after = eventually("the key is gone", async || {
        let [bits, text] = look()?;
        (bits <= 2 && text == 0).then_some([bits, text])
    });
    Some([before, after.await])
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
    }
}
