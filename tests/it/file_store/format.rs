//! Files of other versions. `format-1.redb.gz` was written by the first one.

use std::{fs, io::Read as _};

use authseal::{
    clock::{Clock, UnixTime},
    store::{FileFault, StoreError},
};

use super::{get, name, open, place, put};

/// When the committed file was written.
const WRITTEN: UnixTime = UnixTime(1_795_780_800);

fn committed() -> Vec<u8> {
    let packed: &[u8] = include_bytes!("format-1.redb.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[tokio::test]
async fn a_file_of_the_first_version_opens_and_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    place(&path, &committed());
    let store = open(&path, &Clock::manual(WRITTEN));
    for number in 0..20 {
        assert_eq!(
            get(&store, number).await,
            Ok(Some(format!("value {number}")))
        );
    }
    let news = store.news(0.0).await.unwrap();
    assert_eq!(news.rotating, ["auth0"]);
    assert_eq!(news.revoked, [name(3)]);
    let contents = store.contents(&Clock::manual(WRITTEN)).await.unwrap();
    assert_eq!((contents.logins, contents.in_progress), (20, 1));
    assert_eq!(contents.oldest_use, Some(WRITTEN));
    put(&store, 21, "new").await.unwrap();
    assert_eq!(get(&store, 21).await, Ok(Some("new".into())));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    place(&path, &committed());
    let engine = redb::Database::open(path.join("logins.redb")).unwrap();
    let writing = engine.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    writing
        .open_table(meta)
        .unwrap()
        .insert("format", 2)
        .unwrap();
    writing.commit().unwrap();
    drop(engine);
    let store = open(&path, &Clock::manual(WRITTEN));
    let error = get(&store, 1).await.unwrap_err();
    assert_eq!(error, StoreError::File(FileFault::Newer { format: 2 }));
    let says = "cannot be used: it has format 2, of a newer authseal; use that version";
    assert_eq!(error.to_string(), says);
}

/// Writes the committed file, to `AUTHSEAL_WRITE_FORMAT`. Never run it for a version that
/// was released: then it proves nothing.
#[tokio::test]
async fn the_committed_file_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = open(&path, &Clock::manual(WRITTEN));
    for number in 0..20 {
        put(&store, number, &format!("value {number}"))
            .await
            .unwrap();
    }
    store.tell_rotating("auth0").await.unwrap();
    store.tell_revoked(&name(3)).await.unwrap();
    let lease = store.lease(name(5), super::LIFETIME).await.unwrap();
    lease.mark_sent(super::LIFETIME).await.unwrap();
    store.close().await;
    let Ok(target) = std::env::var("AUTHSEAL_WRITE_FORMAT") else {
        return;
    };
    let bytes = fs::read(path.join("logins.redb")).unwrap();
    let packed = fs::File::create(target).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &bytes).unwrap();
    packed.finish().unwrap();
}
